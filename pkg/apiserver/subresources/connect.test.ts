import { expect, it } from "vitest";
import type { ApiRequest } from "../api-request.ts";
import { parseRequestInfo } from "../request-info.ts";
import type { NodeProxy } from "../connect-contract.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { connectVerbs } from "./connect.ts";

const passed = { status: 200, headers: {}, body: new Uint8Array() };
const proxy: NodeProxy = {
  respond: () => Promise.resolve(passed),
  upgrade: () => Promise.reject(new Error("nobody upgrades")),
};
const pod = "/api/v1/namespaces/default/pods/a/proxy";

const ask = (verb: "get" | "head" | "create", path: string) => {
  const [before = "", ...query] = path.split("?");
  const search = new URLSearchParams(query.join("?"));
  const info = parseRequestInfo("GET", before, search);
  const request = { info, query: search, wire: { path } };
  const serve = connectVerbs(proxy)["proxy"]?.[verb];
  return serve?.({} as ResourceStore, request as unknown as ApiRequest);
};

for (const [title, verb, path, location] of [
  ["leads to the folder, so that relative links work", "get", pod, `${pod}/`],
  ["keeps the query on that way", "head", `${pod}?a=b&c`, `${pod}/?a=b&c`],
  // Two at the beginning would lead to a machine of the name that follows.
  ["leads nowhere else", "get", `/${pod}`, `${pod}/`],
  ["passes on what names something", "get", `${pod}/index.html`, undefined],
  ["passes on the folder itself", "get", `${pod}/`, undefined],
  ["passes on what is no look", "create", pod, undefined],
] as const) {
  it(`a proxy ${title}`, async () => {
    const answer = await ask(verb, path);
    expect(answer?.status).toBe(location === undefined ? 200 : 301);
    expect(answer?.headers["location"]).toBe(location);
  });
}
