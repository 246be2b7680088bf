import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { configMaps, leases, nodes, secrets } from "../../api/resources.ts";
import type { ResourceRef } from "../../api/resource.ts";
import type { Random } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import { ensureClusterPki } from "../pki/cluster-pki-apply.ts";
import { clusterEntries } from "../pki/cluster-pki.ts";
import { filesOf } from "../pki/cluster-pki-plan.ts";
import { bootstrapSecret } from "../machinery/bootstrap-token.ts";
import { joinToken, parseToken } from "./join-token.ts";
import { bootLine, startFileOf } from "./boot-plan.ts";
import { clientOf, ensureObject, ensureObjects } from "./cluster-client.ts";
import {
  adminBinding,
  clusterInfo,
  clusterKubeletText,
  configObjects,
  joinRights,
  type Wanted,
} from "./cluster-objects.ts";
import { clusterPkiOf, serverUrlOf, type ClusterSpec } from "./cluster-spec.ts";
import { dnsAddon } from "./dns-addon.ts";
import { withTaints } from "./kubelet-configuration.ts";
import { proxyAddon } from "./proxy-addon.ts";
import { runPreflight, type PreflightDoors } from "./run-preflight.ts";
import type { SetupContext, SetupPhase } from "./setup-phase.ts";
import { controlPlaneManifests, manifestText } from "./static-pods.ts";
import { waitFor } from "./wait.ts";
import { writeFileAtomically } from "../files/atomic-file.ts";

/** What the phases need of the outside. */
export interface InitContext extends PreflightDoors, SetupContext {
  readonly spec: ClusterSpec;
  readonly random: Random;
  /** What would be done for the images, one line an image. */
  readonly plannedImages: () => readonly string[];
  /** Puts the images that the spec names into the node's store. */
  readonly provideImages: () => Promise<readonly string[]>;
  /** Starts the node's process, unless it runs. */
  readonly startNode: () => Promise<void>;
  /** Where the node's process writes what it has to say. */
  readonly nodeLog: string;
  readonly signal: AbortSignal;
}

type InitPhase = SetupPhase<InitContext>;

const wait = { imagesAndStartMs: 240_000, nodeMs: 120_000 } as const;

const preflight: InitPhase = {
  name: "preflight",
  because: "what is wrong with the machine is told before anything is written",
  plan: () => ["look at the machine, and write nothing"],
  run: (context) => runPreflight(context, context.spec.advertiseAddress, true),
};

const isKubeconfig = (file: string): boolean => file.endsWith(".conf");

const certs: InitPhase = {
  name: "certs",
  because: "everything that speaks to another proves who it is; what is there is used",
  plan: ({ spec }) =>
    clusterEntries(clusterPkiOf(spec))
      .flatMap(filesOf)
      .filter((file) => !isKubeconfig(file))
      .map((file) => join(clusterPkiOf(spec).folder, file))
      .map((path) => (existsSync(path) ? `keep ${path}` : `write ${path}`)),
  run: async (context) => writePki(context, "certs", (file) => !isKubeconfig(file)),
};

const kubeconfig: InitPhase = {
  name: "kubeconfig",
  because: "each component reaches the API under its own name",
  plan: ({ spec }) =>
    clusterEntries(clusterPkiOf(spec))
      .flatMap(filesOf)
      .filter(isKubeconfig)
      .map((file) => `write ${join(spec.configFolder, file)}`),
  run: async (context) => writePki(context, "kubeconfig", isKubeconfig),
};

async function writePki(
  { spec, clock, random, say }: InitContext,
  phase: string,
  isPart: (file: string) => boolean,
): Promise<void> {
  const pki = clusterPkiOf(spec);
  const steps = await ensureClusterPki(pki, { clock, random }, isPart);
  for (const { entry, because } of steps) say(`[${phase}] wrote ${entry.file}: ${because}`);
  if (steps.length === 0) say(`[${phase}] all files are there already`);
}

const manifestsFolder = (spec: ClusterSpec): string => join(spec.configFolder, "manifests");

const manifestPhase = (
  name: string,
  because: string,
  has: (file: string) => boolean,
): InitPhase => {
  const wanted = (spec: ClusterSpec) => controlPlaneManifests(spec).filter(([file]) => has(file));
  return {
    name,
    because,
    plan: ({ spec }) =>
      wanted(spec).map(
        ([file, pod]) =>
          `write ${join(manifestsFolder(spec), file)}:\n${manifestText(pod).replaceAll(/^(?=.)/gm, "    ")}`,
      ),
    run: async ({ spec, say }) => {
      for (const [file, pod] of wanted(spec)) {
        const path = join(manifestsFolder(spec), file);
        // Only root reads what a control plane is started with.
        await writeFileAtomically(path, manifestText(pod), 0o600);
        say(`[${name}] wrote ${path}`);
      }
    },
  };
};

const images: InitPhase = {
  name: "images",
  because: "the control plane's pods start without a registry, and what is missing is told first",
  plan: ({ plannedImages }) => plannedImages(),
  run: async ({ provideImages, say }) => {
    for (const line of await provideImages()) say(`[images] ${line}`);
  },
};

const kubeletConfig = (spec: ClusterSpec): string =>
  withTaints(clusterKubeletText(spec), spec.taints);

const kubeletStart: InitPhase = {
  name: "kubelet-start",
  because: "it runs the manifests",
  plan: ({ spec }) => [
    `write ${join(spec.dataFolder, "config.yaml")}`,
    `write ${startFileOf(spec.configFolder)}, which starts the node after a boot`,
    "start tskube node: runtime, kubelet and pod routes of this machine",
  ],
  run: async ({ spec, startNode, say }) => {
    await writeFileAtomically(join(spec.dataFolder, "config.yaml"), kubeletConfig(spec), 0o644);
    await startNode();
    say("[kubelet-start] started the node's process");
    say(bootLine(spec.configFolder));
  },
};

/** With a client under the name of one of the kubeconfigs. */
async function withClient<T>(
  { spec, clock }: InitContext,
  file: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  using client = await clientOf(join(spec.configFolder, file), clock);
  return await use(client);
}

const waitControlPlane: InitPhase = {
  name: "wait-control-plane",
  because: "what follows is written through the API",
  plan: ({ spec }) => [`wait for ${serverUrlOf(spec)}/readyz, controller manager and scheduler`],
  run: (context) =>
    withClient(context, "super-admin.conf", async (client) => {
      const { spec, signal, clock, say, nodeLog } = context;
      const timeoutMs = spec.timeouts?.controlPlaneMs ?? wait.imagesAndStartMs;
      const waiting = { clock, say, timeoutMs };
      const start = clock.monotonic();
      const remedy = `see ${nodeLog} and /var/log/pods`;
      await waitFor(
        { ...waiting, what: `the API server at ${serverUrlOf(spec)}`, remedy },
        () => client.raw("GET", "/readyz", undefined, signal),
        signal,
      );
      for (const name of ["kube-controller-manager", "kube-scheduler"]) {
        const key = { namespace: "kube-system", name };
        await waitFor(
          { ...waiting, what: `${name} to lead`, remedy },
          () => client.resource(leases).get(key, signal),
          signal,
        );
      }
      await ensureObject(client, adminBinding(), signal);
      const seconds = ((clock.monotonic() - start) / 1000).toFixed(1);
      say(`[wait-control-plane] all components are healthy after ${seconds} s`);
    }),
};

/** A phase that only writes objects. */
const objectsPhase = (
  name: string,
  because: string,
  wanted: (context: InitContext) => readonly Wanted[] | Promise<readonly Wanted[]>,
): InitPhase => ({
  name,
  because,
  plan: async (context) =>
    (await wanted(context)).map(({ ref, object }) => {
      const { namespace, name: object_ } = object.metadata ?? {};
      return `write ${ref.kind} ${namespace === undefined ? "" : `${namespace}/`}${object_}`;
    }),
  run: async (context) => {
    const all = await wanted(context);
    await withClient(context, "admin.conf", (client) => ensureObjects(client, all, context.signal));
    context.say(`[${name}] wrote ${all.length} objects`);
  },
});

const uploadConfig = objectsPhase("upload-config", "joining machines read it", ({ spec }) =>
  configObjects(spec),
);

export const controlPlaneLabel = "node-role.kubernetes.io/control-plane";

const markControlPlane: InitPhase = {
  name: "mark-control-plane",
  because: "other pods shall not take the control plane's room",
  plan: ({ spec }) => [`label and taint node ${spec.nodeName} ${controlPlaneLabel}`],
  run: (context) =>
    withClient(context, "admin.conf", async (client) => {
      const { spec, signal, clock, say, nodeLog } = context;
      const api = client.resource(nodes);
      const what = `the node ${spec.nodeName}`;
      const remedy = `see ${nodeLog}`;
      await waitFor(
        { what, timeoutMs: spec.timeouts?.kubeletMs ?? wait.nodeMs, clock, say, remedy },
        () => api.get({ name: spec.nodeName }, signal),
        signal,
      );
      const labels = {
        [controlPlaneLabel]: "",
        "node.kubernetes.io/exclude-from-external-load-balancers": "",
      };
      const taints = spec.taints ?? [{ key: controlPlaneLabel, effect: "NoSchedule" }];
      const body = { metadata: { labels }, spec: { taints } };
      await api.patch({ name: spec.nodeName }, { type: "strategic", body }, {}, signal);
      say(`[mark-control-plane] marked the node ${spec.nodeName}`);
    }),
};

const tokenObject = ({ spec, clock }: InitContext): Wanted => ({
  ref: secrets as unknown as ResourceRef,
  object: bootstrapSecret(
    joinToken(spec.token, {
      description:
        spec.tokenDescription ?? "The default bootstrap token generated by 'tsadm init'.",
      ...(spec.tokenGroups === undefined ? {} : { extraGroups: spec.tokenGroups }),
      expiresAtMs: spec.tokenTtlMs === 0 ? Infinity : clock.now() + spec.tokenTtlMs,
    }),
  ),
});

const bootstrapToken = objectsPhase(
  "bootstrap-token",
  "a machine that joins proves itself with it, and knows the cluster by it",
  async (context) => [
    tokenObject(context),
    ...joinRights(),
    ...clusterInfo(context.spec, await readAuthority(context.spec)),
  ],
);

const readAuthority = (spec: ClusterSpec): Promise<string> =>
  readFile(join(spec.configFolder, "pki/ca.crt"), "utf8").catch(() => "");

const addonDns: InitPhase = {
  ...objectsPhase("addon/dns", "pods find each other by name", ({ spec }) => dnsAddon(spec)),
  when: ({ spec }) => spec.isDnsDisabled !== true,
};

const addonProxy: InitPhase = {
  ...objectsPhase("addon/proxy", "Services work on every node", ({ spec }) => proxyAddon(spec)),
  when: ({ spec }) => spec.isProxyDisabled !== true,
};

/** `init`, `--dry-run`, `--skip-phases` and `init phase NAME` are four readings of this list. */
export const initPhases: readonly InitPhase[] = [
  preflight,
  images,
  certs,
  kubeconfig,
  manifestPhase("etcd", "the API server keeps its objects in it", (file) => file === "etcd.yaml"),
  manifestPhase(
    "control-plane",
    "the cluster's own programs are pods of this machine",
    (file) => file !== "etcd.yaml",
  ),
  kubeletStart,
  waitControlPlane,
  uploadConfig,
  markControlPlane,
  bootstrapToken,
  addonProxy,
  addonDns,
];

/** The signer works by itself: joining works when its signature is there. */
export async function waitForSignature(context: InitContext): Promise<void> {
  const { spec, clock, say, signal } = context;
  const { id } = parseToken(spec.token);
  await withClient(context, "admin.conf", (client) =>
    waitFor(
      {
        what: "the cluster's signature for the token",
        timeoutMs: 30_000,
        clock,
        say,
        remedy: "see the log of kube-controller-manager",
      },
      async () => {
        const key = { namespace: "kube-public", name: "cluster-info" };
        const { data } = await client.resource(configMaps).get(key, signal);
        if (data?.[`jws-kubeconfig-${id}`] === undefined) throw new Error("not signed yet");
      },
      signal,
    ),
  );
}
