import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { Volume } from "../../../api/core/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { testPod } from "../testing/worker-bench.ts";
import { hostsFile } from "./hosts-file.ts";
import { createPodFiles, type PodFiles } from "./pod-files.ts";
import { resolveSubPath } from "./sub-path.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a pod's files", () => {
  let root = "";
  let files: PodFiles;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "tskube-pods-"));
    files = createPodFiles({ root, hostsPath: "/etc/hosts" });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function prepare(volume: Omit<Volume, "name">, spec: object = {}): Promise<string> {
    const pod = testPod("a", { volumes: [{ name: "v", ...volume }], ...spec });
    const prepared = await files.prepare(
      { ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } },
      {
        pod: { ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } },
        podIPs: [],
        nodeName: "n",
        nodeIPs: [],
        allocatable: {},
        configMap: (name) => (name === "cm" ? { data: { a: "1", b: "2" } } : undefined),
        secret: (name) => (name === "s" ? { data: { key: base64("hidden") } } : undefined),
        token: () => "the-token",
      },
    );
    return prepared.get("v") ?? "";
  }
  const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

  it("have empty folders for everybody", async () => {
    const path = await prepare({ emptyDir: {} });
    assert.equal(statSync(path).mode & 0o7777, 0o777);
    writeFileSync(join(path, "kept"), "");
    await prepare({ emptyDir: {} });
    assert.ok(existsSync(join(path, "kept")));
  });

  it("show ConfigMaps, chosen keys and modes", async () => {
    const all = await prepare({ configMap: { name: "cm" } });
    assert.deepEqual([read(all, "a"), read(all, "b")], ["1", "2"]);
    const items = [{ key: "a", path: "deep/er", mode: 0o400 }];
    const some = await prepare({ configMap: { name: "cm", items } });
    assert.equal(read(some, "deep/er"), "1");
    assert.equal(statSync(join(some, "deep/er")).mode & 0o777, 0o400);
    assert.ok(!existsSync(join(some, "b")));
  });

  it("show all of a projected volume together", async () => {
    const sources = [
      { serviceAccountToken: { path: "token" } },
      { secret: { name: "s" } },
      { configMap: { name: "none", optional: true } },
      { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
    ];
    const path = await prepare({ projected: { sources } });
    assert.equal(read(path, "token"), "the-token");
    assert.equal(read(path, "key"), "hidden");
    assert.equal(read(path, "labels"), 'app="web"');
  });

  for (const [title, volume, message] of [
    ["a missing ConfigMap", { configMap: { name: "none" } }, 'configmap "none" not found'],
    [
      "a missing key",
      { secret: { secretName: "s", items: [{ key: "z", path: "z" }] } },
      "references non-existent config key: z",
    ],
    [
      "a way out",
      { configMap: { name: "cm", items: [{ key: "a", path: "../x" }] } },
      'path "../x" must stay within the volume',
    ],
    [
      "a folder that is a file",
      { hostPath: { path: "/etc/passwd", type: "Directory" } },
      "hostPath type check failed: /etc/passwd is not a directory",
    ],
    [
      "another kind",
      { nfs: { server: "s", path: "/" } },
      'volume "v" of type nfs is not supported',
    ],
  ] as const)
    it(`fail for ${title}`, async () => {
      const error = await prepare(volume).catch((caught: unknown) => caught);
      assert.equal(chainOf(error), `MountVolume.SetUp failed for volume "v": ${message}`);
    });

  it("give the group of the pod what is in its volumes", async () => {
    const securityContext = { fsGroup: process.getgid?.() ?? 0 };
    const path = await prepare(
      { secret: { secretName: "s", defaultMode: 0o400 } },
      { securityContext },
    );
    assert.equal(statSync(join(path, "key")).mode & 0o777, 0o440);
    const shared = await prepare({ emptyDir: {} }, { securityContext });
    assert.equal(statSync(shared).mode & 0o7777, 0o2777);
  });

  it("keep last words, a hosts file, and go as one", async () => {
    const pod = testPod("a");
    const mounts = await files.mounts({
      pod,
      containerName: "web",
      restartCount: 2,
      volumeMounts: [],
      terminationMessagePath: "/dev/termination-log",
      prepared: new Map(),
      environment: new Map(),
      hosts: { podIPs: ["10.0.0.1"], hostname: "a", aliases: [] },
    });
    const at = (path: string): string =>
      mounts.find(({ containerPath }) => containerPath === path)?.hostPath ?? "";
    writeFileSync(at("/dev/termination-log"), "x".repeat(5000));
    assert.equal((await files.terminationMessage("uid-a", "web", 2)).length, 4096);
    assert.match(readFileSync(at("/etc/hosts"), "utf8"), /^10\.0\.0\.1\ta$/m);
    assert.deepEqual(await files.uids(), ["uid-a"]);
    await files.remove("uid-a");
    assert.deepEqual(await files.uids(), []);
  });

  it("let a subPath lead nowhere else", async () => {
    const volume = join(root, "volume");
    mkdirSync(join(volume, "in"), { recursive: true });
    symlinkSync("/etc", join(volume, "out"));
    symlinkSync("in", join(volume, "link"));
    assert.equal(await resolveSubPath(volume, "link"), join(volume, "in"));
    assert.equal(await resolveSubPath(volume, "in/new/deep"), join(volume, "in/new/deep"));
    assert.ok(existsSync(join(volume, "in/new/deep")));
    for (const bad of ["out", "out/new", "../x", "/etc"])
      await assert.rejects(resolveSubPath(volume, bad), /leads out of|must stay within/);
    assert.ok(!existsSync("/etc/new"));
  });
});

describe("a pod's /etc/hosts", () => {
  it("names the pod and its aliases", () => {
    const text = hostsFile({
      podIPs: ["10.0.0.1"],
      hostname: "db",
      fqdn: "db.sub.default.svc.cluster.local",
      aliases: [{ ip: "1.2.3.4", hostnames: ["one", "two"] }],
    });
    assert.match(text, /^10\.0\.0\.1\tdb\.sub\.default\.svc\.cluster\.local\tdb$/m);
    assert.match(text, /^1\.2\.3\.4\tone\ttwo$/m);
  });

  it("is the host's on the host's network", () => {
    const text = hostsFile({ podIPs: [], hostname: "n", aliases: [], hostFile: "127.0.0.1 n\n" });
    assert.equal(text, "# Kubernetes-managed hosts file (host network).\n127.0.0.1 n\n");
  });
});
