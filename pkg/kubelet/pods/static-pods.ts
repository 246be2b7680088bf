import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "../../../api/core/v1.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import { FolderNotices } from "../../files/folder-notices.ts";
import { uidOf } from "./pod-spec.ts";
import { isManifestName, parseStaticPod } from "./static-pod.ts";

export interface StaticPodsOptions {
  /** /etc/tskube/manifests; made when it is not there. */
  readonly folder: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly onSet: (pod: Pod) => void;
  readonly onRemove: (uid: string) => void;
  /** A file that is no pod; told once for each of its contents. */
  readonly onBroken: (path: string, message: string) => void;
  /** The whole folder has been read. */
  readonly onScanned: () => void;
  /** The folder itself cannot be read: all pods stay as they are. */
  readonly onUnreadable: (message: string) => void;
}

/** What was found in one file. */
interface Seen {
  /** Of the file: what changes when it is written. */
  readonly stamp: string;
  readonly pod: Pod | undefined;
  /** Why the file is no pod now. */
  readonly problem?: string;
}

/** A rescan catches what the kernel's notice missed. */
const rescanMs = 20_000;
/** Editors write in several steps; half a file is read again when the rest is there. */
const settleMs = 30;
const manifestBytesMax = 1024 * 1024;

/**
 * Pods of a folder of manifests, until the signal aborts: the folder's content decides, a notice
 * from the kernel only says when to look. A file that cannot be read as a pod keeps the pod that
 * it was before: a slip of the pen must not end a control plane.
 */
export async function followManifests(
  options: StaticPodsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, folder } = options;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const seen = new Map<string, Seen>();
  using notices = new FolderNotices([folder]);
  while (!signal.aborted) {
    await scan(options, seen).then(options.onScanned, (error: unknown) =>
      options.onUnreadable(chainOf(error)),
    );
    const wait = AbortSignal.any([signal, notices.next()]);
    await clock.sleep(rescanMs, wait).catch(() => undefined);
    if (!signal.aborted) await clock.sleep(settleMs, signal).catch(() => undefined);
  }
}

/** Rejects where the folder cannot be read: that is no folder without manifests. */
async function scan(options: StaticPodsOptions, seen: Map<string, Seen>): Promise<void> {
  const names = (await namesIn(options.folder)).filter(isManifestName).toSorted();
  const paths = new Set(names.map((name) => join(options.folder, name)));
  for (const path of paths) await look(path, options, seen);
  for (const [path, { pod }] of seen) {
    if (paths.has(path)) continue;
    seen.delete(path);
    if (pod !== undefined) options.onRemove(uidOf(pod));
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

async function look(
  path: string,
  { nodeName, clock, onSet, onRemove, onBroken }: StaticPodsOptions,
  seen: Map<string, Seen>,
): Promise<void> {
  const before = seen.get(path);
  let stamp = "";
  try {
    const found = await stat(path);
    if (!found.isFile()) return;
    stamp = `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (before?.stamp === stamp) return;
    if (found.size > manifestBytesMax) throw new Error(`${path}: larger than 1 MiB`);
    const text = await readFile(path, "utf8");
    const pod = parseStaticPod(text, { nodeName, path, seenAt: rfc3339(clock.now()) });
    seen.set(path, { stamp, pod });
    if (before?.pod !== undefined && uidOf(before.pod) === uidOf(pod)) return;
    if (before?.pod !== undefined) onRemove(uidOf(before.pod));
    onSet(pod);
  } catch (error) {
    const problem = chainOf(error);
    seen.set(path, { stamp, pod: before?.pod, problem });
    // A link that leads nowhere has no stamp: it is looked at every time.
    if (stamp !== "" || before?.problem !== problem) onBroken(path, problem);
  }
}
