import type {
  Container,
  ExecAction,
  HTTPGetAction,
  Probe,
  ProbeHandler,
} from "../../../api/core/v1.ts";
import type { CriService } from "../../../api/cri/v1.ts";
import type { IntOrString } from "../../../api/meta/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { timingOf } from "./probe-state.ts";
import type { HttpProbeRequest, ProbeNetwork, ReachOutcome } from "./probe-network.ts";

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  /** The pod's first address; "" when it has none. */
  readonly podIP: string;
}

export interface ProbeDoors {
  readonly cri: Pick<CriService, "execSync">;
  readonly network: ProbeNetwork;
}

export type ProbeOutcome =
  | { readonly result: "success" }
  /** `refused`: nothing listened, so the container saw nothing of the probe. */
  | { readonly result: "failure"; readonly message: string; readonly refused: boolean };

const success: ProbeOutcome = { result: "success" };
const failure = (message: string, refused = false): ProbeOutcome => ({
  result: "failure",
  message,
  refused,
});

/** Asks a container once. Never rejects: what goes wrong is a failure. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  doors: ProbeDoors,
): Promise<ProbeOutcome> {
  const { timeoutMs } = timingOf(probe);
  try {
    return await reach(probe, target, timeoutMs, doors);
  } catch (error) {
    return failure(chainOf(error));
  }
}

async function reach(
  probe: Probe,
  target: ProbeTarget,
  timeoutMs: number,
  { cri, network }: ProbeDoors,
): Promise<ProbeOutcome> {
  if (probe.exec !== undefined) return runExec(probe.exec, target, timeoutMs, cri);
  if (probe.httpGet !== undefined) {
    const request = httpRequestOf(probe.httpGet, target, timeoutMs);
    return judgeHttp(await network.http(request));
  }
  if (probe.tcpSocket !== undefined) {
    const host = probe.tcpSocket.host || target.podIP;
    const port = portOf(probe.tcpSocket.port, target.container);
    return judge(await network.tcp(host, port, timeoutMs), () => true);
  }
  if (probe.grpc !== undefined) {
    const { port, service } = probe.grpc;
    const answer = await network.grpc(target.podIP, port, service ?? "", timeoutMs);
    return judge(answer, (status) => status === servingStatus);
  }
  return failure(`no handler in ${describeHandler(probe)}`);
}

/** grpc.health.v1.HealthCheckResponse.SERVING */
const servingStatus = 1;

const describeHandler = (handler: ProbeHandler): string => JSON.stringify(handler);

function judge(answer: ReachOutcome, isGood: (status: number) => boolean): ProbeOutcome {
  if (answer.got !== "answer") return failure(answer.message, answer.got === "refused");
  return isGood(answer.status)
    ? success
    : failure(`service unhealthy (responded with status ${answer.status})`);
}

/** Redirects are good enough: upstream follows those to the same host, and warns at others. */
const judgeHttp = (answer: ReachOutcome): ProbeOutcome =>
  answer.got === "answer" && (answer.status < 200 || answer.status >= 400)
    ? failure(`HTTP probe failed with statuscode: ${answer.status}`)
    : judge(answer, () => true);

async function runExec(
  { command }: ExecAction,
  { containerId }: ProbeTarget,
  timeoutMs: number,
  cri: Pick<CriService, "execSync">,
): Promise<ProbeOutcome> {
  const answer = await cri.execSync({
    containerId,
    cmd: command ?? [],
    timeout: BigInt(Math.ceil(timeoutMs / 1000)),
  });
  if ((answer.exitCode ?? 0) === 0) return success;
  const decoder = new TextDecoder();
  const output = [answer.stdout, answer.stderr].map((bytes) => decoder.decode(bytes)).join("");
  return failure(output);
}

/** A port by its number, or by the name that the container gives it. Throws when it has none. */
export function portOf(port: IntOrString, container: Container): number {
  if (typeof port === "number") return port;
  const named = (container.ports ?? []).find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
}

export function httpRequestOf(
  action: HTTPGetAction,
  { container, podIP }: ProbeTarget,
  timeoutMs: number,
): HttpProbeRequest {
  return {
    scheme: action.scheme?.toLowerCase() === "https" ? "https" : "http",
    host: action.host || podIP,
    port: portOf(action.port, container),
    path: action.path || "/",
    headers: (action.httpHeaders ?? []).map(({ name, value }) => [name, value] as const),
    timeoutMs,
  };
}
