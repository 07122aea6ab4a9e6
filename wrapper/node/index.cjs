/*
 * Reads the `.env` file that was deployed with a Lambda function. Needs only Node.js, 18 or later.
 *
 * Takes a path and the environment. Returns the file's variables as an object (getEnv), puts them into the environment
 * (load), or puts them there before a handler is used (wrap). The grammar and the error messages are the same as in the
 * Python reader; docs/env-file.md describes them.
 *
 * Everything is in one file, because every cold start pays for each file that it loads. One regular expression reads
 * most files, which have only plain lines: in a process that has just started, running JavaScript is what takes time.
 *
 * The names that Lambda presets, and which of them can be set:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
"use strict";

const { readFileSync } = require("fs");
const { isAbsolute, resolve } = require("path");

const BOM = "\ufeff";
const PLAIN = /(?:(\w+)=('[^'\r\n]*'|"[^"\\\r\n]*"|[^\s'"`]\S*|)|#[^\n]*|)(?:\n|$)/y;
const QUOTES = ["'", '"', "`"];
const AFTER_QUOTE = "has text after its closing quote";
const ESCAPED_QUOTE = ": python-dotenv's set_key escapes quotes like this; put double quotes around the value";
const INNER_QUOTE =
  ': "vercel env pull" does not escape quotes; put single quotes around the value, or write \\" inside it';
const NEVER_IN_A_NAME = /[ \t\r#'"\ufeff]/;
const ESCAPES = new Map([["n", "\n"], ["r", "\r"], ['"', '"'], ["\\", "\\"], ["$", "$"], ["`", "`"]]);
const DEFAULT_PATH = ".env";
const PRESET_BY_LAMBDA = ["LANG", "TZ"];
const LOADS_CODE = ["LD_LIBRARY_PATH", "LD_PRELOAD", "NODE_OPTIONS", "NODE_PATH", "PATH", "PYTHONPATH"];

/** The file is not a valid `.env` file. The properties never hold any of the file's content, which is secret. */
class ParseError extends Error {
  constructor(code, problem, line, path) {
    super(`${path === undefined ? "" : `${path}, `}line ${line} ${problem} [${code}]`);
    this.name = "ParseError";
    this.code = code;
    this.problem = problem;
    this.line = line;
    this.path = path;
  }
}

/** A ParseError for the statement that starts at `position`. */
function refusal(code, problem, text, position) {
  return new ParseError(code, problem, text.slice(0, position).split("\n").length);
}

function isBlank(character) {
  return character === " " || character === "\t";
}

/** The text without blanks at both ends. A regular expression would take quadratic time. */
function trimmed(text) {
  let start = 0;
  let end = text.length;
  while (isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

/** The text of a file's bytes. Throws ParseError with the line of the first byte that is not UTF-8. */
function decode(bytes) {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = data.toString();
  if (!text.includes("\ufffd")) return text; // the character that replaces invalid bytes, but can be in the file itself
  const again = Buffer.from(text);
  if (data.equals(again)) return text;
  const wrong = data.findIndex((byte, index) => byte !== again[index]);
  throw refusal("CI007", "is not UTF-8", data.toString("latin1"), wrong < 0 ? data.length : wrong);
}

/** The rest of a line, without its line end, and where the next line starts. There must be no CR before `start`. */
function restOfLine(text, start) {
  const end = text.indexOf("\n", start);
  if (end < 0) return [text.slice(start), text.length];
  return [text.slice(start, text[end - 1] === "\r" ? end - 1 : end), end + 1];
}

/** The decoded value of the quotes that open at `opening`, and the position after the closing quote. */
function quoted(text, opening, statement) {
  const quote = text[opening];
  let start = opening + 1;
  let end = text.indexOf(quote, start);
  let value = "";
  while (end >= 0) {
    const span = text.slice(start, end);
    const backslash = quote === '"' ? span.indexOf("\\") : -1;
    if (backslash < 0) return [value + span, end + 1];
    const escaped = text[start + backslash + 1];
    value += span.slice(0, backslash) + (ESCAPES.get(escaped) ?? `\\${escaped}`);
    start += backslash + 2;
    if (escaped === quote) end = text.indexOf(quote, start);
  }
  throw refusal("CI003", "opens a quote that is never closed", text, statement);
}

/** Whether a statement can end before the rest of its line. */
function ends(rest) {
  const behind = trimmed(rest);
  return behind === "" || behind[0] === "#";
}

/** Whether the quote at `opening` is a backtick that opens no quotes: most parsers read it as a character. */
function isCharacter(text, opening) {
  if (text[opening] !== "`") return false;
  const closing = text.indexOf("`", opening + 1);
  return closing < 0 || !ends(restOfLine(text, closing + 1)[0]);
}

/** Code and problem of text after quotes. If a tool seems to have written it, they name the tool, and what to write. */
function afterQuote(quotes, rest) {
  if (quotes.endsWith("\\'")) return ["CI005", AFTER_QUOTE + ESCAPED_QUOTE];
  const isInner = quotes[0] === '"' && trimmed(rest).endsWith('"') && !quotes.includes("\n");
  return isInner ? ["CI006", AFTER_QUOTE + INNER_QUOTE] : ["CI004", AFTER_QUOTE];
}

/** The statement at `start`: the start of the next one, and name and value unless the line is blank or a comment. */
function statementAt(text, start) {
  const [body, end] = restOfLine(text, start);
  const equals = body.indexOf("=");
  let name = trimmed(equals < 0 ? body : body.slice(0, equals));
  if (name.startsWith("#") || (name === "" && equals < 0)) return { end };
  if (equals < 0) throw refusal("CI001", "has no =", text, start);
  if (name.startsWith("export ") || name.startsWith("export\t")) name = trimmed(name.slice(6));
  if (name === "" || NEVER_IN_A_NAME.test(name)) throw refusal("CI002", "has no valid name before its =", text, start);
  const right = body.slice(equals + 1);
  const value = trimmed(right);
  if (QUOTES.includes(value[0])) {
    const opening = text.indexOf(value[0], start + equals);
    if (!isCharacter(text, opening)) {
      const [decoded, closed] = quoted(text, opening, start);
      const [rest, next] = restOfLine(text, closed);
      if (!ends(rest)) throw refusal(...afterQuote(text.slice(opening, closed), rest), text, start);
      return { end: next, name, value: decoded };
    }
  }
  const comment = value.includes("#") ? right.search(/[ \t]#/) : -1;
  return { end, name, value: comment < 0 ? value : trimmed(right.slice(0, comment)) };
}

/** The variables of a text. With `settable`, values must fit into an environment. Takes linear time. */
function variables(text, settable = false) {
  const found = Object.create(null); // so that no name is special, not even __proto__
  let unset = -1;
  for (let start = text.startsWith(BOM) ? 1 : 0; start < text.length; ) {
    const { end, name, value } = statementAt(text, start);
    if (name !== undefined) {
      if (settable && unset < 0 && (name.includes("\0") || value.includes("\0"))) unset = start;
      found[name] = value;
    }
    start = end;
  }
  if (unset >= 0) throw refusal("CI008", "holds a character that environment variables cannot hold", text, unset);
  return found;
}

/** The variables of a text that has only empty lines, comments and plain assignments; undefined for any other text. */
function plain(text) {
  if (text.includes("\0")) return undefined;
  const found = Object.create(null);
  for (let start = 0; start < text.length; start = PLAIN.lastIndex) {
    PLAIN.lastIndex = start;
    const line = PLAIN.exec(text);
    if (line === null) return undefined;
    const value = line[2];
    if (value !== undefined) found[line[1]] = value[0] === "'" || value[0] === '"' ? value.slice(1, -1) : value;
  }
  return found;
}

function placesOf(path, environ) {
  const name = typeof path === "string" ? path : require("url").fileURLToPath(path.href);
  const root = environ.LAMBDA_TASK_ROOT || process.env.LAMBDA_TASK_ROOT;
  return root && !isAbsolute(name) ? [`${root}/${name}`, name] : [name];
}

/** The text of a file. Reads it as text, which takes a tenth of the time, and as bytes only if necessary. */
function textOf(place) {
  const text = readFileSync(place, "utf8");
  return text.includes("\ufffd") ? decode(readFileSync(place)) : text;
}

/** The variables of the first file that exists; undefined if there is none. */
function read(places, settable) {
  for (const place of places) {
    try {
      const text = textOf(place);
      return plain(text) ?? variables(text, settable);
    } catch (error) {
      if (error instanceof ParseError) throw new ParseError(error.code, error.problem, error.line, resolve(place));
      if (error.code !== "ENOENT") throw error;
    }
  }
}

/** Returns the variables of a text, or of the bytes of a file. */
function parse(text) {
  return variables(typeof text === "string" ? text : decode(text));
}

/** Returns the variables of the file at `path` without touching the environment. */
function getEnv(path = DEFAULT_PATH) {
  const places = placesOf(path, process.env);
  const found = read(places, false);
  if (found !== undefined) return found;
  const lookedAt = [...new Set(places.map((place) => resolve(place)))].join(" and ");
  throw Object.assign(new Error(`ENOENT: no such file, tried ${lookedAt} [CI009]`), { code: "ENOENT" });
}

/** Puts the file's variables into `environ` and returns those that were set. */
function load(options = {}) {
  if (options === null || typeof options !== "object") {
    const problem = "load takes an object of options: load({ path }) [CI010]";
    throw Object.assign(new TypeError(problem), { code: "CI010" });
  }
  const { path = DEFAULT_PATH, environ = process.env, override = false, allow = [] } = options;
  const allowed = typeof allow === "string" ? [allow] : [...allow];
  const fileWins = new Set([...PRESET_BY_LAMBDA, ...LOADS_CODE.filter((name) => allowed.includes(name))]);
  const found = read(placesOf(path, environ), true) ?? Object.create(null);
  const chosen = Object.create(null);
  for (const name in found) {
    if (override || !Object.hasOwn(environ, name) || fileWins.has(name)) chosen[name] = found[name];
  }
  for (const name of LOADS_CODE) if (!fileWins.has(name)) delete chosen[name];
  for (const name in chosen) {
    // On an ordinary object, assigning to __proto__ does not set a property.
    Object.defineProperty(environ, name, {
      value: chosen[name],
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return chosen;
}

/** Calls `load()` and returns the handler unchanged, whatever kind it is. */
function wrap(handler) {
  load();
  return handler;
}

module.exports = { ParseError, getEnv, load, parse, wrap };
