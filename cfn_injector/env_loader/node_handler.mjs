/*
 * Puts the deployed variables into the environment, and then exports the function's own handler. With several handlers,
 * each has a module beside this one, which calls `find`.
 *
 * The file `environ` in this folder holds records `NAME=VALUE` that end with NUL. An empty record separates its three
 * groups: the variables that override the environment, those that the environment overrides, and `_HANDLER`, which
 * names the function's own handler.
 *
 * The search for the handler repeats that of Lambda's runtime, whose own code cannot be called:
 * https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
import { existsSync, readFileSync } from "fs";
import { createRequire } from "module";
import { basename, dirname, resolve } from "path";
import { fileURLToPath } from "url";

const FOLDER = dirname(fileURLToPath(import.meta.url));
const TASK_ROOT = dirname(FOLDER);

// An error about a missing module lists the files that required it. Naming the runtime here keeps the list the same.
const require = createRequire(process.argv[1] ?? import.meta.url);

/** Returns the name of the function's own handler, or undefined if there are several. */
function fill() {
  let group = 0;
  let own;
  for (const record of readFileSync(`${FOLDER}/environ`, "utf8").split("\0")) {
    const equals = record.indexOf("=");
    const name = record.slice(0, Math.max(equals, 0));
    if (name === "") group++;
    else if (group === 2) own = record.slice(equals + 1);
    else if (group !== 1 || !Object.hasOwn(process.env, name)) process.env[name] = record.slice(equals + 1);
  }
  return own;
}

// Version 4 of the client imports every module. Versions up to 3 set this symbol before they load a module.
const IMPORTS = !(Symbol.for("aws.lambda.beforeExit") in globalThis);

function isInModulePackage(folder) {
  if (folder.endsWith("/node_modules")) return false;
  if (existsSync(`${folder}/package.json`)) {
    try {
      return JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).type === "module";
    } catch {
      return false; // as the runtime does
    }
  }
  return folder !== "/" && isInModulePackage(dirname(folder));
}

/** Loads the user's module as version 4 of the runtime's client does, which is in nodejs24.x. */
async function imported(root, name) {
  const path = resolve(TASK_ROOT, root, name);
  for (const extension of ["", ".js", ".mjs", ".cjs"]) {
    if (existsSync(path + extension)) return import(path + extension);
  }
  return require(require.resolve(name, { paths: [TASK_ROOT, resolve(TASK_ROOT, root)] }));
}

/** Loads the user's module as earlier versions do: as a CommonJS module whenever that is possible. */
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

/** The value at a path of keys. Version 4 looks only into objects, not into functions. */
function within(object, keys) {
  return keys.reduce((inner, key) => (inner && (!IMPORTS || typeof inner === "object") ? inner[key] : undefined), object);
}

export async function find(name) {
  process.env._HANDLER = name;
  const last = basename(name);
  const dot = last.indexOf(".");
  const module = await (IMPORTS ? imported : required)(name.slice(0, name.indexOf(last)), last.slice(0, dot));
  const keys = last.slice(dot + 1).split(".");
  const found = within(module, keys) || (IMPORTS && within(module?.default, keys));
  if (!found) throw notFound(`${name} is undefined or not exported`);
  if (typeof found !== "function") throw notFound(`${name} is not a function`);
  return found;
}

const own = fill();

export const handler = own && (await find(own));
