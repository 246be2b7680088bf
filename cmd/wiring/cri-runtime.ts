import { closeSync, mkdirSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname, release } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { createCri, type Cri } from "../../pkg/cri/cri.ts";
import { readHostFiles } from "../../pkg/cri/sandboxes.ts";
import { connectSupervisor } from "../../pkg/cri/supervisor-client.ts";
import type { Supervisor } from "../../pkg/cri/supervisor-contract.ts";
import { Images } from "../../pkg/images/images.ts";
import { linuxLayerKernel } from "../../pkg/images/linux-layer-kernel.ts";
import type { Platform } from "../../pkg/images/manifest.ts";
import {
  noRegistries,
  parseRegistries,
  type RegistriesConfig,
} from "../../pkg/images/registry-plan.ts";
import { createRegistryTransport } from "../../pkg/images/registry-transport.ts";
import { capabilitiesOf } from "../../pkg/linux/capabilities.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import { execInContainer } from "../../pkg/oci/exec.ts";
import { isAtLeast, readHost } from "../../pkg/oci/host.ts";
import { openBridgeNetwork } from "../../pkg/podnetwork/bridge-network.ts";
import type { PodNetwork } from "../../pkg/podnetwork/pod-network.ts";
import type { Doors } from "./doors.ts";

export interface CriRuntimeOptions {
  /** /var/lib/tskube */
  readonly dataFolder: string;
  /** /run/tskube */
  readonly runFolder: string;
  /** Runs tskube-supervisor: program and first arguments. */
  readonly supervisor: readonly [program: string, ...args: string[]];
  /** Addresses of this node's pods, on the built-in bridge; or another network. */
  readonly podCidr: string | PodNetwork;
  readonly serviceCidr: string;
  /** At most 15 characters. */
  readonly bridge: string;
  /** /etc/tskube/registries.yaml; one that is not there configures nothing. */
  readonly registriesFile: string;
}

export const criDefaults = {
  dataFolder: "/var/lib/tskube",
  runFolder: "/run/tskube",
  podCidr: "10.244.0.0/24",
  serviceCidr: "10.96.0.0/16",
  bridge: "tskube0",
  registriesFile: "/etc/tskube/registries.yaml",
  socket: "/run/tskube/cri.sock",
} as const;

/** Of pods' links where nobody says what the node's own link carries: Ethernet's. */
const defaultMtu = 1_500;

/** A node's container runtime on the real kernel. Containers go on when it is closed. */
export async function openCriRuntime(
  options: CriRuntimeOptions,
  doors: Doors,
): Promise<Cri & { readonly images: Images }> {
  const kernel = systemKernel();
  const host = readHost();
  const logger = doors.logger.child({ component: "cri" });
  const images = await openImages(options.dataFolder, doors, options.registriesFile);
  const { podCidr, dataFolder, runFolder } = options;
  const network = typeof podCidr === "string" ? await bridgeNetwork(options, { podCidr }) : podCidr;
  const { supervisor, logDescriptor } = await startSupervisor(options, doors);
  const cri = await createCri({
    ...doors,
    logger,
    supervisor,
    exec: (request) => execInContainer(kernel, host, request),
    images,
    network,
    kernel,
    paths: { state: join(dataFolder, "cri"), run: runFolder },
    host: {
      cgroup: host.cgroup.style,
      hostname: hostname(),
      userNamespaces: isAtLeast(release(), 5, 19),
      allCapabilities: capabilitiesOf(host.capabilities),
    },
    cgroups: host.cgroup,
    hostFiles: readHostFiles,
  });
  return {
    service: cri.service,
    images,
    [Symbol.asyncDispose]: async () => {
      await cri[Symbol.asyncDispose]();
      await supervisor.close();
      closeSync(logDescriptor);
    },
  };
}

/** The built-in network for a range of addresses. */
export const bridgeNetwork = (
  { bridge, serviceCidr, dataFolder }: Omit<CriRuntimeOptions, "podCidr">,
  network: { readonly podCidr: string; readonly clusterCidr?: string; readonly mtu?: number },
): Promise<PodNetwork> =>
  openBridgeNetwork({
    mtu: defaultMtu,
    ...network,
    bridge,
    serviceCidr,
    stateFolder: join(dataFolder, "network"),
    nftables: openNftables(),
  });

/** The node's images alone, as tools need them that build or import. */
export async function openImages(
  dataFolder: string,
  doors: Doors,
  registriesFile: string = criDefaults.registriesFile,
): Promise<Images> {
  return await Images.open({
    ...doors,
    root: join(dataFolder, "images"),
    kernel: linuxLayerKernel(systemKernel()),
    transport: createRegistryTransport(),
    platform: machinePlatform(),
    registries: await readRegistries(registriesFile),
  });
}

/** Go's names, as images have them. */
const machinePlatform = (): Platform => ({
  os: "linux",
  architecture: process.arch === "arm64" ? "arm64" : "amd64",
});

async function readRegistries(file: string): Promise<RegistriesConfig> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return noRegistries;
  try {
    return parseRegistries(parse(text));
  } catch (cause) {
    throw new Error(`read ${file}`, { cause });
  }
}

/** Its log stays open: a supervisor that died is started again, and writes on where it stopped. */
async function startSupervisor(
  { runFolder, supervisor: [program, ...args] }: CriRuntimeOptions,
  doors: Doors,
): Promise<{ readonly supervisor: Supervisor; readonly logDescriptor: number }> {
  const stateFolder = join(runFolder, "supervisor");
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  const logDescriptor = openSync(join(stateFolder, "log"), "a", 0o600);
  const command = [program, ...args, stateFolder] as const;
  const supervisor = await connectSupervisor({ ...doors, stateFolder, command, logDescriptor });
  return { supervisor, logDescriptor };
}
