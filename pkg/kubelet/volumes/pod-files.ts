/**
 * A pod's files on the node: its volumes, its /etc/hosts, where its containers leave their last
 * words. One folder a pod, so that what is left of a pod is one folder to remove.
 */
import {
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Pod, Volume, VolumeMount } from "../../../api/core/v1.ts";
import { MountPropagation, type Mount } from "../../../api/cri/v1.ts";
import { expand } from "../environment/expand.ts";
import { uidOf } from "../pods/pod-spec.ts";
import { unitsOf } from "../runtime/amounts.ts";
import { terminationMessagePathDefault } from "../runtime/container-config.ts";
import { rotateLog } from "../gc/log-rotation.ts";
import { readLog } from "../server/log-reader.ts";
import { unchanged, writeAtomically, type ProjectedFile } from "./atomic-writer.ts";
import { PodIdRanges } from "./pod-id-ranges.ts";
import { hostsFile, type HostsFacts } from "./hosts-file.ts";
import { prepareHostPath } from "./host-path.ts";
import { isProjection, projectedFiles, VolumeError, type VolumeFacts } from "./projected-files.ts";
import { bindSubPath, resolveSubPath, type VolumeMounts } from "./sub-path.ts";

/** By volume name: where it is on the host. */
export type PreparedVolumes = ReadonlyMap<string, string>;

export interface ContainerMounts {
  readonly pod: Pod;
  readonly containerName: string;
  readonly restartCount: number;
  readonly volumeMounts: readonly VolumeMount[];
  readonly terminationMessagePath: string;
  readonly prepared: PreparedVolumes;
  readonly environment: ReadonlyMap<string, string>;
  readonly hosts: Omit<HostsFacts, "hostFile">;
}

/** What the kubelet needs of a file system for its pods. The simulator has one without files. */
export interface PodFiles {
  /** Makes every volume be there, and its files be what they refer to. Throws VolumeError. */
  prepare(pod: Pod, facts: VolumeFacts): Promise<PreparedVolumes>;
  /** All that is mounted into one container: volumes, /etc/hosts, the termination log. */
  mounts(request: ContainerMounts): Promise<readonly Mount[]>;
  /** Of a pod with users of its own (hostUsers: false): the host's id of its root. */
  firstHostId(uid: string): Promise<number>;
  /** A container's last words; empty when it had none. At most `terminationMessageBytesMax`. */
  terminationMessage(uid: string, container: string, restartCount: number): Promise<string>;
  /** The end of a container's log, for those that end badly and say nothing. */
  lastLogLines(logPath: string): Promise<string>;
  /** Unmounts and removes all that a pod had here. */
  remove(uid: string): Promise<void>;
  /** Begins a new log file when the present one is too large. */
  rotateLog(path: string, nowMs: number, reopen: () => Promise<unknown>): Promise<boolean>;
  /** Removes a pod's logs. */
  removeLogs(folder: string): Promise<void>;
  /** Pods of which something is here. */
  uids(): Promise<readonly string[]>;
}

export interface PodFilesOptions {
  /** /var/lib/tskube/kubelet */
  readonly root: string;
  /** Absent: secrets are on disk (no privileges to mount), and memory-backed volumes fail. */
  readonly mounts?: VolumeMounts;
  /** /etc/hosts */
  readonly hostsPath: string;
}

export const terminationMessageBytesMax = 4096;

const kindOf = (volume: Volume): string => {
  if (volume.emptyDir !== undefined) return "empty-dir";
  if (volume.configMap !== undefined) return "configmap";
  if (volume.secret !== undefined) return "secret";
  if (volume.downwardAPI !== undefined) return "downward-api";
  return "projected";
};

export function createPodFiles(options: PodFilesOptions): PodFiles {
  const folderOf = (uid: string): string => join(options.root, "pods", uid);
  const ranges = new PodIdRanges(join(options.root, "pods"));
  return {
    prepare: async (pod, facts) => {
      const prepared = new Map<string, string>();
      for (const volume of pod.spec.volumes ?? []) {
        const path = await prepareVolume(volume, folderOf(uidOf(pod)), facts, options).catch(
          (cause: unknown) => {
            const what = `MountVolume.SetUp failed for volume "${volume.name}"`;
            throw new VolumeError(what, { cause });
          },
        );
        prepared.set(volume.name, path);
      }
      return prepared;
    },
    mounts: (request) => containerMounts(request, folderOf(uidOf(request.pod)), options),
    firstHostId: (uid) => ranges.first(uid),
    terminationMessage: (uid, container, restartCount) =>
      readHead(lastWordsPath(folderOf(uid), container, restartCount)),
    lastLogLines: (logPath) => lastLogLines(logPath),
    remove: (uid) => removePod(folderOf(uid), options.mounts),
    rotateLog,
    removeLogs: (folder) => rm(folder, { recursive: true, force: true }),
    uids: () => readdir(join(options.root, "pods")).catch(() => []),
  };
}

const lastWordsPath = (folder: string, container: string, restartCount: number): string =>
  join(folder, "containers", container, String(restartCount));

async function readHead(path: string): Promise<string> {
  await using handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return "";
  const buffer = Buffer.alloc(terminationMessageBytesMax);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  return buffer.toString("utf8", 0, bytesRead);
}

/** Lines and bytes of a log that stand in for last words. */
const lastLogLinesMax = 80;
const lastLogBytesMax = 2048;

async function lastLogLines(logPath: string): Promise<string> {
  const whole = { follow: false, timestamps: false, tailLines: lastLogLinesMax };
  const never = new AbortController().signal;
  const pieces: Uint8Array[] = [];
  for await (const piece of readLog(logPath, whole, never, never)) pieces.push(piece);
  return Buffer.concat(pieces).subarray(-lastLogBytesMax).toString();
}

async function prepareVolume(
  volume: Volume,
  folder: string,
  facts: VolumeFacts,
  options: PodFilesOptions,
): Promise<string> {
  if (volume.hostPath !== undefined) return prepareHostPath(volume.hostPath);
  const path = join(folder, "volumes", `kubernetes.io~${kindOf(volume)}`, volume.name);
  const group = facts.pod.spec.securityContext?.fsGroup;
  if (volume.emptyDir !== undefined) return prepareEmptyDir(volume, path, group, options);
  if (!isProjection(volume)) throw unsupported(volume);
  const files = projectedFiles(volume, facts);
  await makeFolder(path, 0o755);
  if (isSecret(volume) && !(await isMountPoint(path))) await options.mounts?.tmpfs(path, 0);
  if (group !== undefined) await chown(path, unchanged, group);
  await writeAtomically(path, group === undefined ? files : files.map(readableByGroup), group);
  return path;
}

/** Never on a disk, where it could outlive its pod. */
const isSecret = ({ secret, projected }: Volume): boolean =>
  secret !== undefined || projected !== undefined;

const readableByGroup = (file: ProjectedFile): ProjectedFile => ({
  ...file,
  mode: file.mode | 0o440,
});

const unsupported = ({ name, ...source }: Volume): VolumeError =>
  new VolumeError(`volume "${name}" of type ${Object.keys(source).join(", ")} is not supported`);

/** Asked of the kernel, not remembered: a kubelet may be killed between folder and mount. */
const isMountPoint = async (path: string): Promise<boolean> =>
  (await stat(path)).dev !== (await stat(dirname(path))).dev;

/** Whether the folder was made just now. */
async function makeFolder(path: string, mode: number): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const made = await mkdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return false;
      throw error;
    },
  );
  // Past the umask.
  if (made) await chmod(path, mode);
  return made;
}

async function prepareEmptyDir(
  volume: Volume,
  path: string,
  group: number | undefined,
  { mounts }: PodFilesOptions,
): Promise<string> {
  const isNew = await makeFolder(path, 0o777);
  const medium = volume.emptyDir?.medium ?? "";
  const inMemory = medium === "Memory";
  if (!inMemory && medium !== "")
    throw new VolumeError(`emptyDir medium ${medium} is not supported`);
  if (inMemory ? await isMountPoint(path) : !isNew) return path;
  if (inMemory) {
    if (mounts === undefined) throw new VolumeError("emptyDir in memory needs the right to mount");
    await mounts.tmpfs(path, unitsOf({ size: volume.emptyDir?.sizeLimit ?? "0" }, "size") ?? 0);
  }
  if (group !== undefined) await chown(path, unchanged, group);
  // With the group's bit, what is created inside belongs to the group too.
  await chmod(path, group === undefined ? 0o777 : 0o2777);
  return path;
}

const propagations: Readonly<Record<string, MountPropagation>> = {
  None: MountPropagation.PROPAGATION_PRIVATE,
  HostToContainer: MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
  Bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
};

async function containerMounts(
  request: ContainerMounts,
  folder: string,
  options: PodFilesOptions,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const [index, mount] of request.volumeMounts.entries()) {
    const hostPath = await mountSource(mount, index, request, { folder, options });
    mounts.push({
      containerPath: mount.mountPath,
      hostPath,
      readonly: mount.readOnly ?? false,
      recursiveReadOnly: mount.recursiveReadOnly === "Enabled",
      propagation: propagations[mount.mountPropagation ?? "None"] ?? 0,
    });
  }
  const taken = new Set(mounts.map(({ containerPath }) => containerPath));
  if (!taken.has("/etc/hosts")) {
    const hostPath = await writeHosts(request, folder, options.hostsPath);
    mounts.push({ containerPath: "/etc/hosts", hostPath, readonly: false });
  }
  const containerPath = request.terminationMessagePath || terminationMessagePathDefault;
  const hostPath = await makeLastWords(request, folder);
  mounts.push({ containerPath, hostPath, readonly: false });
  return mounts;
}

async function mountSource(
  mount: VolumeMount,
  index: number,
  request: ContainerMounts,
  { folder, options }: { readonly folder: string; readonly options: PodFilesOptions },
): Promise<string> {
  const volumePath = request.prepared.get(mount.name);
  if (volumePath === undefined) throw new VolumeError(`volume "${mount.name}" is not in the pod`);
  const subPath =
    mount.subPathExpr === undefined
      ? (mount.subPath ?? "")
      : expand(mount.subPathExpr, (name) => request.environment.get(name));
  if (subPath === "") return volumePath;
  if (options.mounts === undefined) return resolveSubPath(volumePath, subPath);
  const { containerName } = request;
  const target = join(folder, "volume-subpaths", mount.name, containerName, String(index));
  return bindSubPath(volumePath, subPath, target, options.mounts);
}

async function writeHosts(
  { pod, hosts }: ContainerMounts,
  folder: string,
  hostsPath: string,
): Promise<string> {
  const path = join(folder, "etc-hosts");
  const onHost = pod.spec.hostNetwork === true;
  const hostFile = onHost ? await readFile(hostsPath, "utf8").catch(() => "") : undefined;
  const text = hostsFile({ ...hosts, ...(hostFile === undefined ? {} : { hostFile }) });
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) return path;
  await mkdir(folder, { recursive: true, mode: 0o750 });
  await writeFile(`${path}.tmp`, text, { mode: 0o644 });
  await rename(`${path}.tmp`, path);
  return path;
}

async function makeLastWords(request: ContainerMounts, folder: string): Promise<string> {
  const path = lastWordsPath(folder, request.containerName, request.restartCount);
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  await writeFile(path, "");
  // Whatever user the container runs as may write.
  await chmod(path, 0o666);
  return path;
}

/** Mounts first, and nothing is removed while one of them holds: it could be anybody's data. */
async function removePod(folder: string, mounts: VolumeMounts | undefined): Promise<void> {
  if (mounts !== undefined) {
    for (const path of await mountPoints(join(folder, "volume-subpaths"), 3))
      await mounts.unmount(path);
    for (const path of await mountPoints(join(folder, "volumes"), 2)) await mounts.unmount(path);
  }
  await rm(folder, { recursive: true, force: true });
}

/** Paths exactly `depth` levels below: kind/name of volumes, volume/container/index of subPaths. */
async function mountPoints(folder: string, depth: number): Promise<readonly string[]> {
  const entries = await readdir(folder).catch(() => []);
  const paths = entries.map((entry) => join(folder, entry));
  if (depth === 1) return paths;
  return (await Promise.all(paths.map((path) => mountPoints(path, depth - 1)))).flat();
}
