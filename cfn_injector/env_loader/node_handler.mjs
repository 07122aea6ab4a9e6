/*
 * Becomes the function's own handler, once the variables that were deployed with it are in the environment.
 *
 * The file `environ` beside this one holds records `NAME=VALUE`, each ended by NUL, in three groups, parted by an empty
 * one: those that are set whatever the environment holds, those that give way to it, and `_HANDLER`, the function's own.
 *
 * The handler is looked for where Lambda's runtime looks, in its order; that is part of the runtime and cannot be
 * called: https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import { existsSync, readFileSync } from "fs";
import { createRequire } from "module";
import { basename, dirname, resolve } from "path";
import { fileURLToPath } from "url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const TASK_ROOT = dirname(FOLDER);

// What is not found is told with the files that asked for it: the runtime, as without a loader.
const require = createRequire(process.argv[1] ?? import.meta.url);

function fill() {
  let group = 0;
  for (const record of readFileSync(`${FOLDER}/environ`, "utf8").split("\0")) {
    const equals = record.indexOf("=");
    const name = record.slice(0, Math.max(equals, 0));
    if (name === "") group++;
    else if (group !== 1 || !Object.hasOwn(process.env, name)) process.env[name] = record.slice(equals + 1);
  }
}

// Version 4 imports every module; up to 3, the client leaves this behind before it loads one.
const IMPORTS = !(Symbol.for("aws.lambda.beforeExit") in globalThis);

function isInModulePackage(folder) {
  if (folder.endsWith("/node_modules")) return false;
  if (existsSync(`${folder}/package.json`)) {
    try {
      return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).type === "module";
    } catch {
      return false; // which is what the runtime takes it for
    }
  }
  return folder !== "/" && isInModulePackage(dirname(folder));
}

/** The user's module as version 4 of the runtime's client loads it, which is that of nodejs24.x. */
async function imported(root, name) {
  const path = resolve(TASK_ROOT, root, name);
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    if (existsSync(path + extension)) return import(path + extension);
  }
  return require(require.resolve(name, { paths: [TASK_ROOT, resolve(TASK_ROOT, root)] }));
}

/** The user's module as earlier versions do: as a CommonJS module wherever it can be one. */
async function required(root, name) {
  const path = resolve(TASK_ROOT, root, name);
  if (existsSync(path)) return require(path);
  if (existsSync(`${path}.js`)) return isInModulePackage(dirname(path)) ? import(`${path}.js`) : require(`${path}.js`);
  if (existsSync(`${path}.mjs`)) return import(`${path}.mjs`);
  if (existsSync(`${path}.cjs`)) return require(`${path}.cjs`);
  return require(require.resolve(name, { paths: [TASK_ROOT, root] }));
}

function notFound(problem) {
  return Object.assign(new Error(problem), { name: "Runtime.HandlerNotFound" });
}

/** What the keys lead to; version 4 looks into objects alone, not into functions. */
function within(object, keys) {
  return keys.reduce((inner, key) => (inner && (!IMPORTS || typeof inner === "object") ? inner[key] : undefined), object);
}

async function find(wanted) {
  const last = basename(wanted);
  const dot = last.indexOf(".");
  const module = await (IMPORTS ? imported : required)(wanted.slice(0, wanted.indexOf(last)), last.slice(0, dot));
  const keys = last.slice(dot + 1).split(".");
  const found = within(module, keys) || (IMPORTS && within(module?.default, keys));
  if (!found) throw notFound(`${wanted} is undefined or not exported`);
  if (typeof found !== "function") throw notFound(`${wanted} is not a function`);
  return found;
}

fill();

export const handler = await find(process.env._HANDLER);
