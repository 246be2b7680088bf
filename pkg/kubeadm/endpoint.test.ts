import { expect, it } from "vitest";
import { parseEndpoint } from "./endpoint.ts";

for (const [text, expected] of [
  ["10.0.0.1:6443", "10.0.0.1:6443"],
  ["10.0.0.1", "10.0.0.1:6443"],
  ["api.example.org:443", "api.example.org:443"],
  ["[fd00::1]:8443", "[fd00::1]:8443"],
  ["", undefined],
  ["bad host:1", undefined],
  ["10.0.0.1:", undefined],
  ["10.0.0.1:0", undefined],
  ["10.0.0.1:99999", undefined],
  ["10.0.0.1:port", undefined],
  [":6443", undefined],
  ["https://10.0.0.1:6443", undefined],
  ["user@10.0.0.1:6443", undefined],
] as const) {
  it(`${JSON.stringify(text)} is ${expected ?? "no endpoint"}`, () =>
    expect(parseEndpoint(text, 6443)).toBe(expected));
}
