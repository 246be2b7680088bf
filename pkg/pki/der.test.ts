import { describe, expect, it } from "vitest";
import * as der from "./der.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

describe("DER", () => {
  for (const [title, bytes, wanted] of [
    ["a small integer", der.integer(5n), "020105"],
    ["an integer whose top bit is set", der.integer(0x80n), "02020080"],
    ["zero", der.integer(0n), "020100"],
    [
      "an object identifier",
      der.objectIdentifier("1.2.840.113549.1.1.11"),
      "06092a864886f70d01010b",
    ],
    [
      "a time before 2050",
      der.time(Date.UTC(2026, 0, 2, 3, 4, 5)),
      "170d3236303130323033303430355a",
    ],
    ["a time from 2050 on", der.time(Date.UTC(2050, 0, 1)), "180f32303530303130313030303030305a"],
    ["a long length", der.octetString(new Uint8Array(300)).subarray(0, 4), "0482012c"],
    ["a sorted set", der.setOf(der.integer(2n), der.integer(1n)), "3106020101020102"],
  ] as const) {
    it(`writes ${title}`, () => expect(hex(bytes)).toBe(wanted));
  }

  it("reads back what it wrote", () => {
    const value = der.decode(der.sequence(der.objectIdentifier("2.5.29.17"), der.boolean(true)));
    expect(der.readObjectIdentifier(der.child(value, 0, der.tags.objectIdentifier))).toBe(
      "2.5.29.17",
    );
    expect(der.child(value, 1, der.tags.boolean).content[0]).toBe(0xff);
  });

  for (const [title, bytes] of [
    ["nothing", []],
    ["a value that is cut short", [0x04, 5, 1]],
    ["an indefinite length", [0x30, 0x80, 0, 0]],
    ["a length of five bytes", [0x30, 0x85, 0, 0, 0, 0, 1]],
  ] as const) {
    it(`refuses ${title}`, () => expect(() => der.decode(Uint8Array.from(bytes))).toThrow(/DER/));
  }
});
