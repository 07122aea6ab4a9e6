/** Where a file is: a relative path is looked for in LAMBDA_TASK_ROOT, then in the working directory. Or a file: URL. */
export type Path = string | { readonly href: string };

/** Names and their values. The object has no prototype: no name in it means anything but a variable of the file. */
export type Variables = Record<string, string>;

export interface LoadOptions {
  /** `.env` where none is given. */
  path?: Path;
  /** What is filled: `process.env` where none is given. */
  environ?: Record<string, string | undefined>;
  /** Whether the file wins over names that `environ` holds already. */
  override?: boolean;
  /** Which of PATH, LD_PRELOAD, LD_LIBRARY_PATH, PYTHONPATH, NODE_OPTIONS and NODE_PATH are set from the file. */
  allow?: string | Iterable<string>;
}

/** The file is no `.env`. None of its properties holds any of the file's content, which is secret. */
export class ParseError extends Error {
  private constructor();
  /** The line where the statement starts, counted from 1. */
  readonly line: number;
  /** Continues "line 3": "has no =". */
  readonly problem: string;
  /** The file, where it is known. */
  readonly path: string | undefined;
}

/**
 * The variables of the file at `path` (`.env` where none is given), and of nothing else.
 *
 * Throws an Error with the code ENOENT, which names the places looked at, or ParseError, which names file and line.
 */
export function getEnv(path?: Path): Variables;

/**
 * Put the file's variables into `environ`; returns those that were put there.
 *
 * A name that `environ` holds already keeps its value, but for TZ and LANG, which Lambda presets itself; with
 * `override` the file wins everywhere. Names that make programs load other code (see `allow`) are left out, unless they
 * are allowed; then they are set whatever `environ` holds. No file is no variables.
 *
 * Throws ParseError, which names file and line, where the file cannot be parsed or holds a NUL, which no environment
 * can. Then nothing was set.
 */
export function load(options?: LoadOptions): Variables;

/** Do `load()` and return the handler itself, of whatever kind it is. */
export function wrap<Handler>(handler: Handler): Handler;

/** The variables of a text, or of the bytes of a file. Throws ParseError, whose `path` is undefined. */
export function parse(text: string | Uint8Array): Variables;
