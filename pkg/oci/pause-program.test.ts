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

  it("points at its own data", () => {
    const code = 64 + 56;
    const x64 = Buffer.from(pauseProgram("x64"));
    // The distance of lea counts from the instruction behind it.
    expect(x64.readBigUInt64LE(code + 17 + x64.readInt32LE(code + 13))).toBe(1n);
    const arm64 = Buffer.from(pauseProgram("arm64"));
    const distance = ((arm64.readUInt32LE(code + 4) >>> 5) & 0x7ffff) * 4;
    expect(arm64.readBigUInt64LE(code + 4 + distance)).toBe(1n);
  });
});
