/* The same for ES modules; all of it is in index.cjs. */
export { ParseError, getEnv, load, parse, wrap } from "./index.cjs";
