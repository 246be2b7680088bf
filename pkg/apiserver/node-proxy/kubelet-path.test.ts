import { describe, expect, it } from "vitest";
import type { Pod } from "../../../api/core/v1.ts";
import {
  chooseContainer,
  kubeletAddress,
  logPath,
  parseProxyName,
  streamPath,
} from "./kubelet-path.ts";
import { isProxyableHost, proxyPath, withoutCredentials } from "./proxy-request.ts";

const container = (name: string) => ({ name, image: "x" });
const pod = (...names: string[]): Pod => ({
  metadata: { namespace: "a", name: "web" },
  spec: { initContainers: [container("init")], containers: names.map(container) },
});
const query = (text: string): URLSearchParams => new URLSearchParams(text);

describe("chooseContainer", () => {
  it("takes the only one, and the named one, init containers included", () => {
    expect(chooseContainer(pod("one"), "")).toBe("one");
    expect(chooseContainer(pod("one", "two"), "two")).toBe("two");
    expect(chooseContainer(pod("one"), "init")).toBe("init");
  });
  for (const [title, names, wanted, message] of [
    [
      "one of several",
      ["a", "b"],
      "",
      "a container name must be specified for pod web, choose one of: [init a b]",
    ],
    ["one that is not there", ["a"], "b", "container b is not valid for pod web"],
    ["any of none", [], "", "a container name must be specified for pod web"],
  ] as const) {
    it(`does not guess ${title}`, () => {
      expect(() => chooseContainer(pod(...names), wanted)).toThrow(
        expect.objectContaining({ reason: "BadRequest", message }),
      );
    });
  }
});

describe("the kubelet's paths", () => {
  for (const [asked, wanted] of [
    ["", "/containerLogs/a/web/one"],
    [
      "follow=true&timestamps=false&tailLines=5",
      "/containerLogs/a/web/one?follow=true&tailLines=5",
    ],
    [
      "sinceTime=2026-01-01T00%3A00%3A00Z",
      "/containerLogs/a/web/one?sinceTime=2026-01-01T00%3A00%3A00Z",
    ],
    [
      "previous=1&limitBytes=10&stream=Stderr",
      "/containerLogs/a/web/one?previous=true&limitBytes=10&stream=Stderr",
    ],
  ] as const) {
    it(`log?${asked}`, () => expect(logPath(pod("one"), query(asked))).toBe(wanted));
  }
  for (const asked of [
    "tailLines=-1",
    "tailLines=x",
    "sinceSeconds=0",
    "sinceSeconds=1&sinceTime=2026-01-01",
    "sinceTime=x",
  ]) {
    it(`refuses log?${asked}`, () => {
      expect(() => logPath(pod("one"), query(asked))).toThrow(
        expect.objectContaining({ reason: "BadRequest" }),
      );
    });
  }
  for (const [subresource, asked, wanted] of [
    [
      "exec",
      "command=sh&command=-c&command=a+b&stdin=true&stdout=true&tty=true",
      "/exec/a/web/one?input=1&output=1&tty=1&command=sh&command=-c&command=a+b",
    ],
    ["attach", "stdout=1&stderr=1&container=one", "/attach/a/web/one?output=1&error=1"],
    ["portforward", "", "/portForward/a/web"],
    ["portforward", "ports=80,443", "/portForward/a/web?port=80%2C443"],
  ] as const) {
    it(`${subresource}?${asked}`, () => {
      expect(streamPath(pod("one"), { subresource, query: query(asked) })).toBe(wanted);
    });
  }
});

describe("kubeletAddress", () => {
  const node = (addresses: readonly (readonly [string, string])[], port?: number) => ({
    metadata: { name: "n1" },
    status: {
      addresses: addresses.map(([type, address]) => ({ type, address })),
      ...(port === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: port } } }),
    },
  });
  it("prefers addresses to names, and the port that the node reports", () => {
    const both = [
      ["Hostname", "n1"],
      ["InternalIP", "10.0.0.1"],
    ] as const;
    expect(kubeletAddress(node(both))).toEqual({ nodeName: "n1", host: "10.0.0.1", port: 10250 });
    expect(kubeletAddress(node([["Hostname", "n1"]], 7)).port).toBe(7);
  });
  it("says so where there is none", () =>
    expect(() => kubeletAddress(node([]))).toThrow(/no preferred addresses/));
});

describe("proxies", () => {
  it("read scheme and port from the name", () => {
    expect(parseProxyName("web")).toEqual({ scheme: "", name: "web", port: "" });
    expect(parseProxyName("web:80")).toEqual({ scheme: "", name: "web", port: "80" });
    expect(parseProxyName("https:web:443")).toEqual({ scheme: "https", name: "web", port: "443" });
    expect(() => parseProxyName("a:b:c:d")).toThrow(/invalid request/);
  });
  it("pass on the path and the query, and not who asks", () => {
    expect(proxyPath({ rest: "", query: query("") })).toBe("/");
    expect(proxyPath({ rest: "/pods", query: query("a=1") })).toBe("/pods?a=1");
    const headers = {
      authorization: "x",
      "impersonate-user": "x",
      ":path": "/",
      accept: "*/*",
      host: "h",
      "x-remote-user": "x",
    };
    expect(withoutCredentials(headers)).toEqual({ accept: "*/*" });
  });
  it("do not go back to this machine", () => {
    const bad = ["127.0.0.1", "::1", "169.254.169.254", "localhost", "fe80::1", "0.0.0.0"];
    expect(bad.filter(isProxyableHost)).toEqual([]);
    expect(["10.0.0.1", "fd00::1", "node-1"].every(isProxyableHost)).toBe(true);
  });
});
