import { describe, expect, it } from "vitest";
import {
  backoffMs,
  credentialsOf,
  endpointsOf,
  noRegistries,
  parseChallenge,
} from "./registry-plan.ts";

describe("endpointsOf", () => {
  it.each([
    ["docker.io", "https://registry-1.docker.io"],
    ["registry.k8s.io", "https://registry.k8s.io"],
    ["127.0.0.1:5000", "http://127.0.0.1:5000"],
    ["localhost", "http://localhost"],
    ["[::1]:5000", "http://[::1]:5000"],
    ["127.0.0.1.example.com", "https://127.0.0.1.example.com"],
  ])("%s is %s", (domain, base) => {
    expect(endpointsOf({ domain }, noRegistries)).toEqual([{ base }]);
  });

  it("puts mirrors first, with their authority", () => {
    const config = {
      mirrors: { "docker.io": ["https://mirror.example/"] },
      tls: { "mirror.example": { authority: "PEM" } },
    };
    expect(endpointsOf({ domain: "docker.io" }, config)).toEqual([
      { base: "https://mirror.example", authority: "PEM" },
      { base: "https://registry-1.docker.io" },
    ]);
  });
});

describe("parseChallenge", () => {
  it("reads a token challenge", () => {
    const header =
      'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"';
    expect(parseChallenge(header)).toEqual({
      scheme: "bearer",
      parameters: {
        realm: "https://auth.example/token",
        service: "registry",
        scope: "repository:a/b:pull,push",
      },
    });
  });

  it("prefers a token to a password", () => {
    expect(parseChallenge('Basic realm="a", Bearer realm="b"')?.parameters).toEqual({ realm: "b" });
    expect(parseChallenge('Basic realm="a"')?.scheme).toBe("basic");
    expect(parseChallenge("Negotiate")).toBeUndefined();
  });
});

it("reads docker's combined login", () => {
  const auth = Buffer.from("me:pa:ss").toString("base64");
  expect(credentialsOf({ auth })).toEqual({ username: "me", password: "pa:ss" });
  expect(credentialsOf({})).toBeUndefined();
});

it("waits longer each time, or as long as asked", () => {
  expect([0, 1, 2].map((attempt) => backoffMs(attempt))).toEqual([250, 500, 1000]);
  expect(backoffMs(0, "3")).toBe(3000);
  expect(backoffMs(0, "3600")).toBe(30_000);
});
