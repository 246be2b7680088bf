import { describe, expect, it } from "vitest";
import { ipBytes, ipText } from "./extensions.ts";

describe("IP addresses", () => {
  for (const [text, hex] of [
    ["10.96.0.1", "0a600001"],
    ["::1", "00000000000000000000000000000001"],
    ["::", "00000000000000000000000000000000"],
    ["fd00:10:96::1", "fd000010009600000000000000000001"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
    ["fe80::", "fe800000000000000000000000000000"],
  ] as const) {
    it(`${text} to bytes and back`, () => {
      expect(Buffer.from(ipBytes(text)).toString("hex")).toBe(hex);
      expect(ipText(Buffer.from(hex, "hex"))).toBe(text);
    });
  }

  it("reads an IPv4 address inside IPv6", () => {
    expect(Buffer.from(ipBytes("::ffff:10.0.0.1")).toString("hex")).toBe(
      "00000000000000000000ffff0a000001",
    );
  });
});
