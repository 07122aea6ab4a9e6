/*
 * Starts a function's code and tells what that cost; runs as a script of a fresh Node.js.
 *
 * In: the folder of the code, and the file to start with. Out: JSON: nanoseconds of wall clock and CPU, bytes of heap
 * that are new, and how many variables the handler found as they should be.
 *
 * It is an ES module that imports what Lambda's runtime imports, and loads code as that one does: from nodejs24.x on by
 * import, before that CommonJS modules by require, and then there is a symbol from which the provider's loader knows it.
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
