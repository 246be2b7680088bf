import { describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import type { Kubeconfig } from "../machinery/kubeconfig.ts";
import { chooseContext, mergeKubeconfigs, parseKubeconfig } from "./kubeconfig.ts";

const config = (user: object, more: Partial<Kubeconfig> = {}): Kubeconfig => ({
  "current-context": "here",
  clusters: [{ name: "c", cluster: { server: "https://a:6443" } }],
  users: [{ name: "u", user }],
  contexts: [{ name: "here", context: { cluster: "c", user: "u" } }],
  ...more,
});
const choose = (user: object, overrides = {}) =>
  chooseContext(config(user), systemClock, overrides);

describe("chooseContext", () => {
  it("takes the current context, and lets each part be overridden", async () => {
    expect(choose({ token: "t" })).toMatchObject({ context: "here", namespace: "default" });
    const other = choose({ token: "t" }, { server: "https://b", namespace: "n", token: "x" });
    expect(other).toMatchObject({ namespace: "n", access: { server: "https://b" } });
    expect(await other.access.token?.()).toBe("x");
  });

  for (const [title, user, overrides, message] of [
    ["an unknown context", {}, { context: "there" }, 'context "there" does not exist'],
    ["an unknown cluster", {}, { cluster: "d" }, 'cluster "d" does not exist or has no server'],
    ["an unknown user", {}, { user: "v" }, 'user "v" does not exist'],
    ["a plugin", { exec: { command: "aws" } }, {}, "exec plugins are not supported"],
    ["half a certificate", { "client-key-data": "eA==" }, {}, "has only one of"],
    ["a password", { username: "me" }, {}, "Kubernetes has removed"],
  ] as const)
    it(`names ${title}`, () => expect(() => choose(user, overrides)).toThrow(message));

  it("says what is missing when nothing is chosen", () => {
    expect(() => chooseContext({}, systemClock)).toThrow("no context is chosen");
  });
});

describe("parsing and merging", () => {
  it("names the file that cannot be read", async () => {
    const parse = (text: string) => parseKubeconfig(text, "/x/config");
    await expect(parse("a: [")).rejects.toThrow("kubeconfig /x/config is not YAML");
    await expect(parse("- a")).rejects.toThrow("is not a mapping");
    await expect(parse("")).resolves.toEqual({});
  });

  it("lets the first file that names a thing win", () => {
    const first = { contexts: [{ name: "a", context: { namespace: "1" } }] };
    const second = config({}, { contexts: [{ name: "a", context: { namespace: "2" } }] });
    const merged = mergeKubeconfigs([first, second]);
    expect(merged.contexts).toEqual(first.contexts);
    expect(merged["current-context"]).toBe("here");
  });
});
