import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { systemClock } from "../../base/system-clock.ts";
import { followManifests } from "./static-pods.ts";

const manifest = (image: string): string =>
  "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n" +
  `spec: {containers: [{name: a, image: ${image}}]}\n`;

describe("a folder of manifests", () => {
  let folder = "";
  let stop = new AbortController();
  let following: Promise<void> = Promise.resolve();
  const told: string[] = [];
  let wake: () => void = () => undefined;

  /** Waits for the next thing to be told; fails by vitest's own limit when nothing comes. */
  async function next(count = 1): Promise<readonly string[]> {
    while (told.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return told.splice(0);
  }
  const tell = (text: string): void => {
    told.push(text);
    wake();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tskube-manifests-"));
    stop = new AbortController();
    told.length = 0;
    const images = new Map<string, string>();
    following = followManifests(
      {
        folder,
        nodeName: "n",
        clock: systemClock,
        onSet: (pod) => {
          images.set(pod.metadata?.uid ?? "", pod.spec.containers[0]?.image ?? "");
          tell(`set ${pod.spec.containers[0]?.image}`);
        },
        onRemove: (uid) => tell(`remove ${images.get(uid)}`),
        onBroken: (path) => tell(`broken ${path.slice(folder.length + 1)}`),
        onScanned: () => undefined,
        onUnreadable: () => tell("unreadable"),
      },
      stop.signal,
    );
  });
  afterEach(async () => {
    stop.abort();
    await following;
    rmSync(folder, { recursive: true });
  });

  it("is followed: added, changed, renamed over, removed", async () => {
    const path = join(folder, "web.yaml");
    writeFileSync(path, manifest("one"));
    assert.deepEqual(await next(), ["set one"]);
    writeFileSync(join(folder, ".web.tmp"), manifest("two"));
    renameSync(join(folder, ".web.tmp"), path);
    assert.deepEqual(await next(2), ["remove one", "set two"]);
    rmSync(path);
    assert.deepEqual(await next(), ["remove two"]);
  });

  it("keeps a pod whose file was broken, and tells", async () => {
    const path = join(folder, "web.yaml");
    writeFileSync(path, manifest("one"));
    await next();
    writeFileSync(path, "kind: [");
    assert.deepEqual(await next(), ["broken web.yaml"]);
    writeFileSync(path, manifest("three"));
    assert.deepEqual(await next(2), ["remove one", "set three"]);
  });

  it("keeps its pods where it cannot be read", async () => {
    writeFileSync(join(folder, "web.yaml"), manifest("one"));
    assert.deepEqual(await next(), ["set one"]);
    renameSync(folder, `${folder}-aside`);
    writeFileSync(folder, "no folder");
    assert.deepEqual(await next(), ["unreadable"]);
    rmSync(folder);
    renameSync(`${folder}-aside`, folder);
  });

  it("tells once of a link that leads nowhere", async () => {
    symlinkSync("nowhere", join(folder, "web.yaml"));
    assert.deepEqual(await next(), ["broken web.yaml"]);
    writeFileSync(join(folder, "other.yaml"), manifest("one"));
    assert.deepEqual(await next(), ["set one"]);
    rmSync(join(folder, "other.yaml"));
    assert.deepEqual(await next(), ["remove one"]);
  });
});
