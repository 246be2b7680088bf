import { createPublicKey, type webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import { generateKeyPair } from "../../pki/keys.ts";
import { nodes, pods, secrets, serviceAccounts } from "../../../api/resources.ts";
import type { TokenRequest } from "../../../api/authentication/v1.ts";
import { seededRandom } from "../../base/random.ts";
import { systemClock } from "../../base/system-clock.ts";
import type { Clock } from "../../base/clock.ts";
import { kubernetesProtobuf } from "../../machinery/kube-protobuf.ts";
import { kubernetesDecoder } from "../../machinery/kubernetes-decoder.ts";
import { createAuth } from "./create-auth.ts";
import { signToken, tokenKey, tokenSigningKey, verifyToken } from "./json-web-token.ts";
import { FixedObjects } from "./testing/fixed-objects.ts";

const issuer = "https://kubernetes.default.svc.cluster.local";
const signal = new AbortController().signal;
const start = Date.UTC(2026, 0, 1);
const account = { metadata: { namespace: "a", name: "bot", uid: "sa-1" } };
const pod = {
  metadata: { namespace: "a", name: "web", uid: "pod-1" },
  spec: { serviceAccountName: "bot", nodeName: "n1", containers: [] },
};

function cluster(algorithm: "ecdsa-p256" | "rsa-2048" = "ecdsa-p256") {
  const time = { ms: start };
  const clock: Clock = { ...systemClock, now: () => time.ms };
  const objects = new FixedObjects()
    .put(serviceAccounts, account)
    .put(pods, pod)
    .put(nodes, { metadata: { name: "n1", uid: "node-1" } })
    .put(secrets, { metadata: { namespace: "a", name: "s", uid: "secret-1" } });
  const signingKey = tokenSigningKey(generateKeyPair(algorithm).privateKey);
  const auth = createAuth({
    objects,
    clock,
    random: seededRandom(1),
    issuer,
    signingKey,
    jwksUri: "https://10.0.0.1:6443/openid/v1/jwks",
    tokens: new Map([["static", { name: "bench", uid: "7", groups: ["g"], extra: {} }]]),
  });
  const ask = (token: string) =>
    auth.authenticate(
      { path: "/", headers: { authorization: `Bearer ${token}` }, peer: { address: "" } },
      signal,
    );
  const issue = async (spec: TokenRequest["spec"] = {}): Promise<string> =>
    (await auth.issueToken(account, { spec }, signal)).status?.token ?? "";
  return { auth, ask, issue, objects, time, signingKey };
}

const podReference = { kind: "Pod", apiVersion: "v1", name: "web", uid: "pod-1" };

describe("ServiceAccount tokens", () => {
  for (const algorithm of ["ecdsa-p256", "rsa-2048"] as const) {
    it(`name their account, signed with ${algorithm}`, async () => {
      const { ask, issue } = cluster(algorithm);
      expect(await ask(await issue())).toMatchObject({
        name: "system:serviceaccount:a:bot",
        uid: "sa-1",
        groups: ["system:serviceaccounts", "system:serviceaccounts:a"],
      });
    });
  }

  it("say what they were issued for", async () => {
    const { auth } = cluster();
    const request = { spec: { expirationSeconds: 600, audiences: ["vault"] } };
    const answer = await auth.issueToken(account, request, signal);
    expect(answer.spec).toMatchObject({ audiences: ["vault"], expirationSeconds: 600 });
    expect(answer.status?.expirationTimestamp).toBe("2026-01-01T00:10:00Z");
  });

  it("carry the pod and the node that they are bound to", async () => {
    const { ask, issue } = cluster();
    const user = await ask(await issue({ boundObjectRef: podReference }));
    expect(user?.extra).toMatchObject({
      "authentication.kubernetes.io/pod-name": ["web"],
      "authentication.kubernetes.io/pod-uid": ["pod-1"],
      "authentication.kubernetes.io/node-name": ["n1"],
      "authentication.kubernetes.io/node-uid": ["node-1"],
    });
  });

  const refused = (promise: Promise<unknown>) =>
    expect(promise).rejects.toMatchObject({ name: "StatusError", reason: "Unauthorized" });

  it("end at their time, and with leeway for clocks that differ", async () => {
    const { ask, issue, time } = cluster();
    const token = await issue({ expirationSeconds: 600 });
    time.ms = start + 650_000;
    expect(await ask(token)).toBeDefined();
    time.ms = start + 661_000;
    await refused(ask(token));
    time.ms = start - 61_000;
    await refused(ask(token));
  });

  it("of kubelets live on for a year, but say when they should be replaced", async () => {
    const { auth, ask, time } = cluster();
    const request = { spec: { expirationSeconds: 3607, boundObjectRef: podReference } };
    const { status } = await auth.issueToken(account, request, signal);
    expect(status?.expirationTimestamp).toBe("2026-01-01T01:00:07Z");
    time.ms = start + 300 * 24 * 3_600_000;
    expect(await ask(status?.token ?? "")).toBeDefined();
  });

  it("die with their pod, secret and account, whatever comes under that name", async () => {
    const { ask, issue, objects } = cluster();
    const forPod = await issue({ boundObjectRef: podReference });
    const forSecret = await issue({
      boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "s" },
    });
    expect(await ask(forPod)).toBeDefined();
    objects.put(pods, { ...pod, metadata: { ...pod.metadata, uid: "pod-2" } });
    await refused(ask(forPod));
    expect(await ask(forSecret)).toBeDefined();
    objects.remove(secrets, { namespace: "a", name: "s" });
    await refused(ask(forSecret));
    const plain = await issue();
    objects.put(serviceAccounts, { metadata: { namespace: "a", name: "bot", uid: "sa-2" } });
    await refused(ask(plain));
  });

  it("are refused for another audience, issuer, key or algorithm", async () => {
    const { ask, issue, signingKey } = cluster();
    await refused(ask(await issue({ audiences: ["vault"] })));
    const good = await issue();
    const [head = "", claims = "", signature = ""] = good.split(".");
    const stranger = cluster();
    await refused(ask(await stranger.issue()));
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    await refused(ask(`${none}.${claims}.`));
    const admin = Buffer.from(claims, "base64url").toString().replace('"bot"', '"root"');
    await refused(ask(`${head}.${Buffer.from(admin).toString("base64url")}.${signature}`));
    const foreign = { ...(verifyToken(good, [signingKey]) as object), iss: "https://elsewhere" };
    await refused(ask(signToken(foreign, signingKey)));
    await refused(ask("nonsense"));
  });

  for (const [title, spec, reason, message] of [
    [
      "less than ten minutes",
      { expirationSeconds: 599 },
      "Invalid",
      /spec.expirationSeconds.*10 minutes/,
    ],
    [
      "a kind that it cannot be bound to",
      { boundObjectRef: { kind: "Job", apiVersion: "v1", name: "x" } },
      "BadRequest",
      /cannot bind token/,
    ],
    [
      "a pod that is not there",
      { boundObjectRef: { ...podReference, name: "gone" } },
      "NotFound",
      /pods "gone" not found/,
    ],
    [
      "a pod of before",
      { boundObjectRef: { ...podReference, uid: "pod-0" } },
      "Conflict",
      /does not match the UID/,
    ],
  ] as const) {
    it(`are not issued for ${title}`, async () => {
      const { auth } = cluster();
      const issued = auth.issueToken(account, { spec }, signal);
      await expect(issued).rejects.toMatchObject({
        reason,
        message: expect.stringMatching(message),
      });
    });
  }

  it("are not issued for a pod of another account", async () => {
    const { auth, objects } = cluster();
    objects.put(pods, { ...pod, spec: { ...pod.spec, serviceAccountName: "other" } });
    const issued = auth.issueToken(account, { spec: { boundObjectRef: podReference } }, signal);
    await expect(issued).rejects.toThrow(/different serviceaccount name/);
  });
});

it("a TokenRequest in protobuf, as client-go sends it, has no time yet", () => {
  const request = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: [], expirationSeconds: 600 },
    status: { token: "", expirationTimestamp: null },
  };
  const sent = kubernetesProtobuf.decode(kubernetesProtobuf.encode(request));
  expect(sent).toMatchObject({ status: { expirationTimestamp: null } });
  const { object } = kubernetesDecoder.decode("authentication.v1.TokenRequest", sent);
  expect(object).toMatchObject({ spec: { expirationSeconds: 600 } });
});

describe("the OIDC documents", () => {
  it("let strangers verify tokens", async () => {
    const { auth, issue, signingKey } = cluster();
    const body = auth.documents.get("/openid/v1/jwks")?.body as Uint8Array;
    const { keys } = JSON.parse(Buffer.from(body).toString()) as { keys: webcrypto.JsonWebKey[] };
    expect(keys[0]).toMatchObject({ kid: signingKey.id, alg: "ES256", kty: "EC", crv: "P-256" });
    const key = tokenKey(createPublicKey({ key: keys[0] as webcrypto.JsonWebKey, format: "jwk" }));
    expect(verifyToken(await issue(), [key])).toMatchObject({ iss: issuer });
    expect(auth.documents.has("/.well-known/openid-configuration")).toBe(true);
  });
});

describe("reviews", () => {
  const context = { namespace: "", signal };
  const jane = { name: "jane", uid: "1", groups: ["system:masters"], extra: {} };
  const answer = async (plural: string, object: object, user = jane): Promise<unknown> => {
    const { auth } = cluster();
    const review = auth.reviews.find(({ ref }) => ref.plural === plural);
    const kind = review?.ref.kind ?? "";
    return review?.answer({ kind, ...object }, { ...context, user });
  };
  const get = { verb: "get", resource: "pods", namespace: "a" };

  it("tell whose a token is, and why it is nobody's", async () => {
    const { auth, issue } = cluster();
    const review = auth.reviews.find(({ ref }) => ref.plural === "tokenreviews");
    const ask = async (token: string, audiences?: readonly string[]) =>
      review?.answer({ spec: { token, ...(audiences && { audiences }) } } as object, {
        ...context,
        user: jane,
      });
    const token = await issue({ audiences: ["vault", issuer] });
    expect(await ask(token)).toMatchObject({
      status: {
        authenticated: true,
        user: {
          username: "system:serviceaccount:a:bot",
          groups: expect.arrayContaining(["system:authenticated"]),
        },
        audiences: [issuer],
      },
    });
    expect(await ask(token, ["vault"])).toMatchObject({ status: { audiences: ["vault"] } });
    expect(await ask("x")).toMatchObject({ status: { user: {}, error: "invalid bearer token" } });
    expect(await ask("static")).toMatchObject({
      status: { user: { username: "bench", uid: "7" } },
    });
  });

  it("tell what one may oneself, and what another may", async () => {
    const spec = { resourceAttributes: get };
    expect(await answer("selfsubjectaccessreviews", { spec })).toMatchObject({
      status: { allowed: true },
    });
    const other = { spec: { ...spec, user: "eve" } };
    expect(await answer("subjectaccessreviews", other)).toMatchObject({
      status: { allowed: false },
    });
  });

  it("tell who one is, and by which rules", async () => {
    expect(await answer("selfsubjectreviews", {})).toMatchObject({
      status: { userInfo: { username: "jane", uid: "1", groups: ["system:masters"] } },
    });
    expect(await answer("selfsubjectrulesreviews", { spec: { namespace: "a" } })).toMatchObject({
      status: { resourceRules: [{ verbs: ["*"] }], nonResourceRules: [{ nonResourceURLs: ["*"] }] },
    });
  });

  it("refuse a question without a subject, or with two", async () => {
    await expect(answer("subjectaccessreviews", { spec: {} })).rejects.toMatchObject({
      reason: "Invalid",
      details: { causes: [{ field: "spec.resourceAttributes" }, { field: "spec.user" }] },
    });
  });
});
