import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Pod,
  Probe,
  Volume,
} from "../../../api/core/v1.ts";
import { pairs, type Section } from "./sections.ts";

function stateSections(title: string, state: ContainerState | undefined): readonly Section[] {
  if (state?.running !== undefined) {
    return [
      [title, "Running"],
      ["  Started", state.running.startedAt],
    ];
  }
  if (state?.waiting !== undefined) {
    const { reason, message } = state.waiting;
    return [[title, "Waiting"], ...optional("  Reason", reason), ...optional("  Message", message)];
  }
  if (state?.terminated === undefined) return [];
  const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
  return [
    [title, "Terminated"],
    ...optional("  Reason", reason),
    ...optional("  Message", message),
    ...(signal === undefined || signal === 0 ? [] : [["  Signal", signal] as const]),
    ["  Exit Code", exitCode],
    ["  Started", startedAt],
    ["  Finished", finishedAt],
  ];
}

const optional = (key: string, value: string | undefined): readonly Section[] =>
  value === undefined || value === "" ? [] : [[key, value]];

function probeText(probe: Probe): string {
  const { httpGet, tcpSocket, exec, grpc } = probe;
  const what =
    httpGet !== undefined
      ? `http-get ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${httpGet.path ?? ""}`
      : tcpSocket !== undefined
        ? `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`
        : exec !== undefined
          ? `exec [${(exec.command ?? []).join(" ")}]`
          : `grpc <pod>:${grpc?.port} ${grpc?.service ?? ""}`;
  const { initialDelaySeconds, timeoutSeconds, periodSeconds, successThreshold, failureThreshold } =
    probe;
  return `${what} delay=${initialDelaySeconds ?? 0}s timeout=${timeoutSeconds ?? 1}s period=${periodSeconds ?? 10}s #success=${successThreshold ?? 1} #failure=${failureThreshold ?? 3}`;
}

function envText({ name, value, valueFrom }: EnvVar): string {
  if (valueFrom?.configMapKeyRef !== undefined) {
    return `${name}:  <set to the key '${valueFrom.configMapKeyRef.key}' of config map '${valueFrom.configMapKeyRef.name}'>`;
  }
  if (valueFrom?.secretKeyRef !== undefined) {
    return `${name}:  <set to the key '${valueFrom.secretKeyRef.key}' in secret '${valueFrom.secretKeyRef.name}'>`;
  }
  if (valueFrom?.fieldRef !== undefined)
    return `${name}:  (${valueFrom.fieldRef.apiVersion ?? "v1"}:${valueFrom.fieldRef.fieldPath})`;
  return `${name}:  ${value ?? ""}`;
}

function containerSection(container: Container, status: ContainerStatus | undefined): Section {
  const ports = (container.ports ?? []).map(
    (port) => `${port.containerPort}/${port.protocol ?? "TCP"}`,
  );
  const hostPorts = (container.ports ?? []).map(
    (port) => `${port.hostPort ?? 0}/${port.protocol ?? "TCP"}`,
  );
  const mounts = (container.volumeMounts ?? []).map(
    (mount) => `${mount.mountPath} from ${mount.name} (${mount.readOnly === true ? "ro" : "rw"})`,
  );
  const sections: Section[] = [
    ["Container ID", status?.containerID ?? ""],
    ["Image", container.image],
    ["Image ID", status?.imageID ?? ""],
    ["Port", ports.length === 0 ? "<none>" : ports.join(", ")],
    ["Host Port", hostPorts.length === 0 ? "<none>" : hostPorts.join(", ")],
    ...(container.command === undefined ? [] : [["Command", container.command] as const]),
    ...(container.args === undefined ? [] : [["Args", container.args] as const]),
    ...stateSections("State", status?.state),
    ...stateSections("Last State", status?.lastState),
    ["Ready", status?.ready === true ? "True" : "False"],
    ["Restart Count", status?.restartCount ?? 0],
    ...resourceSections("Limits", container.resources?.limits),
    ...resourceSections("Requests", container.resources?.requests),
    ...probes(container),
    ...(container.envFrom ?? []).map((from): Section => [
      "Environment Variables from",
      from.configMapRef === undefined
        ? `${from.secretRef?.name}  Secret`
        : `${from.configMapRef.name}  ConfigMap`,
    ]),
    ["Environment", (container.env ?? []).map(envText)],
    ["Mounts", mounts],
  ];
  return { heading: container.name, sections };
}

const resourceSections = (
  key: string,
  resources: Readonly<Record<string, string>> | undefined,
): readonly Section[] =>
  resources === undefined || Object.keys(resources).length === 0
    ? []
    : [[key, pairs(resources, ":  ")]];

const probes = ({ livenessProbe, readinessProbe, startupProbe }: Container): readonly Section[] =>
  (
    [
      ["Liveness", livenessProbe],
      ["Readiness", readinessProbe],
      ["Startup", startupProbe],
    ] as const
  ).flatMap(([key, probe]): readonly Section[] =>
    probe === undefined ? [] : [[key, probeText(probe)]],
  );

function volumeSection(volume: Volume): Section {
  const [type = "", source = {}] = Object.entries(volume).find(([key]) => key !== "name") ?? [];
  const name = type.charAt(0).toUpperCase() + type.slice(1);
  const fields = Object.entries(source as Record<string, unknown>)
    .filter(([, value]) => typeof value !== "object")
    .map(([key, value]): Section => [key.charAt(0).toUpperCase() + key.slice(1), String(value)]);
  return { heading: volume.name, sections: [["Type", name], ...fields] };
}

function containersSection(
  heading: string,
  containers: readonly Container[] | undefined,
  statuses: readonly ContainerStatus[] | undefined,
): readonly Section[] {
  if (containers === undefined || containers.length === 0) return [];
  const sections = containers.map((one) =>
    containerSection(
      one,
      statuses?.find((status) => status.name === one.name),
    ),
  );
  return [{ heading, sections }];
}

export function describePod(pod: Pod): readonly Section[] {
  const { spec, status, metadata } = pod;
  const conditions = (status?.conditions ?? []).map((one) => [one.type, one.status]);
  const tolerations = (spec?.tolerations ?? []).map(
    ({ key = "", operator, value, effect, tolerationSeconds }) => {
      const what = `${key}${value === undefined || value === "" ? "" : `=${value}`}${effect === undefined ? "" : `:${effect}`}`;
      return `${what}${operator === "Exists" ? " op=Exists" : ""}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`;
    },
  );
  const owner = metadata?.ownerReferences?.find((one) => one.controller === true);
  return [
    ["Priority", spec?.priority ?? 0],
    ["Service Account", spec?.serviceAccountName],
    [
      "Node",
      spec?.nodeName === undefined || spec.nodeName === ""
        ? "<none>"
        : `${spec.nodeName}/${status?.hostIP ?? ""}`,
    ],
    ["Start Time", status?.startTime],
    ["Labels", pairs(metadata?.labels)],
    ["Annotations", pairs(metadata?.annotations, ": ")],
    [
      "Status",
      metadata?.deletionTimestamp === undefined
        ? status?.phase
        : `Terminating (lasts ${metadata.deletionGracePeriodSeconds ?? 0}s)`,
    ],
    ...optional("Reason", status?.reason),
    ...optional("Message", status?.message),
    ["IP", status?.podIP ?? ""],
    ["IPs", (status?.podIPs ?? []).map((one) => one.ip)],
    ...(owner === undefined ? [] : [["Controlled By", `${owner.kind}/${owner.name}`] as const]),
    ...containersSection("Init Containers", spec?.initContainers, status?.initContainerStatuses),
    ...containersSection("Containers", spec?.containers, status?.containerStatuses),
    { heading: "Conditions", table: [["Type", "Status"], ...conditions] },
    { heading: "Volumes", sections: (spec?.volumes ?? []).map(volumeSection) },
    ["QoS Class", status?.qosClass],
    ["Node-Selectors", pairs(spec?.nodeSelector)],
    ["Tolerations", tolerations],
  ];
}
