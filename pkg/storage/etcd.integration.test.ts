import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
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

describe.skipIf(!hasEtcd)("etcd behind TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "tskube-etcd-pki-"));
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
