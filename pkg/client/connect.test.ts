import { describe, expect, it } from "vitest";
import { configMaps, nodes, pods } from "../../api/resources.ts";
import { systemClock } from "../base/system-clock.ts";
import type { Transport, WireRequest, WireResponse } from "../base/wire.ts";
import { connect } from "./connect.ts";

type Sent = Omit<WireRequest, "peer" | "signal">;

/** Answers with what is given, one after another, and remembers what was asked. */
function scripted(...answers: readonly Partial<WireResponse & { json: unknown }>[]) {
  const asked: Sent[] = [];
  const transport: Transport = async ({ signal: _signal, ...request }) => {
    asked.push(request);
    const { status = 200, headers = {}, json = {}, body } = answers[asked.length - 1] ?? {};
    return { status, headers, body: body ?? new TextEncoder().encode(JSON.stringify(json)) };
  };
  return { asked, client: connect(transport, { clock: systemClock }) };
}
const lines = ({ asked }: { asked: readonly Sent[] }) =>
  asked.map(({ method, path }) => `${method} ${path}`);
const bodyOf = (sent: Sent | undefined): unknown =>
  JSON.parse(new TextDecoder().decode(sent?.body ?? new Uint8Array()));

describe("connect", () => {
  it("addresses objects, collections and subresources as the API does", async () => {
    const scene = scripted();
    const api = scene.client.resource(pods);
    const key = { namespace: "default", name: "web" };
    const pod = { metadata: key, spec: { containers: [] } };
    await api.get(key);
    await api.list({ labelSelector: "app in (a,b)", limit: 5 });
    await api.create(pod, { dryRun: true, fieldManager: "me" });
    await api.update(pod, { subresource: "status" });
    await api.patch(key, { type: "apply", body: {}, fieldManager: "me", force: true });
    await api.delete(key, { gracePeriodSeconds: 0, propagationPolicy: "Foreground" });
    await api.createSubresource(key, "binding", {});
    await scene.client.resource(nodes).get({ name: "n/1" });
    await scene.client.resource(configMaps).deleteCollection({ namespace: "a" });
    expect(lines(scene)).toEqual([
      "GET /api/v1/namespaces/default/pods/web",
      "GET /api/v1/pods?labelSelector=app+in+%28a%2Cb%29&limit=5",
      "POST /api/v1/namespaces/default/pods?dryRun=All&fieldManager=me",
      "PUT /api/v1/namespaces/default/pods/web/status",
      "PATCH /api/v1/namespaces/default/pods/web?fieldManager=me&force=true",
      "DELETE /api/v1/namespaces/default/pods/web",
      "POST /api/v1/namespaces/default/pods/web/binding",
      "GET /api/v1/nodes/n%2F1",
      "DELETE /api/v1/namespaces/a/configmaps",
    ]);
    expect(bodyOf(scene.asked[2])).toMatchObject({ apiVersion: "v1", kind: "Pod" });
    expect(bodyOf(scene.asked[5])).toMatchObject({
      gracePeriodSeconds: 0,
      propagationPolicy: "Foreground",
    });
    expect(scene.asked[4]?.headers["content-type"]).toBe("application/apply-patch+yaml");
  });

  it("refuses to address one object without its name or namespace", () => {
    const { client } = scripted();
    expect(() => client.resource(pods).get({ name: "web" })).toThrow(/namespace is needed/);
    expect(() => client.resource(nodes).get({ name: "" })).toThrow(/name is needed/);
  });

  it("throws what the server said, and makes a reason of an answer that is no Status", async () => {
    const status = {
      kind: "Status",
      status: "Failure",
      message: 'pods "web" not found',
      reason: "NotFound",
      code: 404,
      details: { name: "web", kind: "pods" },
    };
    const { client } = scripted(
      { status: 404, json: status },
      { status: 502, body: new TextEncoder().encode("<html>bad gateway</html>") },
    );
    const key = { namespace: "default", name: "web" };
    await expect(client.resource(pods).get(key)).rejects.toMatchObject({
      reason: "NotFound",
      code: 404,
      message: 'pods "web" not found',
      details: { kind: "pods" },
    });
    await expect(client.resource(pods).get(key)).rejects.toMatchObject({
      reason: "InternalError",
      message: "<html>bad gateway</html>",
    });
  });

  it("repeats what the server asks to repeat, and nothing else", async () => {
    const busy = { status: 429, headers: { "retry-after": "0" }, json: {} };
    const scene = scripted(busy, busy, { json: { metadata: { name: "n" } } }, { status: 500 });
    await scene.client.resource(nodes).get({ name: "n" });
    expect(scene.asked).toHaveLength(3);
    await expect(scene.client.resource(nodes).get({ name: "n" })).rejects.toThrow();
    expect(scene.asked).toHaveLength(4);
  });

  it("cuts a watch into events wherever its pieces end, and throws an error event", async () => {
    const event = (type: string, name: string) =>
      `${JSON.stringify({ type, object: { metadata: { name, resourceVersion: "7" } } })}\n`;
    const expired = { kind: "Status", reason: "Gone", code: 410, message: "too old" };
    const text =
      event("ADDED", "ä") +
      event("BOOKMARK", "") +
      `${JSON.stringify({ type: "ERROR", object: expired })}\n`;
    const bytes = new TextEncoder().encode(text);
    async function* body() {
      for (const byte of bytes) yield Uint8Array.of(byte);
    }
    const { client } = scripted({ body: body() });
    const seen: unknown[] = [];
    const watching = (async () => {
      const signal = new AbortController().signal;
      for await (const one of client.resource(pods).watch({ resourceVersion: "5" }, signal))
        seen.push(one.type === "BOOKMARK" ? one : [one.type, one.object.metadata?.name]);
    })();
    await expect(watching).rejects.toMatchObject({ reason: "Expired" });
    expect(seen).toEqual([["ADDED", "ä"], { type: "BOOKMARK", resourceVersion: "7" }]);
  });
});
