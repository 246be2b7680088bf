/** Upstream's defaults of a pod: of its spec, wherever it stands, and of a Pod itself. */
import type {
  Container,
  ContainerPort,
  EnvVar,
  EnvVarSource,
  EphemeralContainer,
  HTTPGetAction,
  Lifecycle,
  Pod,
  PodSpec,
  PodStatus,
  Probe,
  ProjectedVolumeSource,
  ResourceRequirements,
  Volume,
} from "../../../../api/core/v1.ts";
import { each, fill, fillZero, inTurn, over } from "../absent.ts";

const gracePeriodSeconds = 30;
const fileMode = 0o644;
const tokenSeconds = 3_600;

/** "latest" is what a reference without tag and digest means. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const name = image.slice(image.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon < 0 || name.slice(colon + 1) === "latest";
}

const pullPolicy = (image: string): string => (isLatest(image) ? "Always" : "IfNotPresent");

const defaultHttpGet = (action: HTTPGetAction): HTTPGetAction =>
  fill(action, { path: "/", scheme: "HTTP" });

const defaultProbe = (probe: Probe): Probe =>
  over(
    fillZero(probe, {
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    }),
    "httpGet",
    defaultHttpGet,
  );

const defaultHandler = <H extends { readonly httpGet?: HTTPGetAction }>(handler: H): H =>
  over(handler, "httpGet", (action) => defaultHttpGet(action) as NonNullable<H["httpGet"]>);

const defaultLifecycle = inTurn<Lifecycle>(
  (lifecycle) => over(lifecycle, "postStart", defaultHandler),
  (lifecycle) => over(lifecycle, "preStop", defaultHandler),
);

type Downward = Pick<EnvVarSource, "fieldRef" | "resourceFieldRef">;

/** References to a field of the pod, or to a resource and the unit in which it is told. */
const defaultDownward = <T extends Downward>(source: T): T =>
  inTurn<Downward>(
    (one) => over(one, "fieldRef", (ref) => fill(ref, { apiVersion: "v1" })),
    (one) => over(one, "resourceFieldRef", (ref) => fill(ref, { divisor: "0" })),
  )(source) as T;

const defaultEnv = each<EnvVar>((variable) =>
  over(variable, "valueFrom", (source) => defaultDownward(source)),
);
const defaultPorts = each<ContainerPort>((port) => fill(port, { protocol: "TCP" }));

const defaultContainer = inTurn<Container>(
  (container) =>
    fill(container, {
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: pullPolicy(container.image ?? ""),
    }),
  (container) => over(container, "ports", defaultPorts),
  (container) => over(container, "env", defaultEnv),
  (container) => over(container, "livenessProbe", defaultProbe),
  (container) => over(container, "readinessProbe", defaultProbe),
  (container) => over(container, "startupProbe", defaultProbe),
  (container) => over(container, "lifecycle", defaultLifecycle),
);

/** An ephemeral container has what a container has, and a target. */
const defaultEphemeral = (container: EphemeralContainer): EphemeralContainer =>
  defaultContainer(container);

const defaultProjection = (source: ProjectedVolumeSource): ProjectedVolumeSource =>
  over(
    fill(source, { defaultMode: fileMode }),
    "sources",
    each((projection) =>
      over(
        over(projection, "serviceAccountToken", (token) =>
          fill(token, { expirationSeconds: tokenSeconds }),
        ),
        "downwardAPI",
        (downward) =>
          over(
            downward,
            "items",
            each((item) => defaultDownward(item)),
          ),
      ),
    ),
  );

const defaultSources = inTurn<Volume>(
  (volume) => over(volume, "secret", (source) => fill(source, { defaultMode: fileMode })),
  (volume) => over(volume, "configMap", (source) => fill(source, { defaultMode: fileMode })),
  (volume) =>
    over(volume, "downwardAPI", (source) =>
      over(
        fill(source, { defaultMode: fileMode }),
        "items",
        each((item) => defaultDownward(item)),
      ),
    ),
  (volume) => over(volume, "projected", defaultProjection),
  (volume) =>
    over(volume, "hostPath", (source) =>
      source.type === undefined ? { ...source, type: "" } : source,
    ),
  (volume) =>
    over(volume, "image", (source) =>
      fill(source, { pullPolicy: pullPolicy(source.reference ?? "") }),
    ),
);

/** A volume that says no more than its name is an empty folder. */
const defaultVolume = (volume: Volume): Volume =>
  Object.keys(volume).every((key) => key === "name")
    ? { ...volume, emptyDir: {} }
    : defaultSources(volume);

/** `serviceAccount` is the old name of `serviceAccountName`, and both say the same. */
function syncServiceAccount(spec: PodSpec): PodSpec {
  const name = spec.serviceAccountName || spec.serviceAccount || "";
  if (name === "" || (spec.serviceAccountName === name && spec.serviceAccount === name))
    return spec;
  return { ...spec, serviceAccountName: name, serviceAccount: name };
}

/** Defaults of every pod spec, those in templates included. */
export const defaultPodSpec = inTurn<PodSpec>(
  syncServiceAccount,
  (spec) =>
    fill(spec, {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: gracePeriodSeconds,
      dnsPolicy: "ClusterFirst",
      securityContext: {},
      schedulerName: "default-scheduler",
    }),
  (spec) => over(spec, "volumes", each(defaultVolume)),
  (spec) => over(spec, "initContainers", each(defaultContainer)),
  (spec) => over(spec, "containers", each(defaultContainer)),
  (spec) => over(spec, "ephemeralContainers", each(defaultEphemeral)),
);

/** Who states only a limit asks for as much. */
function requestLimits(resources: ResourceRequirements): ResourceRequirements {
  const { limits = {}, requests = {} } = resources;
  const missing = Object.keys(limits).filter((name) => requests[name] === undefined);
  if (missing.length === 0) return resources;
  const added = Object.fromEntries(missing.map((name) => [name, limits[name] ?? "0"]));
  return { ...resources, requests: { ...requests, ...added } };
}

const requestAll = each<Container>((container) => over(container, "resources", requestLimits));

const useHostPorts = each<Container>((container) =>
  over(
    container,
    "ports",
    each((port) => fillZero(port, { hostPort: port.containerPort })),
  ),
);

const onHostNetwork = (spec: PodSpec): PodSpec =>
  spec.hostNetwork === true
    ? over(over(spec, "containers", useHostPorts), "initContainers", useHostPorts)
    : spec;

/** What is defaulted in a Pod but not in a template, from which it would spread to old objects. */
const defaultOwnSpec = inTurn<PodSpec>(
  (spec) =>
    (spec.terminationGracePeriodSeconds ?? 0) < 0
      ? { ...spec, terminationGracePeriodSeconds: 1 }
      : spec,
  (spec) => fill(spec, { enableServiceLinks: true }),
  (spec) => over(spec, "containers", requestAll),
  (spec) => over(spec, "initContainers", requestAll),
  onHostNetwork,
);

/** podIP is the first of podIPs; where they differ, podIP is right. */
function syncAddresses(status: PodStatus): PodStatus {
  const { podIP = "", podIPs = [] } = status;
  const first = podIPs[0]?.ip ?? "";
  if (podIP === first) return status;
  return podIP === "" ? { ...status, podIP: first } : { ...status, podIPs: [{ ip: podIP }] };
}

export const defaultPod = inTurn<Pod>(
  (pod) => over(pod, "spec", defaultPodSpec),
  (pod) => over(pod, "spec", defaultOwnSpec),
  (pod) => over(pod, "status", syncAddresses),
);
