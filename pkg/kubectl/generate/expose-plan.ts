/** The service that exposes what is there: its selector and its ports are read off it. Pure. */
import type { Container, ServicePort } from "../../../api/core/v1.ts";
import { UsageError } from "../../base/flags.ts";
import type { Generated } from "./config-plan.ts";
import { parseLabels } from "./pod-plan.ts";

type Labels = Readonly<Record<string, string>>;

/** As much of a pod, a service or a workload as says whom it speaks for. */
export interface Exposable {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec?: {
    readonly containers?: readonly Container[];
    readonly ports?: readonly ServicePort[];
    readonly selector?: unknown;
    readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } };
  };
}

export interface ExposeWanted {
  readonly name: string;
  /** "80,443" */
  readonly port: string | undefined;
  readonly targetPort: string | undefined;
  readonly protocol: string | undefined;
  readonly type: string | undefined;
  readonly labels: string | undefined;
  readonly selector: string | undefined;
  readonly externalIp: string | undefined;
  readonly loadBalancerIp: string | undefined;
  readonly sessionAffinity: string | undefined;
  readonly clusterIp: string | undefined;
}

const exposableKinds: ReadonlySet<string> = new Set([
  "Pod",
  "Service",
  "ReplicationController",
  "Deployment.apps",
  "ReplicaSet.apps",
]);

/** Throws UsageError for kinds that no service can stand for. `group` is "" for the core. */
export function checkExposable(kind: string, group: string): void {
  const name = group === "" ? kind : `${kind}.${group}`;
  if (!exposableKinds.has(name)) throw new UsageError(`cannot expose a ${name}`);
}

function ownSelector(kind: string, { metadata, spec }: Exposable): Labels {
  const missing = (why: string): UsageError =>
    new UsageError(`couldn't retrieve selectors via --selector flag or introspection: ${why}`);
  const unlessEmpty = (labels: Labels | undefined, why: string): Labels => {
    if (labels === undefined || Object.keys(labels).length === 0) throw missing(why);
    return labels;
  };
  if (kind === "Pod")
    return unlessEmpty(metadata?.labels, "the pod has no labels and cannot be exposed");
  if (kind === "Service")
    return unlessEmpty(spec?.selector as Labels, "the service has no pod selector set");
  if (kind === "ReplicationController") return (spec?.selector ?? {}) as Labels;
  const { matchLabels, matchExpressions = [] } = (spec?.selector ?? {}) as {
    readonly matchLabels?: Labels;
    readonly matchExpressions?: readonly unknown[];
  };
  if (matchExpressions.length > 0)
    throw missing(
      `couldn't convert expressions - ${JSON.stringify(matchExpressions)} to map-based selector format`,
    );
  return unlessEmpty(
    matchLabels,
    `the ${kind.toLowerCase()} has no labels or selectors and cannot be exposed`,
  );
}

interface DeclaredPort {
  readonly port: number;
  readonly protocol: string;
}

function declaredPorts({ spec }: Exposable): readonly DeclaredPort[] {
  const containers = spec?.containers ?? spec?.template?.spec?.containers ?? [];
  const ofContainers = containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, protocol = "TCP" }) => ({ port: containerPort, protocol })),
  );
  const own = (spec?.ports ?? []).map(({ port, protocol = "TCP" }) => ({ port, protocol }));
  return [...ofContainers, ...own];
}

const portMax = 65_535;

function portNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= portMax) return Number(text);
  throw new UsageError(`strconv.Atoi: parsing "${text}": invalid syntax`);
}

const targetOf = (text: string): number | string => (/^\d+$/.test(text) ? portNumber(text) : text);

/** A port that is declared for several protocols is exposed for each. */
function portsOf(wanted: ExposeWanted, source: Exposable): readonly object[] {
  const declared = declaredPorts(source);
  const asked =
    wanted.port === undefined || wanted.port === ""
      ? [...new Set(declared.map(({ port }) => port))]
      : wanted.port.split(",").map(portNumber);
  if (asked.length === 0)
    throw new UsageError("couldn't find port via --port flag or introspection");
  const pairs = asked.flatMap((port) => {
    const own = declared.filter((one) => one.port === port).map(({ protocol }) => protocol);
    const protocols = wanted.protocol === undefined ? [...new Set(own)] : [wanted.protocol];
    const known = protocols.length === 0 ? ["TCP"] : protocols;
    return known.map((protocol) => ({ port, protocol }));
  });
  const target = wanted.targetPort ?? "";
  return pairs.map(({ port, protocol }, at) => ({
    ...(pairs.length > 1 ? { name: `port-${at + 1}` } : {}),
    protocol,
    port,
    targetPort: target === "" ? port : targetOf(target),
  }));
}

/** A service's name is a DNS label. */
const nameCharactersMax = 63;

export function exposingService(kind: string, source: Exposable, wanted: ExposeWanted): Generated {
  const selector =
    wanted.selector === undefined || wanted.selector === ""
      ? ownSelector(kind, source)
      : parseLabels(wanted.selector);
  const labels =
    wanted.labels === undefined || wanted.labels === ""
      ? source.metadata?.labels
      : parseLabels(wanted.labels);
  const { type = "", sessionAffinity = "", externalIp = "", clusterIp = "" } = wanted;
  const { loadBalancerIp = "" } = wanted;
  const ports = portsOf(wanted, source);
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: {
      name: wanted.name.slice(0, nameCharactersMax),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: {
      ports,
      selector,
      ...(clusterIp === "" ? {} : { clusterIP: clusterIp }),
      ...(type === "" ? {} : { type }),
      ...(externalIp === "" ? {} : { externalIPs: [externalIp] }),
      ...(sessionAffinity === "" ? {} : { sessionAffinity }),
      ...(type === "LoadBalancer" && loadBalancerIp !== ""
        ? { loadBalancerIP: loadBalancerIp }
        : {}),
    },
    status: { loadBalancer: {} },
  };
}
