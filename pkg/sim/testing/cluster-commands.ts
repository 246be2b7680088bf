/** The words of the scenarios in testdata/: a cluster told what to do, one line at a time. */
import type { Pod } from "../../../api/core/v1.ts";
import { deployments, endpointSlices, nodes, pods, services } from "../../../api/resources.ts";
import type { Commands } from "../replay.ts";
import type { Simulation } from "../simulate.ts";
import { deployment, isWhole, service } from "./objects.ts";

const milliseconds = (text: string): number =>
  Number.parseFloat(text) * (text.endsWith("m") ? 60_000 : 1_000);

/** web-5c9cd7d675-4jzpd: what chance made of the name says nothing to a reader. */
const stem = (pod: Pod): string => (pod.metadata?.name ?? "").split("-")[0] ?? "";

const stateOf = ({ metadata, status }: Pod): string => {
  if (metadata?.deletionTimestamp !== undefined) return "Terminating";
  const isReady = status?.conditions?.some(
    ({ type, status: value }) => type === "Ready" && value === "True",
  );
  return isReady === true ? "Ready" : (status?.phase ?? "Pending");
};

/** Equal lines once, with how many there were. */
const counted = (lines: readonly string[]): string => {
  const counts = new Map<string, number>();
  for (const line of lines.toSorted()) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => `${count} × ${line}`).join("\n");
};

const ask = (cluster: Simulation) => ({
  deployments: cluster.informers.informer(deployments),
  pods: cluster.informers.informer(pods),
  nodes: cluster.informers.informer(nodes),
  slices: cluster.informers.informer(endpointSlices),
});
type Seen = ReturnType<typeof ask>;

export function clusterCommands(cluster: Simulation): Commands {
  const seen = ask(cluster);
  return { ...changes(cluster, seen), ...questions(seen) };
}

/** What makes something happen; each answers nothing, but `settle`. */
function changes(cluster: Simulation, seen: Seen): Commands {
  const api = cluster.client.resource(deployments);
  const silently =
    (act: (...args: readonly string[]) => unknown) =>
    async (...args: readonly string[]) => {
      await act(...args);
      return "";
    };
  return {
    deploy: silently(async (name = "", replicas = "", image = "one") => {
      const wanted = deployment(name, Number(replicas), image);
      if (seen.deployments.get(`default/${name}`) === undefined) return api.create(wanted);
      const there = await api.get({ namespace: "default", name });
      return api.update({ ...there, spec: wanted.spec });
    }),
    expose: silently((name = "") => cluster.client.resource(services).create(service(name))),
    advance: silently((time = "") => cluster.clock.advance(milliseconds(time))),
    lose: silently((name = "") => cluster.loseNode(name)),
    restore: silently((name = "") => cluster.restoreNode(name)),
    crash: silently(() => cluster.crashControlPlane()),
    settle: async () => {
      const areWhole = (): boolean =>
        seen.deployments.list().every(isWhole) &&
        seen.pods.list().every((pod) => stateOf(pod) === "Ready") &&
        seen.nodes.list().every(({ spec }) => (spec?.taints ?? []).length === 0);
      await cluster.clock.advance(10);
      return (await cluster.runUntil(areWhole, 900_000)) ? "settled" : "never settles";
    },
  };
}

const told = (pod: Pod): string =>
  `${stem(pod)} ${pod.spec?.containers[0]?.image ?? ""} ${stateOf(pod)}`;

/** What is there now. Where the scheduler put which pod is left out: any change may change it. */
const questions = (seen: Seen): Commands => ({
  pods: async () => counted(seen.pods.list().map(told)),
  "pods-on": async (node = "") =>
    counted(
      seen.pods
        .list()
        .filter(({ spec }) => spec?.nodeName === node)
        .map(told),
    ),
  nodes: async () =>
    seen.nodes
      .list()
      .map(({ metadata, spec, status }) => {
        const ready = status?.conditions?.find(({ type }) => type === "Ready");
        const taints = (spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
        return [metadata?.name, `Ready=${ready?.status}`, ...taints].join(" ");
      })
      .toSorted()
      .join("\n"),
  endpoints: async (name = "") =>
    counted(
      seen.slices
        .list("default")
        .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === name)
        .flatMap(({ endpoints }) => endpoints ?? [])
        .map(({ conditions }) => {
          const facts = Object.entries({ ...conditions }).filter(([, value]) => value === true);
          return facts.map(([fact]) => fact).join(" ") || "not ready";
        }),
    ),
});
