/*
 * Stands in for the native HTTP client of aws-lambda-ric, which npm would have to compile: the same three functions,
 * so that AWS's own code finds, loads and invokes handlers. Whoever imports this gets them at the next request for the
 * native module, after which nothing of it is left in the loader of modules.
 */
"use strict";

const { execFileSync } = require("child_process");
const http = require("http");
const Module = require("module");

const ADDRESS = process.env.AWS_LAMBDA_RUNTIME_API;
const INVOCATION = "/2018-06-01/runtime/invocation";

/** Does not return before the answer is there, as the native one; Node.js itself cannot do that. */
function post(path, body, headers = {}) {
  const fields = { Host: ADDRESS, Connection: "close", "Content-Type": "application/json", ...headers };
  fields["Content-Length"] = Buffer.byteLength(body);
  const lines = Object.entries(fields).map((field) => field.join(": "));
  const input = [`POST ${path} HTTP/1.1`, ...lines, "", body].join("\r\n");
  const script = `exec 3<>/dev/tcp/${ADDRESS.replace(":", "/")}; cat >&3; cat <&3`;
  const options = { input, timeout: 30_000, env: { PATH: "/usr/bin:/bin" } };
  const answer = execFileSync("/bin/bash", ["-c", script], options).toString();
  if (!answer.startsWith("HTTP/1.1 202 ")) throw new Error(`the Runtime API answered: ${answer}`);
}

const client = {
  next: () =>
    new Promise((resolve, reject) => {
      http
        .get(`http://${ADDRESS}${INVOCATION}/next`, { agent: false }, (response) => {
          let bodyJson = "";
          response.setEncoding("utf8");
          response.on("data", (text) => (bodyJson += text));
          response.on("end", () => resolve({ bodyJson, headers: response.headers }));
        })
        .on("error", reject);
    }),
  done: (id, body) => post(`${INVOCATION}/${id}/response`, body),
  error: (id, body, xray) =>
    post(`${INVOCATION}/${id}/error`, body, { "Lambda-Runtime-Function-XRay-Error-Cause": xray }),
};

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request !== "./rapid-client.node") return load.call(this, request, ...rest);
  Module._load = load;
  return client;
};
