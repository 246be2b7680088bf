import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { resources } from "../../pkg/apiserver/resources.ts";
import { kubernetesProtobuf } from "../../pkg/machinery/kube-protobuf.ts";
import { MemoryStorage } from "../../pkg/storage/memory.ts";
import { ManualClock, settle } from "./manual-clock.ts";
import { startTestServer } from "./start-test-server.ts";

interface Body {
  readonly metadata?: { readonly name?: string; readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly items?: readonly Body[];
  readonly code?: number;
}

const path = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string) => ({ metadata: { name }, data: { a: "1" } });

describe("servers on one storage", () => {
  it("serve what one before them wrote, and end watches of what they have not seen", async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage(clock);
    const first = await startTestServer({ clock, storage, resources });
    await first.call("POST", path, configMap("a"));
    first.stop();

    const second = await startTestServer({ clock, storage, resources });
    const { items = [] } = (await second.call("GET", path)).json as Body;
    assert.deepEqual(
      items.map(({ metadata }) => metadata?.name),
      ["a"],
    );
    const old = await second.call("GET", `${path}?watch=true&resourceVersion=2`);
    assert.equal(old.status, 200);
    const [event] = old.json as readonly { readonly type: string; readonly object: Body }[];
    assert.equal(event?.type, "ERROR");
    assert.equal(event?.object.code, 410);
    second.stop();
  });

  it("see each other's writes at once", async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage(clock);
    const one = await startTestServer({ clock, storage, resources });
    const other = await startTestServer({ clock, storage, resources });
    await one.call("POST", path, configMap("a"));
    assert.equal((await other.call("GET", `${path}/a`)).status, 200);
    await other.call("PUT", `${path}/a`, { ...configMap("a"), data: { a: "2" } });
    const { data } = (await one.call("GET", `${path}/a`)).json as Body;
    assert.deepEqual(data, { a: "2" });
    assert.equal((await other.call("POST", path, configMap("a"))).status, 409);
    one.stop();
    other.stop();
  });

  it("read upstream's protobuf, and pass by what nobody can read", async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage(clock);
    const server = await startTestServer({ clock, storage, resources });
    const object = {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { name: "theirs", namespace: "default" },
      data: { a: "1" },
    };
    const key = "/registry/configmaps/default";
    await storage.put(`${key}/theirs`, kubernetesProtobuf.encode(object), 0);
    const revision = await storage.put(`${key}/broken`, Buffer.from("{"), 0);
    await settle();
    const { items = [], metadata } = (await server.call("GET", path)).json as Body;
    assert.equal(metadata?.resourceVersion, String(revision));
    assert.deepEqual(
      items.map(({ data }) => data),
      [{ a: "1" }],
    );
    const merge = { "content-type": "application/merge-patch+json" };
    const patch = { metadata: { labels: { x: "y" } } };
    assert.equal((await server.call("PATCH", `${path}/theirs`, patch, merge)).status, 200);
    server.stop();
  });

  it("count racing writers right", async () => {
    const clock = new ManualClock();
    const storage = new MemoryStorage(clock);
    const servers = [
      await startTestServer({ clock, storage, resources }),
      await startTestServer({ clock, storage, resources }),
    ];
    await servers[0]!.call("POST", path, configMap("a"));
    const merge = { "content-type": "application/merge-patch+json" };
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        servers[index % 2]!.call("PATCH", `${path}/a`, { data: { [`k${index}`]: "v" } }, merge),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    const { data = {} } = (await servers[1]!.call("GET", `${path}/a`)).json as Body;
    assert.equal(Object.keys(data).length, 21);
    for (const server of servers) server.stop();
  });
});
