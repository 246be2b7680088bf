import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { CriService } from "../../api/cri/v1.ts";
import type { Client } from "../../pkg/client/client.ts";
import { administratorsOnly } from "../../pkg/client/delegated-auth.ts";
import { createKubelet, type Kubelet, type KubeletSettings } from "../../pkg/kubelet/kubelet.ts";
import { pressureThresholds } from "../../pkg/kubelet/node/pressure-thresholds.ts";
import { hostDns, readMachine } from "../../pkg/kubelet/node/read-machine.ts";
import { createNodeNetwork } from "../../pkg/kubelet/probes/node-network.ts";
import { delegatedAuthorize } from "../../pkg/kubelet/server/delegated-authorize.ts";
import { createPodFiles } from "../../pkg/kubelet/volumes/pod-files.ts";
import type { VolumeMounts } from "../../pkg/kubelet/volumes/sub-path.ts";
import type { PodCgroups } from "../../pkg/kubelet/runtime/pod-cgroups.ts";
import { createCgroup, readCgroupHost, removeCgroup } from "../../pkg/linux/cgroup.ts";
import type { Kernel } from "../../pkg/linux/kernel.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import type { Doors } from "./doors.ts";

export interface KubeletNodeOptions {
  /** Absent: the machine's own name. */
  readonly nodeName?: string;
  /** Absent: the addresses of its interfaces. */
  readonly nodeIPs?: readonly string[];
  /** /var/lib/tskube */
  readonly dataFolder: string;
  /** /etc/tskube/manifests */
  readonly manifestFolder: string;
  /** /var/log/pods */
  readonly podLogsPath: string;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly podsMax: number;
  /** Of the kubelet's own server. */
  readonly port: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Of the node's first registration. */
  readonly taints?: KubeletSettings["taints"];
  readonly reserved?: KubeletSettings["reserved"];
  /** evictionHard of a KubeletConfiguration: signal → quantity or percentage. */
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly podPidsMax?: number;
  /** Pods' cgroups are below it: "" for /kubepods, "/tskube" for /tskube/kubepods. */
  readonly cgroupRoot?: string;
}

export const kubeletDefaults = {
  dataFolder: "/var/lib/tskube",
  manifestFolder: "/etc/tskube/manifests",
  podLogsPath: "/var/log/pods",
  clusterDomain: "cluster.local",
  podsMax: 110,
  port: 10_250,
} as const;

/** This machine's kubelet on a runtime; without a client it runs manifests only. */
export async function openKubelet(
  options: KubeletNodeOptions,
  cri: CriService,
  client: Client | undefined,
  doors: Doors,
): Promise<Kubelet> {
  const { dataFolder, nodeName: name, nodeIPs } = options;
  await mkdir(dataFolder, { recursive: true });
  const machine = await readMachine({
    diskPath: dataFolder,
    ...(name === undefined ? {} : { hostname: name }),
    ...(nodeIPs === undefined ? {} : { addresses: nodeIPs }),
  });
  const nodeName = machine.hostname;
  const root = join(dataFolder, "kubelet");
  return createKubelet({
    ...doors,
    logger: doors.logger.child({ component: "kubelet" }),
    nodeName,
    ...(client === undefined ? {} : { client }),
    cri,
    machine,
    files: createPodFiles({ root, hostsPath: "/etc/hosts", mounts: volumeMounts(systemKernel()) }),
    cgroups: podCgroups(systemKernel()),
    network: createNodeNetwork(doors.clock),
    manifestFolder: options.manifestFolder,
    authorize:
      client === undefined
        ? administratorsOnly
        : delegatedAuthorize({ client, clock: doors.clock, nodeName }),
    settings: {
      clusterDns: options.clusterDns,
      clusterDomain: options.clusterDomain,
      hostDns: await hostDns(),
      cgroupRoot: options.cgroupRoot ?? "",
      podLogsPath: options.podLogsPath,
      seccompPath: join(root, "seccomp"),
      podsMax: options.podsMax,
      port: options.port,
      labels: options.labels ?? {},
      taints: options.taints ?? [],
      reserved: options.reserved ?? { cpuMillis: 0, memoryBytes: 0 },
      pressure: pressureThresholds(machine, options.evictionHard),
      ...(options.podPidsMax === undefined ? {} : { podPidsMax: options.podPidsMax }),
    },
  });
}

/** Pods' own cgroups on this machine. */
export function podCgroups(kernel: Kernel): PodCgroups {
  const host = readCgroupHost();
  return {
    create: async (path, limits) => {
      const { cpuShares: shares, cpuPeriodUs: period, cpuQuotaUs: quota } = limits;
      createCgroup(kernel, host, path, {
        cpu: { shares, period, ...(quota === undefined ? {} : { quota }) },
        ...(limits.memoryBytes === undefined ? {} : { memory: { limit: limits.memoryBytes } }),
        ...(limits.pids === undefined ? {} : { pids: { limit: limits.pids } }),
      });
    },
    remove: async (path) => removeCgroup(kernel, host, path),
  };
}

/** What volumes need of the kernel. */
export const volumeMounts = (kernel: Kernel): VolumeMounts => ({
  tmpfs: async (path, sizeBytes) => {
    const size = sizeBytes === 0 ? "" : `,size=${sizeBytes}`;
    const flags = ["MS_NOSUID", "MS_NODEV"] as const;
    kernel.play([
      {
        call: "mount",
        args: ["tmpfs", path, "tmpfs", flags, `mode=0777${size}`],
        because: "what is in it never reaches a disk",
      },
    ]);
  },
  unmount: async (path) => {
    kernel.play([
      {
        call: "umount2",
        args: [path, ["MNT_DETACH"]],
        because: "it may be in use by what is just ending",
        may: ["EINVAL", "ENOENT"],
      },
    ]);
  },
  bind: async (source, target) => {
    kernel.play([
      {
        call: "mount",
        args: [source, target, "", ["MS_BIND", "MS_REC"], ""],
        because: "a subPath has a place of its own, which nobody can move",
      },
    ]);
  },
});
