import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { StorageError } from "../../storage/storage.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { apiChain, type ApiFilter, ApiRequest } from "../api-request.ts";
import type { Attributes, UserInfo } from "../auth-contract.ts";
import { withAuthentication } from "./authentication.ts";
import { attributesOf, withAuthorization } from "./authorization.ts";
import { answerFailures } from "./failures.ts";
import { parseImpersonation, withImpersonation } from "./impersonation.ts";
import { limitInFlight } from "./in-flight.ts";

const ok: WireResponse = { status: 200, headers: {}, body: new Uint8Array() };
const alice: UserInfo = { name: "alice", uid: "", groups: [], extra: {} };

const requestOf = (path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
  new ApiRequest({
    method,
    path,
    headers,
    peer: { address: "127.0.0.1" },
    signal: new AbortController().signal,
  });

/** What the caller sees of a request that meets these filters. */
async function answerOf(filters: readonly ApiFilter[], request: ApiRequest): Promise<string> {
  const handle = apiChain([answerFailures(silentLogger), ...filters], async () => ok);
  const { status, body } = await handle(request);
  if (status === 200) return `200 as ${request.user.name} of ${request.user.groups.join(",")}`;
  const { reason, message } = JSON.parse(Buffer.from(body as Uint8Array).toString()) as {
    readonly reason: string;
    readonly message: string;
  };
  return `${status} ${reason}: ${message}`;
}

describe("the request chain", () => {
  it("makes a caller without credentials anonymous", async () => {
    const filters = [withAuthentication(async () => undefined)];
    const seen = await answerOf(filters, requestOf("/api/v1/pods"));
    assert.equal(seen, "200 as system:anonymous of system:unauthenticated");
  });

  it("puts callers with credentials among the authenticated", async () => {
    const filters = [withAuthentication(async () => alice)];
    const seen = await answerOf(filters, requestOf("/api/v1/pods"));
    assert.equal(seen, "200 as alice of system:authenticated");
  });

  for (const [path, message] of [
    [
      "/api/v1/namespaces/a/pods/b",
      'pods "b" is forbidden: User "alice" cannot get resource "pods" in API group "" ' +
        'in the namespace "a": no',
    ],
    [
      "/apis/apps/v1/deployments",
      'deployments.apps is forbidden: User "alice" cannot list resource "deployments" ' +
        'in API group "apps" at the cluster scope: no',
    ],
    ["/metrics", 'forbidden: User "alice" cannot get path "/metrics": no'],
  ] as const) {
    it(`says who may not do what: ${path}`, async () => {
      const refuse = withAuthorization(async () => ({ allowed: false, reason: "no" }));
      const filters = [withAuthentication(async () => alice), refuse];
      assert.equal(await answerOf(filters, requestOf(path)), `403 Forbidden: ${message}`);
    });
  }

  it("keeps the reasons of inner failures to itself", async () => {
    const filters: ApiFilter[] = [() => () => Promise.reject(new Error("secret"))];
    const seen = await answerOf(filters, requestOf("/api/v1/pods"));
    assert.match(seen, /^500 InternalError/);
    assert.doesNotMatch(seen, /secret/);
  });

  it("says when storage is away", async () => {
    const away = new StorageError("Unavailable", "no leader");
    const filters: ApiFilter[] = [() => () => Promise.reject(away)];
    assert.match(await answerOf(filters, requestOf("/api/v1/pods")), /^503 ServiceUnavailable/);
  });

  for (const [what, method, isUndone, retryAfter] of [
    ["a read", "GET", false, "1"],
    ["a write that was certainly not done", "POST", true, "1"],
    // Clients repeat what names a time; a second object could come of it.
    ["a write of which nobody knows whether it was done", "POST", false, undefined],
  ] as const) {
    it(`asks for ${retryAfter === undefined ? "no repeat" : "a repeat"} of ${what}`, async () => {
      const away = new StorageError("Unavailable", "the connection ended", { isUndone });
      const serve = answerFailures(silentLogger)(() => Promise.reject(away));
      const { status, headers } = await serve(requestOf("/api/v1/pods", {}, method));
      assert.equal(status, 503);
      assert.equal(headers["retry-after"], retryAfter);
    });
  }

  it("turns away what is above its bound, and takes it when there is room again", async () => {
    let release = (): void => {};
    const blocked = new Promise<WireResponse>((resolve) => (release = () => resolve(ok)));
    const limit = limitInFlight({ reads: 1, writes: 1 })(() => blocked);
    const first = limit(requestOf("/api/v1/pods"));
    await assert.rejects(
      async () => limit(requestOf("/api/v1/pods")),
      (error) => error instanceof StatusError && error.details.retryAfterSeconds === 1,
    );
    void limit(requestOf("/api/v1/pods?watch=true"));
    void limit(requestOf("/api/v1/namespaces", {}, "POST"));
    release();
    await first;
    assert.equal((await limit(requestOf("/api/v1/pods"))).status, 200);
  });
});

describe("impersonation", () => {
  const asBob = { "impersonate-user": "bob", "impersonate-group": "dev,ops" };

  it("asks for each part, and acts as the other", async () => {
    const asked: string[] = [];
    const authorize = async ({ verb, resource, name, user }: Attributes) => {
      asked.push(`${user.name} ${verb} ${resource} ${name}`);
      return { allowed: true, reason: "" };
    };
    const filters = [withAuthentication(async () => alice), withImpersonation(authorize)];
    const seen = await answerOf(filters, requestOf("/api/v1/pods", asBob));
    assert.equal(seen, "200 as bob of dev,ops,system:authenticated");
    assert.deepEqual(asked, [
      "alice impersonate users bob",
      "alice impersonate groups dev",
      "alice impersonate groups ops",
    ]);
  });

  it("is refused where one part is", async () => {
    const authorize = async ({ name }: Attributes) => ({ allowed: name !== "ops", reason: "" });
    const filters = [withAuthentication(async () => alice), withImpersonation(authorize)];
    const seen = await answerOf(filters, requestOf("/api/v1/pods", asBob));
    assert.match(seen, /^403 Forbidden: groups "ops" is forbidden: User "alice"/);
  });

  it("of a group alone means nothing", () => {
    assert.throws(() => parseImpersonation({ "impersonate-group": "dev" }), /without a user/);
    assert.equal(parseImpersonation({}), undefined);
  });

  it("of a ServiceAccount puts it into its groups", async () => {
    const authorize = async () => ({ allowed: true, reason: "" });
    const headers = { "impersonate-user": "system:serviceaccount:ns:sa" };
    const seen = await answerOf([withImpersonation(authorize)], requestOf("/api/v1/pods", headers));
    assert.equal(
      seen,
      "200 as system:serviceaccount:ns:sa of " +
        "system:serviceaccounts,system:serviceaccounts:ns,system:authenticated",
    );
  });
});

describe("what is asked for", () => {
  const pods = "/api/v1/namespaces/a/pods";
  for (const [title, path, method, name] of [
    [
      "a list of one object is about that object",
      `${pods}?fieldSelector=metadata.name%3Dx`,
      "GET",
      "x",
    ],
    ["so is a watch", `${pods}?watch=1&fieldSelector=a%3Db,metadata.name%3D%3Dx`, "GET", "x"],
    [
      "a list of all but one is about no object",
      `${pods}?fieldSelector=metadata.name!%3Dx`,
      "GET",
      "",
    ],
    [
      "a name that is none is about no object",
      `${pods}?fieldSelector=metadata.name%3D..`,
      "GET",
      "",
    ],
    [
      "the end of a collection is about it",
      `${pods}?fieldSelector=metadata.name%3Dx`,
      "DELETE",
      "",
    ],
    [
      "the path names what the query cannot",
      `${pods}/y?fieldSelector=metadata.name%3Dx`,
      "GET",
      "y",
    ],
  ] as const) {
    it(title, () => assert.equal(attributesOf(requestOf(path, {}, method)).name, name));
  }
});
