import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { parseRequestInfo } from "./request-info.ts";

const shown = (method: string, target: string): string => {
  const [path = "", query = ""] = target.split("?");
  const info = parseRequestInfo(method, path, new URLSearchParams(query));
  if (!info.resourceRequest) return `${info.verb} ${info.path}`;
  const { verb, group, version, resource, subresource, namespace, name, rest } = info;
  return `${verb} ${group}/${version} ${resource}/${subresource}${rest} ${namespace}:${name}`;
};

describe("a request's path says what it asks for", () => {
  for (const [method, target, expected] of [
    ["GET", "/healthz", "get /healthz"],
    ["GET", "/api/v1", "get /api/v1"],
    ["GET", "/apis/apps/v1", "get /apis/apps/v1"],
    ["GET", "/api/v1/pods", "list /v1 pods/ :"],
    ["GET", "/api/v1/pods?watch=true", "watch /v1 pods/ :"],
    ["GET", "/api/v1/pods?watch=0", "list /v1 pods/ :"],
    ["GET", "/api/v1/watch/namespaces/a/pods", "watch /v1 pods/ a:"],
    ["GET", "/api/v1/namespaces", "list /v1 namespaces/ :"],
    ["GET", "/api/v1/namespaces/a", "get /v1 namespaces/ a:a"],
    ["PUT", "/api/v1/namespaces/a/finalize", "update /v1 namespaces/finalize a:a"],
    ["GET", "/api/v1/namespaces/a/pods/b", "get /v1 pods/ a:b"],
    ["POST", "/api/v1/namespaces/a/pods/b/binding", "create /v1 pods/binding a:b"],
    ["GET", "/api/v1/nodes/n/proxy/stats/summary", "get /v1 nodes/proxy/stats/summary :n"],
    ["GET", "/api/v1/nodes/n/proxy/", "get /v1 nodes/proxy/ :n"],
    ["GET", "/api/v1/namespaces/a/pods/b/proxy/x%2Fy//z/", "get /v1 pods/proxy/x%2Fy//z/ a:b"],
    [
      "DELETE",
      "/apis/apps/v1/namespaces/a/deployments",
      "deletecollection apps/v1 deployments/ a:",
    ],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/d", "patch apps/v1 deployments/ a:d"],
    [
      "GET",
      "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
      "get rbac.authorization.k8s.io/v1 clusterroles/ :system:node",
    ],
  ] as const) {
    it(`${method} ${target}`, () => assert.equal(shown(method, target), expected));
  }
});
