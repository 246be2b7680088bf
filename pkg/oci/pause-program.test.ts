import { describe, expect, it } from "vitest";
import { pauseProgram } from "./pause-program.ts";

describe("the pause program", () => {
  for (const [architecture, machine, bytes] of [
    ["x64", 62, 188],
    ["arm64", 183, 208],
  ] as const) {
    it(`is a small executable for ${architecture}`, () => {
      const program = Buffer.from(pauseProgram(architecture));
      expect(program.length).toBe(bytes);
      expect(program.subarray(1, 4).toString()).toBe("ELF");
      expect(program.readUInt16LE(18)).toBe(machine);
      expect(program.readBigUInt64LE(24)).toBe(0x40_0078n);
      // The file's size is the segment's.
      expect(program.readBigUInt64LE(64 + 32)).toBe(BigInt(bytes));
    });
  }
});
