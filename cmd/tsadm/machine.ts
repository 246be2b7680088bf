import { join } from "node:path";
import type { Doors } from "../wiring/doors.ts";
import { openImages } from "../wiring/cri-runtime.ts";
import { readMachineFacts } from "../../pkg/kubeadm/preflight-facts.ts";
import type { MachineFacts } from "../../pkg/kubeadm/preflight-plan.ts";
import { buildEtcdImage, buildProgramImage } from "./program-image.ts";
import { distFolder } from "./node-process.ts";

export const nodeLog = "/var/log/tskube/node.log";
const kubeletPort = 10_250;
/** API server; etcd's clients, peers and metrics; and every node's kubelet. */
const controlPlanePorts = [2379, 2380, 2381] as const;

export interface FactsOf {
  readonly nodeName: string;
  readonly configFolder: string;
  readonly dataFolder: string;
  /** Absent: a machine that only joins. */
  readonly bindPort?: number;
}

export const machineFacts = (of: FactsOf): Promise<MachineFacts> => {
  const { bindPort, configFolder, dataFolder } = of;
  const isControlPlane = bindPort !== undefined;
  return readMachineFacts({
    nodeName: of.nodeName,
    isRoot: process.getuid?.() === 0,
    ports: isControlPlane ? [bindPort, ...controlPlanePorts, kubeletPort] : [kubeletPort],
    programs: ["nft"],
    path: [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"],
    dataFolder,
    mustBeAbsent: isControlPlane
      ? [join(configFolder, "manifests"), join(dataFolder, "etcd")]
      : [join(configFolder, "kubelet.conf"), join(configFolder, "pki/ca.crt")],
  });
};

/** Puts the images into the node's store where they are missing, and says what it did. */
export async function provideImages(
  wanted: { readonly dataFolder: string; readonly tskube: string; readonly etcd?: string },
  doors: Doors,
): Promise<readonly string[]> {
  const images = await openImages(wanted.dataFolder, doors);
  const said: string[] = [];
  const provide = async (name: string, build: () => Promise<void>): Promise<void> => {
    const start = doors.clock.monotonic();
    // Always made anew: the same files give the same image, and others must replace it.
    await build();
    const size = ((images.get(name)?.sizeBytes ?? 0) / 1e6).toFixed(1);
    const seconds = ((doors.clock.monotonic() - start) / 1000).toFixed(1);
    said.push(`built ${name}: ${size} MB in ${seconds} s`);
  };
  await provide(wanted.tskube, () => buildProgramImage(images, wanted.tskube, distFolder()));
  const { etcd } = wanted;
  if (etcd !== undefined) await provide(etcd, () => buildEtcdImage(images, etcd));
  return said;
}
