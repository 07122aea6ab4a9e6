/*
 * Reads many files with one reader.
 *
 * In flow, on stdin, one JSON object per line: `file` in base64, and for the wrapper's load `environ`, `override` and
 * `allow`. Out flows, on stdout, one JSON array per line: an outcome for each way in which the reader can be used. An
 * outcome is `{variables}` as pairs, or `{line, problem, code}` of a ParseError, or `{error}`, another error's message.
 *
 *     node read.cjs READER
 */
"use strict";

const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require("fs");
const { tmpdir } = require("os");
const { join } = require("path");

const folder = mkdtempSync(join(tmpdir(), "read-"));
const path = join(folder, ".env");

function dotenv() {
  return require("dotenv").parse(readFileSync(path));
}

function expanded(name) {
  const { expand } = require(name);
  return [() => expand({ parsed: dotenv(), processEnv: {} }).parsed];
}

const READERS = {
  wrapper() {
    const { getEnv, load, parse } = require("../../wrapper/node");
    return [
      ({ bytes }) => parse(bytes),
      () => getEnv(path),
      ({ environ, override, allow }) => load({ path, environ, override, allow }),
      ({ environ }) => environ, // after load
    ];
  },
  dotenv: () => [dotenv],
  "dotenv-expand": () => expanded("dotenv-expand"),
  "dotenv-expand 1000": () => expanded("dotenv-expand-1000"),
  "process.loadEnvFile"() {
    const held = new Set(Object.keys(process.env));
    return [
      () => {
        for (const name of Object.keys(process.env)) if (!held.has(name)) delete process.env[name];
        process.loadEnvFile(path);
        return Object.fromEntries(Object.entries(process.env).filter(([name]) => !held.has(name)));
      },
    ];
  },
};

function outcome(read, request) {
  try {
    return { variables: Object.entries(read(request)) };
  } catch (error) {
    if (error.name === "ParseError") {
      const { line, problem, code } = error;
      return { line, problem, code };
    }
    return { error: String(error) };
  }
}

try {
  const ways = READERS[process.argv[2]]();
  const lines = readFileSync(0, "utf8").split("\n").slice(0, -1);
  const outcomes = lines.map((line) => {
    const { file, ...rest } = JSON.parse(line);
    const request = { bytes: Buffer.from(file, "base64"), ...rest };
    writeFileSync(path, request.bytes);
    return JSON.stringify(ways.map((read) => outcome(read, request)));
  });
  writeFileSync(1, outcomes.join("\n"));
} finally {
  rmSync(folder, { recursive: true });
}
