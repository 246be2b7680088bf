import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { archive, buildImage, noDefaults, type LayerMember } from "./build-image.ts";
import { buildDebianImage } from "./debian-image.ts";
import type { Digest } from "./digest.ts";
import { nginxImage } from "./debian-recipes.ts";
import { Images } from "./images.ts";
import { unpackLayer } from "./layer-unpack.ts";
import { linuxLayerKernel } from "./linux-layer-kernel.ts";
import { createRegistryTransport } from "./registry-transport.ts";
import type { TarEntry } from "./tar-entry.ts";
import { plainEntry } from "./tar-writer.ts";

const root = mkdtempSync(join(tmpdir(), "tskube-images-"));
const kernel = linuxLayerKernel(systemKernel());
const transport = createRegistryTransport();
const open = async (folder: string): Promise<Images> =>
  await Images.open({
    root: join(root, folder),
    kernel,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    transport,
    platform: { os: "linux", architecture: "amd64" },
  });
const member = (path: string, more: Partial<TarEntry> = {}, text = ""): LayerMember => ({
  entry: { ...plainEntry, path, size: Buffer.byteLength(text), ...more },
  ...(more.type === undefined ? { content: Buffer.from(text) } : {}),
});
async function* members(...list: LayerMember[]): AsyncGenerator<LayerMember> {
  yield* list;
}
async function unpack(name: string, ...list: LayerMember[]): Promise<string> {
  const folder = join(root, name);
  mkdirSync(folder);
  await unpackLayer(archive(members(...list)), { folder, kernel });
  return folder;
}

afterAll(() => {
  transport[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

describe("unpackLayer", () => {
  it("keeps owner, mode, time, links and devices", async () => {
    const folder = await unpack(
      "plain",
      member("bin/su", { mode: 0o4755, uid: 7, gid: 8, mtime: 1_600_000_000.5 }, "elf"),
      member("bin/again", { type: "hardlink", linkPath: "bin/su" }),
      member("soft", { type: "symlink", linkPath: "/etc/passwd" }),
      member("null", { type: "character-device", deviceMajor: 1, deviceMinor: 3, mode: 0o666 }),
      member("d/", { type: "directory", mode: 0o1777, mtime: 1_500_000_000 }),
      member("d/x", {}, "later"),
    );
    const su = lstatSync(join(folder, "bin/su"));
    expect([su.mode & 0o7777, su.uid, su.gid, su.nlink]).toEqual([0o4755, 7, 8, 2]);
    expect(su.mtimeMs).toBe(1_600_000_000_500);
    expect(readlinkSync(join(folder, "soft"))).toBe("/etc/passwd");
    expect(lstatSync(join(folder, "null")).rdev).toBe(0x103);
    expect(lstatSync(join(folder, "d")).mtimeMs).toBe(1_500_000_000_000);
  });

  it("turns whiteouts into overlay's", async () => {
    const folder = await unpack(
      "white",
      member("etc/.wh.gone", {}),
      member("opaque/.wh..wh..opq", {}),
      member(".wh.was-file", {}),
      member("was-file/", { type: "directory" }),
    );
    const gone = lstatSync(join(folder, "etc/gone"));
    expect([gone.isCharacterDevice(), gone.rdev]).toEqual([true, 0]);
    const mark = kernel.getXattr(join(folder, "opaque"), "trusted.overlay.opaque");
    expect(mark && Buffer.from(mark).toString()).toBe("y");
    expect(kernel.getXattr(join(folder, "was-file"), "trusted.overlay.opaque")).toBeDefined();
    expect(kernel.getXattr(join(folder, "etc"), "trusted.overlay.opaque")).toBeUndefined();
  });

  it("resolves links inside the layer, so that nothing lands outside", async () => {
    const outside = join(root, "outside");
    mkdirSync(outside);
    const folder = await unpack(
      "escape",
      member("abs", { type: "symlink", linkPath: outside }),
      member("abs/a", {}, "1"),
      member("rel", { type: "symlink", linkPath: "../../../../../../.." }),
      member(`rel${outside}/b`, {}, "2"),
      member("file", { type: "symlink", linkPath: join(outside, "c") }),
      member("file", {}, "3"),
    );
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(join(folder, outside, "a"), "utf8")).toBe("1");
    expect(readFileSync(join(folder, outside, "b"), "utf8")).toBe("2");
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("3");
  });

  it.each([
    ["a hard link out", member("x", { type: "hardlink", linkPath: "../../etc/shadow" })],
    ["dots", member("../x", {}, "1")],
  ])("refuses %s", async (name, bad) => {
    await expect(unpack(name.replaceAll(" ", "-"), bad)).rejects.toThrow("..");
  });

  it("hard links to a link itself, never through it", async () => {
    const folder = await unpack(
      "through",
      member("s", { type: "symlink", linkPath: "/etc/shadow" }),
      member("h", { type: "hardlink", linkPath: "s" }),
    );
    expect(lstatSync(join(folder, "h")).isSymbolicLink()).toBe(true);
  });
});

describe("Images", () => {
  const build = async (images: Images, compression?: "none") =>
    await buildImage(images, {
      name: "test",
      ...(compression === undefined ? {} : { compression }),
      config: { ...noDefaults, cmd: ["sh"] },
      layers: [
        members(member("etc/passwd", {}, "root:x:0:0::/:\n"), member("etc/old", {}, "old")),
        members(member("etc/.wh.old"), member("etc/link", { type: "symlink", linkPath: "passwd" })),
      ],
    });

  it("builds the same image twice, finds it again, reads across layers", async () => {
    const first = await build(await open("one"));
    const second = await build(await open("two"));
    expect(second.id).toBe(first.id);
    const images = await open("one");
    const image = images.get("docker.io/library/test:latest");
    expect(image?.id).toBe(first.id);
    expect(images.get(first.id.slice(7, 19))?.id).toBe(first.id);
    if (image === undefined) return;
    expect(Buffer.from(images.readFile(image, "/etc/link") ?? []).toString()).toContain("root");
    expect(images.readFile(image, "/etc/old")).toBeUndefined();
  });

  it("holds the same, compressed or not", async () => {
    const compressed = await build(await open("zstd"));
    const images = await open("plain");
    const plain = await build(images, "none");
    // The configuration names the unpacked layers.
    expect(plain.id).toBe(compressed.id);
    expect(Buffer.from(images.readFile(plain, "/etc/link") ?? []).toString()).toContain("root");
    // A plain layer is its own archive: unpacked again from the store it is the same layer.
    const [diffId] = await images.layers.list();
    const digest = `sha256:${diffId}` as Digest;
    await images.layers.remove(diffId ?? "");
    await images.layers.ensure(digest, () => images.content.stream(digest));
    expect(await images.layers.has(digest)).toBe(true);
  });

  it("removes what nobody needs, and keeps a container's layers", async () => {
    const images = await open("gc");
    const image = await build(images);
    await images.prepareSnapshot("ab".repeat(32), image);
    await images.remove("test");
    expect(images.list()).toEqual([]);
    expect(await images.content.list()).toEqual([]);
    expect(await images.layers.list()).toHaveLength(2);
    await images.snapshots.remove("ab".repeat(32));
    await images.collectGarbage();
    expect(await images.layers.list()).toEqual([]);
  });

  it("leaves nothing when images are removed at the same time, or while one comes in", async () => {
    const images = await open("together");
    const others = ["a", "b", "c"].map(async (name) => {
      const layers = [members(member(name, {}, name))];
      await buildImage(images, { name, config: noDefaults, layers });
    });
    await Promise.all(others);
    await images.whileBusy(async () => {
      await Promise.all(["a", "b"].map(async (name) => await images.remove(name)));
      expect(await images.layers.list()).toHaveLength(3);
    });
    expect(await images.layers.list()).toHaveLength(1);
    await Promise.all([images.remove("c"), images.collectGarbage(), images.collectGarbage()]);
    expect(await images.layers.list()).toEqual([]);
    expect(await images.content.list()).toEqual([]);
  });

  it("sees what another process imports, and leaves alone what it is importing", async () => {
    const daemon = await open("shared");
    const tool = await open("shared");
    await tool.whileBusy(async () => {
      const { digest } = await tool.content.add(Buffer.from("not named yet"));
      await daemon.collectGarbage();
      expect(await daemon.content.size(digest)).toBe(13);
    });
    const image = await build(tool);
    await daemon.prepareSnapshot("ef".repeat(32), image);
    await tool.remove("test");
    expect(await tool.layers.list()).toHaveLength(2);
    await daemon.snapshots.remove("ef".repeat(32));
    await build(tool);
    expect(daemon.get("test")?.id).toBe(image.id);
    await daemon.remove("test");
    expect(tool.list()).toEqual([]);
    expect(await tool.content.list()).toEqual([]);
  });

  it("measures itself as du does", async () => {
    const images = await open("usage");
    await build(images);
    const { bytes } = await images.usage();
    const du = execFileSync("du", ["-s", "--block-size=1", images.root], { encoding: "utf8" });
    expect(Math.abs(bytes - Number.parseInt(du, 10))).toBeLessThan(64 * 1024);
  });

  it("forgets an image whose layer is gone, and half-made things, at start", async () => {
    const images = await open("crash");
    const image = await build(images);
    rmSync(images.lowerFolders(image)[0] ?? "", { recursive: true });
    mkdirSync(join(images.root, "layers-new", "half"));
    writeFileSync(join(images.root, "ingest", "half"), "x");
    mkdirSync(join(images.root, "snapshots", "cd".repeat(32)));
    const again = await open("crash");
    expect(again.list()).toEqual([]);
    expect(readdirSync(join(images.root, "layers-new"))).toEqual([]);
    expect(readdirSync(join(images.root, "ingest"))).toEqual([]);
    expect(readdirSync(join(images.root, "snapshots"))).toEqual([]);
  });
});

describe("buildDebianImage", () => {
  let images: Images;
  beforeAll(async () => {
    images = await open("debian");
  });

  it("makes an nginx that starts in a chroot over the overlay of its layers", async () => {
    const cache = join(tmpdir(), "tskube-deb-cache");
    const image = await buildDebianImage(images, nginxImage, { cache });
    expect(image.tags).toEqual(["docker.io/library/nginx:latest"]);
    expect(image.sizeBytes).toBeLessThan(20e6);
    const target = join(root, "mnt");
    mkdirSync(target);
    const lower = images.lowerFolders(image).join(":");
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", `lowerdir=${lower}`, target]);
    try {
      const version = execFileSync("chroot", [target, "nginx", "-V"], { stdio: "pipe" });
      expect(version.toString()).toBe("");
      const listed = execFileSync("chroot", [target, "sh", "-c", "ls /usr/share/nginx/html"]);
      expect(listed.toString()).toContain("index.html");
    } finally {
      execFileSync("umount", [target]);
    }
  });
});
