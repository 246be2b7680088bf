import { describe, expect, it } from "vitest";
import { parseZombieExit } from "./process.ts";

/** Field 3 is the state, field 52 the status; the name in between may look like anything. */
const stat = (state: string, status: number): string =>
  `42 (a) Z ( b) ${[state, ...Array.from({ length: 48 }, () => "0"), status].join(" ")}\n`;

describe("the exit of a process that nobody collected", () => {
  for (const [title, line, expected] of [
    ["an exit code", stat("Z", 3 << 8), 3],
    ["a signal", stat("Z", 9), 137],
    ["a signal with a core file", stat("Z", 11 | 0x80), 139],
    ["a process that runs", stat("S", 0), undefined],
  ] as const) {
    it(title, () => expect(parseZombieExit(line)).toBe(expected));
  }
});
