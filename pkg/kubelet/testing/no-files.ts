import type { PodFiles } from "../volumes/pod-files.ts";

/** For simulated nodes and tests: pods without a file system. Volumes are there, and empty. */
export const noFiles: PodFiles = {
  prepare: (pod) =>
    Promise.resolve(
      new Map((pod.spec.volumes ?? []).map(({ name }) => [name, `/nowhere/${name}`])),
    ),
  mounts: () => Promise.resolve([]),
  firstHostId: () => Promise.resolve(65_536),
  terminationMessage: () => Promise.resolve(""),
  lastLogLines: () => Promise.resolve(""),
  rotateLog: () => Promise.resolve(false),
  removeLogs: () => Promise.resolve(),
  remove: () => Promise.resolve(),
  uids: () => Promise.resolve([]),
};
