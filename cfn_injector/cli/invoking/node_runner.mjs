/*
 * Runs a Node.js handler: under AWS's runtime client if it is installed, otherwise by itself.
 *
 * A script that runs in a process of its own, with the environment that Lambda gives to a runtime. Its argument is a
 * folder in which the client is looked up, after the folder of the function. It gets the event from the Runtime API and
 * posts the answer or the error there.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
import { existsSync } from "fs";
import http from "http";
import { createRequire } from "module";
import { basename, dirname, join, resolve } from "path";
import { pathToFileURL } from "url";

const NOTE =
  "note: aws-lambda-ric is not installed, or was not compiled, so a simple runner takes its place: every module is " +
  "imported, as nodejs24.x does, and logs have no prefix. npm install aws-lambda-ric adds AWS's runtime client";
const PATH = "/2018-06-01/runtime";
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const { LAMBDA_TASK_ROOT: TASK_ROOT, _HANDLER: HANDLER, AWS_EXECUTION_ENV: RUNTIME } = process.env;
// Up to nodejs22.x, handlers may call back, and may be properties of functions; a rejection that is left is reported.
const IS_BEFORE_24 = Number(/nodejs(\d+)/.exec(RUNTIME)?.[1]) < 24;

/** The main file of AWS's client, if it has its native part, which npm compiles. */
function client(folders) {
  for (const folder of folders) {
    try {
      const main = createRequire(`${folder}/`).resolve("aws-lambda-ric");
      if (existsSync(join(dirname(main), "rapid-client.node"))) return main;
    } catch {
      // is not installed there
    }
  }
}

function request(method, path, headers = {}) {
  const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
  const sent = http.request({ host, port, method, path: PATH + path, headers, agent: false });
  const answered = new Promise((done, fail) => {
    sent.on("error", fail).on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => done({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
  });
  return { sent, answered };
}

function call(method, path, body = "") {
  const { sent, answered } = request(method, path);
  sent.end(body);
  return answered;
}

function post(path, value) {
  return call("POST", path, JSON.stringify(value ?? null));
}

/** The error as the Runtime API takes it. It is printed, too. */
function described(error) {
  console.error(error);
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? "").split("\n") };
}

function fault(name, message) {
  return Object.assign(new Error(message), { name: `Runtime.${name}` });
}

async function imported(root, name) {
  const path = resolve(TASK_ROOT, root, name);
  const found = ["", ".js", ".mjs", ".cjs"].map((extension) => path + extension).find((file) => existsSync(file));
  if (found) return import(pathToFileURL(found));
  const require = createRequire(`${TASK_ROOT}/`);
  return require(require.resolve(name, { paths: [TASK_ROOT, resolve(TASK_ROOT, root)] }));
}

/** The user's handler, found as version 4 of AWS's client does. */
async function find(name) {
  const last = basename(name);
  const dot = last.indexOf(".");
  if (dot < 1 || name.includes("..")) throw fault("MalformedHandlerName", "Bad handler");
  let module;
  try {
    module = await imported(name.slice(0, name.indexOf(last)), last.slice(0, dot));
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("UserCodeSyntaxError", String(error));
    if (error?.code === "MODULE_NOT_FOUND") throw fault("ImportModuleError", String(error));
    throw error;
  }
  const keys = last.slice(dot + 1).split(".");
  const isInner = (value) => value && (IS_BEFORE_24 || typeof value === "object");
  const within = (object) => keys.reduce((inner, key) => (isInner(inner) ? inner[key] : undefined), object);
  const found = within(module) || within(module?.default);
  if (!found) throw fault("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof found !== "function") throw fault("HandlerNotFound", `${name} is not a function`);
  if (!IS_BEFORE_24 && !found[STREAMING] && found.length > 2) {
    throw fault("CallbackHandlerDeprecated", "Lambda has removed callbacks starting with Node.js 24; return a promise");
  }
  return found;
}

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMING]: "response" }),
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream.write(JSON.stringify(prelude));
      stream.write(Buffer.alloc(8));
      return stream;
    },
  },
};

function contextOf(headers) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(headers["lambda-runtime-deadline-ms"] - Date.now(), 0),
  };
}

/** What the handler returns or passes to its callback. */
function called(handler, event, context) {
  if (!IS_BEFORE_24) return handler(event, context);
  return new Promise((succeed, fail) => {
    const done = (error, value) => (error === undefined || error === null ? succeed(value) : fail(error));
    const returned = handler(event, Object.assign(context, { succeed, fail, done }), done);
    if (typeof returned?.then === "function") returned.then(succeed, fail);
  });
}

/** Posts what the handler writes, and its error in the trailers. */
async function streamed(path, handler, event, context) {
  const error = "Lambda-Runtime-Function-Error-";
  const { sent, answered } = request("POST", path, {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Content-Type": "application/octet-stream",
    "Transfer-Encoding": "chunked",
    Trailer: `${error}Type, ${error}Body`,
  });
  const write = sent.write.bind(sent);
  const isRaw = (chunk) => typeof chunk === "string" || chunk instanceof Uint8Array;
  sent.write = (chunk, ...rest) => write(isRaw(chunk) ? chunk : JSON.stringify(chunk), ...rest);
  sent.setContentType = (type) => sent.setHeader("Content-Type", type);
  try {
    await handler(event, sent, context);
    if (!sent.writableEnded) throw new Error("Response stream is not finished.");
  } catch (caught) {
    const told = described(caught);
    sent.addTrailers({
      [`${error}Type`]: told.errorType,
      [`${error}Body`]: Buffer.from(JSON.stringify(told)).toString("base64"),
    });
    sent.end();
  }
  return answered;
}

async function run() {
  let errors = "/init/error";
  const failed = async (error) => {
    await post(errors, described(error));
    process.exit(1);
  };
  if (IS_BEFORE_24) {
    const left = (reason) => failed(fault("UnhandledPromiseRejection", String(reason)));
    process.on("uncaughtException", failed).on("unhandledRejection", left);
  }
  const handler = await find(HANDLER).catch(failed);
  const { headers, body } = await call("GET", "/invocation/next");
  const invocation = `/invocation/${headers["lambda-runtime-aws-request-id"]}`;
  errors = `${invocation}/error`;
  const context = contextOf(headers);
  if (handler[STREAMING]) {
    await streamed(`${invocation}/response`, handler, JSON.parse(body), context);
  } else {
    // A promise that nothing can settle any more: Lambda answers null.
    process.once("beforeExit", () => post(`${invocation}/response`, null).then(() => process.exit(0)));
    try {
      await post(`${invocation}/response`, await called(handler, JSON.parse(body), context));
    } catch (error) {
      await failed(error);
    }
  }
  process.exit(0);
}

const main = client([TASK_ROOT, ...process.argv.splice(2)]);
if (main) {
  const { run } = await import(pathToFileURL(main)); // version 4 starts itself
  await run?.(TASK_ROOT, HANDLER);
} else {
  console.error(NOTE);
  await run();
}
