import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { parseLogLine, showLogLine, type LogView } from "./log-line.ts";

const stamp = "2026-01-02T03:04:05.123456789Z";
const show = (text: string, view: LogView): string => {
  const line = parseLogLine(Buffer.from(text));
  return line === undefined ? "(none)" : Buffer.concat(showLogLine(line, view)).toString();
};

describe("a container's log line", () => {
  for (const [title, line, view, shown] of [
    ["is its text", `${stamp} stdout F hello world`, {}, "hello world\n"],
    ["may be empty", `${stamp} stdout F `, {}, "\n"],
    ["goes on when partial", `${stamp} stderr P half`, {}, "half"],
    ["may have its time", `${stamp} stdout F a`, { timestamps: true }, `${stamp} a\n`],
    ["of another stream is left out", `${stamp} stdout F a`, { stream: "stderr" }, ""],
    ["from before is left out", `${stamp} stdout F a`, { sinceMs: Date.parse(stamp) + 1 }, ""],
    [
      "from the same instant is shown",
      `${stamp} stdout F a`,
      { sinceMs: Date.parse(stamp) },
      "a\n",
    ],
    ["cut off by a crash is skipped", `${stamp} stdo`, {}, "(none)"],
    ["of an unknown stream is skipped", `${stamp} stdin F a`, {}, "(none)"],
  ] as const) {
    it(title, () => assert.equal(show(line, { timestamps: false, ...view }), shown));
  }
});
