import { describe, expect, it } from "vitest";
import type { Credentials } from "../auth-contract.ts";
import {
  authenticateCertificate,
  firstOf,
  parseTokenFile,
  staticTokens,
} from "./authenticators.ts";
import { anyToken, authenticateBearer } from "./token-authenticator.ts";

const signal = new AbortController().signal;
const request = (more: Partial<Credentials>): Credentials => ({
  path: "/",
  headers: {},
  peer: { address: "" },
  ...more,
});
const users = parseTokenFile('t0ken,jane,7,"a, b"\n# comment\n\nplain,joe,8\n');
const authenticate = firstOf([
  authenticateCertificate,
  authenticateBearer(anyToken([staticTokens(users)]), ["api"]),
]);
const certificate = { commonName: "root", organizations: ["system:masters"] };

describe("authenticate", () => {
  for (const [title, credentials, name, groups] of [
    ["by certificate", { peer: { address: "", certificate } }, "root", ["system:masters"]],
    ["by token", { headers: { authorization: "Bearer t0ken" } }, "jane", ["a", "b"]],
    [
      "by token, however the scheme is written",
      { headers: { authorization: "bearer  plain" } },
      "joe",
      [],
    ],
    [
      "by token, beside a certificate that is not good",
      {
        headers: { authorization: "Bearer t0ken" },
        peer: { address: "", rejectedCertificate: "x" },
      },
      "jane",
      ["a", "b"],
    ],
  ] as const) {
    it(title, async () => {
      expect(await authenticate(request(credentials), signal)).toMatchObject({ name, groups });
    });
  }

  it("knows nobody without credentials", async () => {
    expect(await authenticate(request({}), signal)).toBeUndefined();
    const basic = request({ headers: { authorization: "Basic eDp5" } });
    expect(await authenticate(basic, signal)).toBeUndefined();
  });

  for (const [title, credentials] of [
    ["a wrong token", { headers: { authorization: "Bearer wrong" } }],
    ["a wrong certificate", { peer: { address: "", rejectedCertificate: "self signed" } }],
  ] as const) {
    it(`refuses ${title}`, async () => {
      await expect(authenticate(request(credentials), signal)).rejects.toMatchObject({
        reason: "Unauthorized",
      });
    });
  }
});

describe("parseTokenFile", () => {
  it("names the line that is short", () => {
    expect(() => parseTokenFile("a,b,c\nx,y\n")).toThrow(/line 2/);
    expect(() => parseTokenFile(",jane,1")).toThrow(/line 1: the token is empty/);
  });
});
