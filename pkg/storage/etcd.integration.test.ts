import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { storageConformance } from "../../test/conformance/storage.ts";
import { type EtcdServer, etcdBinary, hasEtcd, startEtcd } from "../../test/etcd-server.ts";
import { systemClock } from "../base/system-clock.ts";
import { EtcdStorage } from "./etcd.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const open = (...endpoints: string[]): EtcdStorage =>
  new EtcdStorage({ endpoints, clock: systemClock });

if (!hasEtcd) console.warn(`skipped: there is no etcd at ${etcdBinary}`);

describe.skipIf(!hasEtcd)("etcd", () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  storageConformance("EtcdStorage", {
    open: async () => open(server.endpoint),
    // The test waits for the event itself: etcd's clock is not ours to move.
    pass: async () => undefined,
  });

  it("asks another endpoint when one does not answer", async () => {
    const storage = open("http://127.0.0.1:1", server.endpoint);
    // It never reached the one that is down, and so it is no repeat.
    const written = await storage.put("/other", bytes("1"), 0);
    expect((await storage.get("/other")).item?.revision).toBe(written);
    const revision = await storage.put("/other", bytes("2"), written);
    expect((await storage.get("/other")).item?.revision).toBe(revision);
    await storage.close();
  });

  it("keeps every write that it has acknowledged when etcd is killed among many", async () => {
    const storage = open(server.endpoint);
    const count = 400;
    const writes = Array.from({ length: count }, (_, index) =>
      storage.put(`/killed/${index}`, bytes(String(index)), 0).then(
        (revision) => ({ revision }),
        (error: unknown) => ({ error }),
      ),
    );
    await Promise.race(writes);
    await server.kill();
    const outcomes = await Promise.all(writes);
    await server.restart();
    const { items } = await open(server.endpoint).list({ prefix: "/killed/" });
    const found = new Map(items.map(({ key, revision }) => [key, revision]));
    for (const [index, outcome] of outcomes.entries()) {
      // Of the others nobody knows: they are there or not, and were not told to be either.
      if ("error" in outcome) expect(outcome.error).toMatchObject({ reason: "Unavailable" });
      else expect(found.get(`/killed/${index}`)).toBe(outcome.revision);
    }
    expect(outcomes.some((outcome) => "revision" in outcome)).toBe(true);
    await storage.close();
  });

  it("goes on with its watches when etcd was killed and is back", async () => {
    const storage = open(server.endpoint);
    const first = await storage.put("/restart/a", bytes("1"), 0);
    const stop = new AbortController();
    const batches = storage.watch("/restart/", first - 1, stop.signal)[Symbol.asyncIterator]();
    expect((await batches.next()).value?.events).toMatchObject([{ revision: first }]);
    await server.kill();
    await expect(storage.put("/restart/a", bytes("2"), first)).rejects.toMatchObject({
      reason: "Unavailable",
    });
    await server.restart();
    const second = await open(server.endpoint).put("/restart/a", bytes("2"), first);
    let events: readonly { revision: number }[] = [];
    while (events.length === 0) events = (await batches.next()).value?.events ?? [];
    expect(events).toMatchObject([{ revision: second, created: false }]);
    stop.abort();
    await storage.close();
  });
});

/** A way to etcd that can be cut and mended. */
async function openWay(endpoint: string) {
  const sockets = new Set<Socket>();
  const carry = (client: Socket): void => {
    const inner = connectTcp(Number(new URL(endpoint).port), "127.0.0.1");
    for (const socket of [client, inner]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).once("close", () => sockets.delete(socket));
    }
    client.pipe(inner).pipe(client);
  };
  let server = createServer(carry).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    cut: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    mend: async () => {
      server = createServer(carry).listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
}

describe.skipIf(!hasEtcd)("a store that was cut off from its etcd", () => {
  let server: EtcdServer;
  beforeAll(async () => {
    server = await startEtcd();
  });
  afterAll(() => server.stop());

  for (const [title, isCompacted] of [
    ["tells its watches what they missed", false],
    ["ends its watches when what they missed is forgotten, and follows on", true],
  ] as const) {
    it(title, async () => {
      const way = await openWay(server.endpoint);
      const [storage, other] = [open(way.endpoint), open(server.endpoint)];
      const prefix = `/cut/${isCompacted}/`;
      const stop = new AbortController();
      const follow = (after: number) =>
        storage.watch(prefix, after, stop.signal)[Symbol.asyncIterator]();
      const first = await other.put(`${prefix}a`, bytes("1"), 0);
      const watch = follow(first - 1);
      expect((await watch.next()).value?.events).toMatchObject([{ revision: first }]);
      await way.cut();
      const second = await other.put(`${prefix}a`, bytes("2"), first);
      const third = await other.put(`${prefix}b`, bytes("3"), 0);
      if (isCompacted) await other.compact(third);
      await way.mend();
      const revisions: number[] = [];
      const missed = (async () => {
        while (revisions.length < 2)
          for (const { revision } of (await watch.next()).value?.events ?? [])
            revisions.push(revision);
      })();
      if (isCompacted) await expect(missed).rejects.toMatchObject({ reason: "Compacted" });
      else await missed.then(() => expect(revisions).toEqual([second, third]));
      const fourth = await other.put(`${prefix}c`, bytes("4"), 0);
      const later = follow(third);
      let seen: readonly { readonly revision: number }[] = [];
      while (seen.length === 0) seen = (await later.next()).value?.events ?? [];
      expect(seen).toMatchObject([{ revision: fourth }]);
      stop.abort();
      await Promise.all([storage.close(), other.close(), way.cut()]);
    });
  }
});

describe.skipIf(!hasEtcd)("etcd behind TLS", () => {
  let folder = "";
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): Buffer =>
    execFileSync("openssl", args, { stdio: ["ignore", "pipe", "ignore"] });
  const issue = (name: string, ...extension: string[]): void => {
    const keys = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", file(`${name}.key`), "-out", file(`${name}.crt`), "-days", "1"];
    openssl("req", "-x509", ...keys, ...out, "-subj", `/CN=${name}`, ...extension);
  };
  let server: EtcdServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tskube-etcd-pki-"));
    issue("ca");
    const signed = ["-CA", file("ca.crt"), "-CAkey", file("ca.key")];
    issue("server", ...signed, "-addext", "subjectAltName=IP:127.0.0.1");
    issue("client", ...signed, "-addext", "extendedKeyUsage=clientAuth");
    const tls = { ca: file("ca.crt"), cert: file("server.crt"), key: file("server.key") };
    server = await startEtcd({ tls });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("lets in who has a certificate of its authority, and nobody else", async () => {
    const ca = readFileSync(file("ca.crt"));
    const cert = readFileSync(file("client.crt"));
    const key = readFileSync(file("client.key"));
    const endpoints = [server.endpoint];
    const known = new EtcdStorage({ endpoints, tls: { ca, cert, key }, clock: systemClock });
    await known.put("/a", bytes("1"), 0);
    expect((await known.get("/a")).item?.value).toEqual(bytes("1"));
    await known.close();
    const stranger = new EtcdStorage({ endpoints, tls: { ca }, clock: systemClock });
    await expect(stranger.get("/a")).rejects.toMatchObject({ reason: "Unavailable" });
    await stranger.close();
  });
});
