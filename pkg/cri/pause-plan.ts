import { NamespaceMode, type PodSandboxConfig } from "../../api/cri/v1.ts";
import { ociRuntimeVersion, type Spec } from "../../api/oci/runtime.ts";
import { defaultSeccomp } from "../linux/seccomp-default.ts";
import type { Seccomp } from "../../api/oci/runtime.ts";
import type { SpecPaths } from "./spec-input.ts";

/** Only a pod whose containers share their processes needs a process of its own. */
export const needsPause = ({ linux }: PodSandboxConfig): boolean =>
  (linux?.securityContext?.namespaceOptions?.pid ?? NamespaceMode.POD) === NamespaceMode.POD;

/** Nobody's user, as the pause image of Kubernetes has it. */
const pauseUser = 65535;
/** Killed last: with it go all processes of the pod. */
const oomScoreAdj = -998;

/** The spec of a pod's first process. Pure. */
export function planPause(pause: {
  readonly id: string;
  /** Folder that holds the program alone. */
  readonly root: string;
  readonly cgroupParent: string;
  readonly paths: SpecPaths;
}): Spec {
  const { paths } = pause;
  const join = (type: "network" | "ipc" | "uts") =>
    paths[type] === undefined ? [] : [{ type, path: paths[type] }];
  return {
    ociVersion: ociRuntimeVersion,
    root: { path: pause.root, readonly: true },
    process: {
      args: ["/pause"],
      cwd: "/",
      env: [],
      user: { uid: pauseUser, gid: pauseUser },
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
      oomScoreAdj,
    },
    mounts: [],
    linux: {
      namespaces: [
        { type: "mount" },
        { type: "pid" },
        ...join("network"),
        ...join("ipc"),
        ...join("uts"),
      ],
      cgroupsPath: `${pause.cgroupParent}/${pause.id}`,
      // pkg/linux knows OCI by shape only.
      seccomp: defaultSeccomp([]) as Seccomp,
    },
  };
}
