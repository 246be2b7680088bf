import type {
  Container,
  ContainerState,
  ContainerStatus,
  EnvVar,
  Probe,
} from "../../../api/core/v1.ts";
import { timeText } from "../print/time-text.ts";
import type { TabLines } from "./tab-lines.ts";

function writeState(out: TabLines, title: string, state: ContainerState): void {
  if (state.running !== undefined) {
    out.line(2, `${title}:\tRunning`);
    return out.line(3, `Started:\t${timeText(state.running.startedAt)}`);
  }
  if (state.terminated === undefined) {
    out.line(2, `${title}:\tWaiting`);
    const reason = state.waiting?.reason ?? "";
    return reason === "" ? undefined : out.line(3, `Reason:\t${reason}`);
  }
  const { reason = "", message = "", exitCode, signal = 0, ...times } = state.terminated;
  out.line(2, `${title}:\tTerminated`);
  if (reason !== "") out.line(3, `Reason:\t${reason}`);
  if (message !== "") out.line(3, `Message:\t${message}`);
  out.line(3, `Exit Code:\t${exitCode}`);
  if (signal > 0) out.line(3, `Signal:\t${signal}`);
  out.line(3, `Started:\t${timeText(times.startedAt)}`);
  out.line(3, `Finished:\t${timeText(times.finishedAt)}`);
}

function probeAction({ httpGet, tcpSocket, exec, grpc }: Probe): string {
  if (exec !== undefined) return `exec [${(exec.command ?? []).join(" ")}]`;
  if (httpGet !== undefined) {
    const { scheme = "HTTP", host = "", port, path = "" } = httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path}`;
  }
  if (tcpSocket !== undefined) return `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`;
  if (grpc !== undefined) return `grpc <pod>:${grpc.port} ${grpc.service ?? ""}`;
  return "unknown";
}

function probeText(probe: Probe): string {
  const { initialDelaySeconds = 0, timeoutSeconds = 1, periodSeconds = 10 } = probe;
  const { successThreshold = 1, failureThreshold = 3 } = probe;
  return (
    `${probeAction(probe)} delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s ` +
    `period=${periodSeconds}s successThreshold=${successThreshold} failureThreshold=${failureThreshold}`
  );
}

function writePorts(out: TabLines, { ports = [] }: Container): void {
  const text = (which: "containerPort" | "hostPort"): string =>
    ports
      .map((port) => {
        const name = port.name === undefined || port.name === "" ? "" : ` (${port.name})`;
        return `${port[which] ?? 0}/${port.protocol ?? "TCP"}${name}`;
      })
      .join(", ");
  const end = ports.length > 1 ? "s" : "";
  out.line(2, `Port${end}:\t${text("containerPort") || "<none>"}`);
  out.line(2, `Host Port${end}:\t${text("hostPort") || "<none>"}`);
}

function writeWords(out: TabLines, title: string, words: readonly string[] | undefined): void {
  if (words === undefined || words.length === 0) return;
  out.line(2, `${title}:`);
  for (const line of words.flatMap((word) => word.split("\n"))) out.line(3, line);
}

function writeAmounts(out: TabLines, title: string, amounts?: Readonly<Record<string, string>>) {
  const entries = Object.entries(amounts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return;
  out.line(2, `${title}:`);
  for (const [name, amount] of entries) out.line(3, `${name}:\t${amount}`);
}

function writeEnvFrom(out: TabLines, { envFrom = [] }: Container): void {
  if (envFrom.length === 0) return;
  out.line(2, "Environment Variables from:");
  for (const { configMapRef, secretRef, prefix = "" } of envFrom) {
    const from = configMapRef ?? secretRef;
    const kind = configMapRef === undefined ? "Secret" : "ConfigMap";
    const text = prefix === "" ? kind : `${kind} with prefix '${prefix}'`;
    out.line(3, `${from?.name ?? ""}\t${text}\tOptional: ${from?.optional === true}`);
  }
}

/** Values from elsewhere that are known without asking: what the pod says of itself. */
export type FieldValue = (fieldPath: string) => string;

function envText(variable: EnvVar, container: Container, fieldValue: FieldValue): string {
  const { name, value = "", valueFrom } = variable;
  const { fieldRef, resourceFieldRef, secretKeyRef, configMapKeyRef } = valueFrom ?? {};
  if (fieldRef !== undefined) {
    const found = fieldValue(fieldRef.fieldPath);
    return `${name}:\t${found} (${fieldRef.apiVersion ?? "v1"}:${fieldRef.fieldPath})`;
  }
  if (resourceFieldRef !== undefined) {
    const { resource } = resourceFieldRef;
    return `${name}:\t${resourceValue(container, resource)} (${resource})`;
  }
  if (secretKeyRef !== undefined) {
    const { key, name: secret, optional } = secretKeyRef;
    return `${name}:\t<set to the key '${key}' in secret '${secret}'>\tOptional: ${optional === true}`;
  }
  if (configMapKeyRef !== undefined) {
    const { key, name: map, optional } = configMapKeyRef;
    return `${name}:\t<set to the key '${key}' of config map '${map}'>\tOptional: ${optional === true}`;
  }
  return value
    .split("\n")
    .map((line, at) => (at === 0 ? `${name}:\t${line}` : `      \t${line}`))
    .join("\n");
}

/** What limits.cpu and its like come to: 0 where nothing is set. */
function resourceValue({ resources }: Container, path: string): string {
  const [which = "", name = ""] = path.split(".", 2);
  const amounts = which === "limits" ? resources?.limits : resources?.requests;
  return amounts?.[name] ?? "0";
}

function writeEnv(out: TabLines, container: Container, fieldValue: FieldValue): void {
  const { env = [] } = container;
  if (env.length === 0) return out.line(2, "Environment:\t<none>");
  out.line(2, "Environment:");
  for (const variable of env) out.line(3, envText(variable, container, fieldValue));
}

function writeMounts(out: TabLines, { volumeMounts = [] }: Container): void {
  if (volumeMounts.length === 0) return out.line(2, "Mounts:\t<none>");
  out.line(2, "Mounts:");
  const sorted = volumeMounts.toSorted((a, b) => (a.mountPath < b.mountPath ? -1 : 1));
  for (const { mountPath, name, readOnly, subPath = "" } of sorted) {
    const how = readOnly === true ? "ro" : "rw";
    const path = subPath === "" ? "" : `,path="${subPath}"`;
    out.line(3, `${mountPath} from ${name} (${how}${path})`);
  }
}

export interface ContainersText {
  readonly title: string;
  readonly containers: readonly Container[] | undefined;
  readonly statuses: readonly ContainerStatus[] | undefined;
  readonly fieldValue: FieldValue;
  /** Blanks before a container's name: templates nest them differently. */
  readonly nameIndent: string;
  /** Blanks before the title. */
  readonly indent: string;
}

/** A list of containers with what is known of each. */
export function writeContainers(out: TabLines, text: ContainersText): void {
  const { containers = [], statuses } = text;
  if (containers.length === 0) return;
  out.line(0, `${text.indent}${text.title}:`);
  for (const container of containers) {
    const status = statuses?.find((one) => one.name === container.name);
    out.line(0, `${text.nameIndent}${container.name}:`);
    writeContainer(out, container, status, text.fieldValue);
  }
}

function writeContainer(
  out: TabLines,
  container: Container,
  status: ContainerStatus | undefined,
  fieldValue: FieldValue,
): void {
  if (status !== undefined) out.line(2, `Container ID:\t${status.containerID ?? ""}`);
  out.line(2, `Image:\t${container.image ?? ""}`);
  if (status !== undefined) out.line(2, `Image ID:\t${status.imageID}`);
  writePorts(out, container);
  writeWords(out, "Command", container.command);
  writeWords(out, "Args", container.args);
  if (status !== undefined) {
    writeState(out, "State", status.state ?? {});
    const last = status.lastState;
    if (last?.terminated !== undefined) writeState(out, "Last State", last);
    out.line(2, `Ready:\t${status.ready ? "True" : "False"}`);
    out.line(2, `Restart Count:\t${status.restartCount}`);
  }
  writeAmounts(out, "Limits", container.resources?.limits);
  writeAmounts(out, "Requests", container.resources?.requests);
  const { livenessProbe, readinessProbe, startupProbe } = container;
  if (livenessProbe !== undefined) out.line(2, `Liveness:\t${probeText(livenessProbe)}`);
  if (readinessProbe !== undefined) out.line(2, `Readiness:\t${probeText(readinessProbe)}`);
  if (startupProbe !== undefined) out.line(2, `Startup:\t${probeText(startupProbe)}`);
  writeEnvFrom(out, container);
  writeEnv(out, container, fieldValue);
  writeMounts(out, container);
}
