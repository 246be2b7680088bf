/**
 * One layer's folder while it is being filled. Nobody else writes in it, so a walk with lstat
 * cannot be raced; every parent is resolved inside the folder, links included, so that no entry
 * lands outside of it. Calls are synchronous: a member costs a few of them at microseconds each,
 * and the event loop turns between the chunks that the decompressor hands over.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeSync,
  type Stats,
} from "node:fs";
import { isForeignXattr, layerPath, LayerError, type LayerPath } from "./layer-plan.ts";
import { nodeType, opaqueXattr, type LayerKernel } from "./layer-kernel.ts";
import type { TarEntry } from "./tar-entry.ts";

/** As the kernel's own limit on links in one path. */
const linksMax = 40;

const createOnly = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

export class LayerFolder {
  readonly #root: string;
  readonly #kernel: LayerKernel;
  /** Resolved parents by their path in the archive; emptied when a folder or link is replaced. */
  readonly #resolved = new Map<string, string>();
  readonly #whiteouts = new Set<string>();
  /** Set last, since filling a folder changes its time. */
  readonly #folderTimes = new Map<string, number>();
  #open:
    | { readonly descriptor: number; readonly path: string; readonly entry: TarEntry }
    | undefined;

  constructor(root: string, kernel: LayerKernel) {
    this.#root = root;
    this.#kernel = kernel;
  }

  whiteout(path: LayerPath): void {
    const target = this.#place(path);
    const there = statOf(target);
    // A whiteout speaks of the layers below, never of what this layer itself brings.
    if (there?.isDirectory() === true) return this.#makeOpaque(target);
    if (there !== undefined) return;
    this.#kernel.makeNode(target, nodeType.characterDevice, { major: 0, minor: 0 });
    this.#whiteouts.add(target);
  }

  opaque(path: LayerPath): void {
    this.#makeOpaque(this.#folder(path));
  }

  hardlink(path: LayerPath, target: LayerPath): void {
    const from = this.#place(target);
    const to = this.#place(path);
    if (from === to) return;
    this.#clear(to);
    linkSync(from, to);
  }

  make(path: LayerPath, entry: TarEntry): void {
    if (entry.type === "directory") return this.#makeDirectory(path, entry);
    const target = this.#place(path);
    this.#clear(target);
    if (entry.type === "file") return this.#openFile(target, entry);
    if (entry.type === "symlink") symlinkSync(entry.linkPath, target);
    else this.#makeSpecial(target, entry);
    this.#finishMember(target, entry);
  }

  /** Content of the file that `make` opened last; ignored for members that have none. */
  data(offset: number, bytes: Uint8Array): void {
    if (this.#open === undefined) return;
    for (let done = 0; done < bytes.length;) {
      const rest = bytes.length - done;
      done += writeSync(this.#open.descriptor, bytes, done, rest, offset + done);
    }
  }

  endMember(): void {
    if (this.#open === undefined) return;
    const { descriptor, path, entry } = this.#open;
    this.#open = undefined;
    // A hole at the end leaves the file too short otherwise.
    ftruncateSync(descriptor, entry.size);
    closeSync(descriptor);
    this.#finishMember(path, entry);
  }

  /** Sets the times of folders. */
  finish(): void {
    for (const [path, mtime] of this.#folderTimes) lutimesSync(path, mtime, mtime);
  }

  /** Closes a file left open by a failure. */
  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }

  #openFile(target: string, entry: TarEntry): void {
    this.#open = { descriptor: openSync(target, createOnly, 0o600), path: target, entry };
  }

  #makeDirectory(path: LayerPath, entry: TarEntry): void {
    const target = path.length === 0 ? this.#root : this.#place(path);
    const there = statOf(target);
    if (there?.isDirectory() !== true) {
      this.#clear(target);
      mkdirSync(target, 0o755);
      if (this.#whiteouts.delete(target)) this.#makeOpaque(target);
    }
    this.#folderTimes.set(target, entry.mtime);
    this.#finishMember(target, entry);
  }

  #makeSpecial(target: string, entry: TarEntry): void {
    const type =
      entry.type === "fifo"
        ? nodeType.fifo
        : entry.type === "character-device"
          ? nodeType.characterDevice
          : nodeType.blockDevice;
    const device = { major: entry.deviceMajor, minor: entry.deviceMinor };
    this.#kernel.makeNode(target, type | entry.mode, device);
  }

  /** Owner before mode (chown clears setuid) and before attributes (it clears capabilities). */
  #finishMember(target: string, entry: TarEntry): void {
    if (entry.type === "symlink") lchownSync(target, entry.uid, entry.gid);
    else {
      chownSync(target, entry.uid, entry.gid);
      chmodSync(target, entry.mode);
    }
    for (const [name, value] of Object.entries(entry.xattrs)) this.#setXattr(target, name, value);
    lutimesSync(target, entry.mtime, entry.mtime);
  }

  #setXattr(target: string, name: string, value: Uint8Array): void {
    if (!isForeignXattr(name)) return;
    try {
      this.#kernel.setXattr(target, name, value);
    } catch (error) {
      // A file system without user.* or security.* keeps the file all the same.
      if (codeOf(error) !== "ENOTSUP" && codeOf(error) !== "EOPNOTSUPP") throw error;
    }
  }

  #makeOpaque(folder: string): void {
    this.#kernel.setXattr(folder, opaqueXattr, Buffer.from("y"));
  }

  /** Removes what stands at a path, so that creating there never writes through a link. */
  #clear(target: string): void {
    const there = statOf(target);
    if (there === undefined) return;
    if (there.isDirectory() || there.isSymbolicLink()) {
      this.#resolved.clear();
      for (const folder of this.#folderTimes.keys()) {
        if (folder === target || folder.startsWith(`${target}/`)) this.#folderTimes.delete(folder);
      }
    }
    rmSync(target, { recursive: true });
  }

  /** The path to create or replace: its parent resolved, the last component as it is. */
  #place(path: LayerPath): string {
    const name = path.at(-1);
    if (name === undefined) throw new LayerError("the root of a layer cannot be replaced");
    return `${this.#folder(path.slice(0, -1))}/${name}`;
  }

  /**
   * Resolves a folder inside the root, following links as a chroot would; makes what is missing.
   */
  #folder(path: LayerPath): string {
    const key = path.join("/");
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const inside: string[] = [];
    const left = [...path];
    let links = 0;
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      if (name === "..") {
        inside.pop();
        continue;
      }
      const at = [this.#root, ...inside, name].join("/");
      const there = statOf(at);
      if (there?.isSymbolicLink() === true) {
        if (++links > linksMax) throw new LayerError(`too many links in ${JSON.stringify(key)}`);
        const target = readlinkSync(at);
        if (target.startsWith("/")) inside.length = 0;
        left.unshift(...linkComponents(target));
        continue;
      }
      if (there === undefined || !there.isDirectory()) this.#makeParent(at, there);
      inside.push(name);
    }
    const resolved = [this.#root, ...inside].join("/");
    this.#resolved.set(key, resolved);
    return resolved;
  }

  #makeParent(at: string, there: Stats | undefined): void {
    if (there !== undefined && !this.#whiteouts.has(at)) {
      throw new LayerError(`${at.slice(this.#root.length)} is a file and a folder at once`);
    }
    if (there !== undefined) this.#clear(at);
    mkdirSync(at, 0o755);
    if (this.#whiteouts.delete(at)) this.#makeOpaque(at);
  }
}

/** ".." stays: it is resolved against where the link stands. */
const linkComponents = (target: string): readonly string[] =>
  target.split("/").flatMap((component) => (component === ".." ? [".."] : layerPath(component)));

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
