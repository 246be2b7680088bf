import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { Pod } from "../../api/core/v1.ts";
import { createPodFiles } from "../../pkg/kubelet/volumes/pod-files.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import { volumeMounts } from "./kubelet-node.ts";

/** TMPFS_MAGIC of statfs(2). */
const tmpfsMagic = 0x01021994;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("skipped: mounting volumes needs root");

const pod: Pod = {
  metadata: { name: "a", namespace: "default", uid: "uid-a" },
  spec: {
    containers: [{ name: "web" }],
    volumes: [
      { name: "secret", secret: { secretName: "s" } },
      { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    ],
  },
};

describe.skipIf(!isRoot)("a pod's volumes on the real kernel", () => {
  it("keep secrets off the disk, bind subPaths, and leave nothing mounted", async () => {
    const root = mkdtempSync(join(tmpdir(), "tskube-volumes-"));
    const files = createPodFiles({
      root,
      hostsPath: "/etc/hosts",
      mounts: volumeMounts(systemKernel()),
    });
    const nothing = { podIPs: [], nodeName: "n", nodeIPs: [], allocatable: {} };
    const facts = {
      ...nothing,
      pod,
      configMap: () => undefined,
      secret: () => ({ data: { key: Buffer.from("hidden").toString("base64") } }),
      token: () => "",
    };
    const prepared = await files.prepare(pod, facts);
    const secret = prepared.get("secret") ?? "";
    const memory = prepared.get("memory") ?? "";
    assert.equal(statfsSync(secret).type, tmpfsMagic);
    const { blocks, bsize } = statfsSync(memory);
    assert.equal(blocks * bsize, 2 ** 20);
    // A second time nothing is mounted on top.
    await files.prepare(pod, facts);

    const [mount] = await files.mounts({
      pod,
      containerName: "web",
      restartCount: 0,
      volumeMounts: [{ name: "secret", mountPath: "/key", subPath: "key", readOnly: true }],
      terminationMessagePath: "",
      prepared,
      environment: new Map(),
      hosts: { podIPs: [], hostname: "a", aliases: [] },
    });
    assert.ok(mount?.hostPath?.includes("/volume-subpaths/secret/web/0"));
    assert.equal(readFileSync(mount?.hostPath ?? "", "utf8"), "hidden");

    await files.remove("uid-a");
    assert.ok(!existsSync(join(root, "pods", "uid-a")));
    assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(root));
    rmSync(root, { recursive: true });
  });
});
