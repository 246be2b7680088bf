import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { readLog, type LogRequest } from "./log-reader.ts";

const line = (text: string): string => `2026-01-02T03:04:05.000000000Z stdout F ${text}\n`;
const plain = { follow: false, timestamps: false };

describe("readLog", () => {
  let folder = "";
  let path = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tskube-logs-"));
    path = join(folder, "0.log");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const never = new AbortController().signal;
  async function read(request: Partial<LogRequest>): Promise<string> {
    let out = "";
    for await (const piece of readLog(path, { ...plain, ...request }, never, never))
      out += Buffer.from(piece).toString();
    return out;
  }

  it("reads rotated files before the newest", async () => {
    writeFileSync(`${path}.20260101-000000`, line("one") + line("two"));
    writeFileSync(path, line("three"));
    assert.equal(await read({}), "one\ntwo\nthree\n");
  });

  it("gives the last lines, through rotated files too", async () => {
    writeFileSync(`${path}.20260101-000000`, line("one") + line("two"));
    writeFileSync(path, line("three") + line("four"));
    assert.equal(await read({ tailLines: 1 }), "four\n");
    assert.equal(await read({ tailLines: 3 }), "two\nthree\nfour\n");
    assert.equal(await read({ tailLines: 9 }), "one\ntwo\nthree\nfour\n");
    assert.equal(await read({ tailLines: 0 }), "");
  });

  it("finds the tail of a log much larger than a chunk", async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => line(`line ${index}`)).join("");
    writeFileSync(path, many);
    assert.equal(await read({ tailLines: 2 }), "line 19998\nline 19999\n");
    assert.equal((await read({ tailLines: 15_000 })).split("\n").length, 15_001);
  });

  it("stops at the limit of bytes", async () => {
    writeFileSync(path, line("one") + line("two"));
    assert.equal(await read({ limitBytes: 6 }), "one\ntw");
  });

  it("follows appends and rotation, and ends when the container has", async () => {
    writeFileSync(path, line("one"));
    const ended = new AbortController();
    const pieces = readLog(path, { ...plain, follow: true }, ended.signal, never);
    const next = async (): Promise<string> =>
      Buffer.from((await pieces.next()).value ?? "").toString();
    assert.equal(await next(), "one\n");
    appendFileSync(path, line("two"));
    assert.equal(await next(), "two\n");
    const waiting = next();
    renameSync(path, `${path}.20260101-000000`);
    writeFileSync(path, line("three"));
    assert.equal(await waiting, "three\n");
    appendFileSync(path, line("last words"));
    ended.abort();
    assert.equal(await next(), "last words\n");
    assert.equal((await pieces.next()).done, true);
  });

  it("stops following when its reader goes", async () => {
    writeFileSync(path, "");
    const gone = new AbortController();
    const pieces = readLog(path, { ...plain, follow: true }, never, gone.signal);
    const waiting = pieces.next();
    setImmediate(() => gone.abort());
    assert.equal((await waiting).done, true);
  });
});
