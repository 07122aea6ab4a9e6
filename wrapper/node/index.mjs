/* The same reader for ES modules. The code is in index.cjs. */
export { ParseError, getEnv, load, parse, wrap } from "./index.cjs";
