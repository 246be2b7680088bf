import { describe, expect, it } from "vitest";
import { playerCode } from "./player.ts";

// As llvm-mc assembles the same lines (`llvm-mc -triple=x86_64` and `-triple=aarch64`); the arm64
// player was also run under qemu-aarch64 with a tape of every kind of entry.
const assembled = {
  x64:
    "53554889fb31ed488b034885c0787c488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f" +
    "054885c07509488b4b504885c97523488943404885c07924488b4b38f7d84885c9744080f9ff7414" +
    "38c8741048c1e908ebec4889cbbd01000000eba3488b4b484885c97415488b4340488b114885d274" +
    "094889024883c108ebef4883c358e97cffffff85ed750531c05d5bc3bf7f000000b8e70000000f05",
  arm64:
    "e90300aa0a008052280140f9e803f8b7208540a9228d41a9249542a9010000d4600000b52b2940f9" +
    "ab0100b5202100f9c001f8b62b1d40f9ec0300cb6b0200b46d1d4092bffd03f100010054bf010ceb" +
    "c00000546bfd48d3f9ffff17e9030baa2a008052e9ffff172b2540f9ab0000b46c8540f86c0000b4" +
    "800100f9fdffff1729610191e1ffff176a00003500008052c0035fd6e00f8052c80b8052010000d4",
} as const;

describe("the tape player", () => {
  for (const architecture of ["x64", "arm64"] as const) {
    it(`is what an assembler makes of its listing for ${architecture}`, () => {
      expect(playerCode(architecture).toString("hex")).toBe(assembled[architecture]);
    });
  }
});
