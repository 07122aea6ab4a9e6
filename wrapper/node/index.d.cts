/** A path or a file: URL. A relative path is resolved against LAMBDA_TASK_ROOT, then against the working directory. */
export type Path = string | { readonly href: string };

/** Names and their values. The object has no prototype, so every name in it is a variable of the file. */
export type Variables = Record<string, string>;

export interface LoadOptions {
  /** Default: `.env`. */
  path?: Path;
  /** The object to fill. Default: `process.env`. */
  environ?: Record<string, string | undefined>;
  /** Whether the file overrides names that `environ` already has. */
  override?: boolean;
  /** Which of PATH, LD_PRELOAD, LD_LIBRARY_PATH, PYTHONPATH, NODE_OPTIONS and NODE_PATH the file can set. */
  allow?: string | Iterable<string>;
}

/** The file is not a valid `.env` file. The properties never hold any of the file's content, which is secret. */
export class ParseError extends Error {
  private constructor();
  /** The code at the end of the message, such as "CI001", for `cfn-injector explain`. */
  readonly code: string;
  /** The line on which the statement starts, counted from 1. */
  readonly line: number;
  /** Completes a sentence that begins with "line 3": "has no =". */
  readonly problem: string;
  /** The file, if it is known. */
  readonly path: string | undefined;
}

/**
 * Returns the variables of the file at `path` (default `.env`) without touching the environment.
 *
 * Throws an Error with the code ENOENT, which names the paths that were tried, or ParseError, which names file and
 * line.
 */
export function getEnv(path?: Path): Variables;

/**
 * Puts the file's variables into `environ` and returns those that were set.
 *
 * A name that is already in `environ` keeps its value, except TZ and LANG, which Lambda presets. With `override` the
 * file always wins. Names that make programs load other code (see `allow`) are left out unless they are allowed. If
 * they are, the file wins for them. A missing file sets nothing.
 *
 * Throws ParseError, which names file and line, if the file cannot be parsed or holds a NUL, which an environment
 * cannot hold. Nothing is set in that case.
 */
export function load(options?: LoadOptions): Variables;

/** Calls `load()` and returns the handler unchanged, whatever kind it is. */
export function wrap<Handler>(handler: Handler): Handler;

/** Returns the variables of a text, or of the bytes of a file. Throws ParseError, whose `path` is undefined. */
export function parse(text: string | Uint8Array): Variables;
