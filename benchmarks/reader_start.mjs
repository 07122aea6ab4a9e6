/*
 * Start a function's code and print what that costs; runs as a script in a new Node.js process.
 *
 * Takes the folder of the code, and the file to start with. Prints JSON: nanoseconds of wall clock and CPU, newly
 * allocated bytes of heap, and how many variables the handler found correctly.
 *
 * This is an ES module that imports what Lambda's runtime imports, and loads code as the runtime does: by import from
 * nodejs24.x on. Earlier runtimes load CommonJS modules by require, and set a symbol that the provider's loader checks.
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import "assert";
import "async_hooks";
import { readFileSync } from "fs";
import "http";
import { createRequire } from "module";
import "net";
import { join } from "path";
import "util";

const [folder, file] = process.argv.slice(2);
const path = join(folder, file);
const require = createRequire(import.meta.url);
const importsAll = Number.parseInt(process.versions.node, 10) >= 24;
if (!importsAll) globalThis[Symbol.for("aws.lambda.beforeExit")] = () => {};

const heap = process.memoryUsage().heapUsed;
const cpu = process.cpuUsage();
const wall = process.hrtime.bigint();
const started = importsAll || path.endsWith(".mjs") ? await import(path) : require(path);
const wallSpent = process.hrtime.bigint() - wall;
const cpuSpent = process.cpuUsage(cpu);
const memory = process.memoryUsage().heapUsed - heap;

const found = started.handler();
const expected = Object.entries(JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")));
const right = expected.filter(([name, value]) => found[name] === value).length;
const cpuNs = (cpuSpent.user + cpuSpent.system) * 1000;
console.log(JSON.stringify({ wall_ns: Number(wallSpent), cpu_ns: cpuNs, memory, right }));
