import { describe, expect, it } from "vitest";
import { defaultCapabilities } from "./capabilities.ts";
import { defaultSeccomp } from "./seccomp-default.ts";
import { seccompProgram, type SeccompProfile } from "./seccomp.ts";
import { syscallNumber } from "./syscall-numbers.ts";

const allow = 0x7fff_0000;
const errno = (number: number): number => 0x5_0000 + number;
const [EPERM, ENOSYS] = [1, 38];

/** A second, naive implementation of classic BPF, to run the filter as the kernel would. */
function run(program: Uint8Array, data: DataView): number {
  const view = new DataView(program.buffer);
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const [code, value] = [view.getUint16(at * 8, true), view.getUint32(at * 8 + 4, true)];
    const jump = (is: boolean): number => view.getUint8(at * 8 + (is ? 2 : 3));
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = data.getUint32(value, true);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x05) at += value;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x25) at += jump(accumulator > value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error("the filter has no end");
}

function decide(
  profile: SeccompProfile,
  call: string | number,
  args: readonly bigint[] = [],
  audit = 0xc000_003e,
): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setInt32(0, typeof call === "number" ? call : (syscallNumber(call, "x64") ?? -1), true);
  data.setUint32(4, audit, true);
  args.forEach((value, index) => data.setBigUint64(16 + index * 8, value, true));
  return run(seccompProgram(profile, "x64").program, data);
}

describe("RuntimeDefault", () => {
  const profile = defaultSeccomp(defaultCapabilities);
  for (const [call, args, expected] of [
    ["read", [], allow],
    ["writev", [], allow],
    ["execve", [], allow],
    ["mount", [], errno(EPERM)],
    ["unshare", [], errno(EPERM)],
    ["bpf", [], errno(EPERM)],
    ["keyctl", [], errno(EPERM)],
    ["chroot", [], allow],
    ["clone", [0x11n], allow],
    ["clone", [0x1000_0011n], errno(EPERM)],
    ["clone3", [], errno(ENOSYS)],
    ["socket", [2n], allow],
    ["socket", [38n], errno(EPERM)],
    ["socket", [39n], allow],
    ["socket", [40n], errno(EPERM)],
    ["socket", [41n], allow],
    ["personality", [0xffff_ffffn], allow],
    ["personality", [1n], errno(EPERM)],
    [9_999, [], errno(ENOSYS)],
    [0x4000_0000, [], errno(ENOSYS)],
  ] as const) {
    it(`${call}(${args.join(", ")}) gives ${expected.toString(16)}`, () => {
      expect(decide(profile, call, args)).toBe(expected);
    });
  }

  it("ends a process that calls by another architecture's table", () => {
    expect(decide(profile, "read", [], 0x4000_0003)).toBe(0x8000_0000);
  });

  it("lets an administrator mount", () => {
    expect(decide(defaultSeccomp(["CAP_SYS_ADMIN"]), "mount")).toBe(allow);
    expect(decide(defaultSeccomp(["CAP_SYS_ADMIN"]), "clone3")).toBe(allow);
  });
});

describe("argument rules", () => {
  const rule = (op: string, value: number, valueTwo?: number): SeccompProfile => ({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      {
        names: ["dup"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 5,
        args: [{ index: 1, value, op, ...(valueTwo === undefined ? {} : { valueTwo }) }],
      },
    ],
  });
  const wide = 0x1_0000_0002;
  const operators: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
    SCMP_CMP_EQ: (a, b) => a === b,
    SCMP_CMP_NE: (a, b) => a !== b,
    SCMP_CMP_LT: (a, b) => a < b,
    SCMP_CMP_LE: (a, b) => a <= b,
    SCMP_CMP_GT: (a, b) => a > b,
    SCMP_CMP_GE: (a, b) => a >= b,
  };
  for (const [op, holds] of Object.entries(operators)) {
    it(`${op} compares all 64 bits`, () => {
      for (const argument of [0n, 2n, 3n, 0x1_0000_0001n, BigInt(wide), 0x2_0000_0000n]) {
        const expected = holds(argument, BigInt(wide)) ? errno(5) : allow;
        expect(decide(rule(op, wide), "dup", [0n, argument])).toBe(expected);
      }
    });
  }

  it("SCMP_CMP_MASKED_EQ masks both halves", () => {
    const profile = rule("SCMP_CMP_MASKED_EQ", 0x3_0000_00f0, 0x1_0000_0010);
    expect(decide(profile, "dup", [0n, 0x1_0000_001fn])).toBe(errno(5));
    expect(decide(profile, "dup", [0n, 0x3_0000_001fn])).toBe(allow);
  });

  it("takes conditions on one argument as alternatives, others together", () => {
    const profile = (first: number, second: number): SeccompProfile => ({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        {
          names: ["dup"],
          action: "SCMP_ACT_ERRNO",
          args: [
            { index: first, value: 1, op: "SCMP_CMP_EQ" },
            { index: second, value: 2, op: "SCMP_CMP_EQ" },
          ],
        },
      ],
    });
    expect(decide(profile(0, 0), "dup", [2n])).toBe(errno(EPERM));
    expect(decide(profile(0, 1), "dup", [1n, 3n])).toBe(allow);
    expect(decide(profile(0, 1), "dup", [1n, 2n])).toBe(errno(EPERM));
  });

  it("refuses what it cannot enforce", () => {
    expect(() => seccompProgram({ defaultAction: "SCMP_ACT_NOTIFY" }, "x64")).toThrow("NOTIFY");
  });
});
