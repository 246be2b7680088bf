/** Probes and lifecycle hooks: each does exactly one of a few things. */
import type {
  Container,
  HTTPGetAction,
  Lifecycle,
  LifecycleHandler,
  Probe,
  ProbeHandler,
} from "../../../../api/core/v1.ts";
import { forbidden, invalid, notSupported, required } from "../../../machinery/field-error.ts";
import {
  checkNotNegative,
  checkOptional,
  checkPort,
  checkPortOrName,
  checkRequired,
  type Errors,
  none,
} from "../rules.ts";

type Handler = ProbeHandler & LifecycleHandler;

const headerName = /^[-A-Za-z0-9]+$/;
const headerRule =
  "a valid HTTP header must consist of alphanumeric characters or '-' " +
  "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')";

function validateHttpGet(action: HTTPGetAction, path: string): Errors {
  return [
    ...checkRequired(`${path}.path`, action.path),
    ...checkPortOrName(`${path}.port`, action.port),
    ...checkOptional(`${path}.scheme`, action.scheme ?? "", ["HTTP", "HTTPS"]),
    ...(action.httpHeaders ?? [])
      .filter(({ name }) => !headerName.test(name))
      .map(({ name }) => invalid(`${path}.httpHeaders`, name, headerRule)),
  ];
}

function validateSleep(seconds: number, path: string, graceSeconds: number | undefined): Errors {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return none;
  const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [invalid(path, seconds, why)];
}

/** In the order in which upstream looks: only the first one counts, the others are too many. */
function validateHandler(handler: Handler, path: string, graceSeconds: number | undefined): Errors {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given: (readonly [name: string, errors: () => Errors])[] = [];
  if (exec !== undefined)
    given.push([
      "exec",
      () => ((exec.command?.length ?? 0) > 0 ? none : [required(`${path}.exec.command`)]),
    ]);
  if (httpGet !== undefined)
    given.push(["httpGet", () => validateHttpGet(httpGet, `${path}.httpGet`)]);
  if (tcpSocket !== undefined)
    given.push(["tcpSocket", () => checkPortOrName(`${path}.tcpSocket.port`, tcpSocket.port)]);
  if (grpc !== undefined) given.push(["grpc", () => checkPort(`${path}.grpc.port`, grpc.port)]);
  if (sleep !== undefined)
    given.push(["sleep", () => validateSleep(sleep.seconds, `${path}.sleep`, graceSeconds)]);
  if (given.length === 0) return [required(path, "must specify a handler type")];
  return given.flatMap(([name, errors], index) =>
    index === 0
      ? errors()
      : [forbidden(`${path}.${name}`, "may not specify more than 1 handler type")],
  );
}

const counts = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function validateProbe(probe: Probe, path: string, graceSeconds: number | undefined): Errors {
  const own = probe.terminationGracePeriodSeconds;
  return [
    ...validateHandler(probe, path, graceSeconds),
    ...counts.flatMap((name) => checkNotNegative(`${path}.${name}`, probe[name])),
    ...(own !== undefined && own <= 0
      ? [invalid(`${path}.terminationGracePeriodSeconds`, own, "must be greater than 0")]
      : none),
  ];
}

/** Liveness and startup are over with the first success. */
const mustBeOne = ({ successThreshold = 0 }: Probe, path: string): Errors =>
  successThreshold === 1
    ? none
    : [invalid(`${path}.successThreshold`, successThreshold, "must be 1")];

function mustNotEnd({ terminationGracePeriodSeconds: own }: Probe, path: string): Errors {
  const why = "must not be set for readinessProbes";
  return own === undefined ? none : [invalid(`${path}.terminationGracePeriodSeconds`, own, why)];
}

export function validateProbes(
  container: Container,
  path: string,
  graceSeconds: number | undefined,
): Errors {
  const rules = [
    ["livenessProbe", mustBeOne],
    ["readinessProbe", mustNotEnd],
    ["startupProbe", mustBeOne],
  ] as const;
  return rules.flatMap(([name, rule]) => {
    const probe = container[name];
    if (probe === undefined) return none;
    const at = `${path}.${name}`;
    return [...validateProbe(probe, at, graceSeconds), ...rule(probe, at)];
  });
}

const signals = (
  "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT " +
  "STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX"
)
  .split(" ")
  .concat(Array.from({ length: 15 }, (_, index) => `RTMIN+${index + 1}`))
  .concat(Array.from({ length: 14 }, (_, index) => `RTMAX-${index + 1}`))
  .map((name) => `SIG${name}`);

function validateStopSignal(signal: string, path: string, os: string | undefined): Errors {
  if (os === undefined)
    return [forbidden(path, "may not be set for containers with empty `spec.os.name`")];
  const allowed = os === "windows" ? ["SIGKILL", "SIGTERM"] : signals;
  return allowed.includes(signal) ? none : [notSupported(path, signal, allowed)];
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  path: string,
  {
    graceSeconds,
    os,
  }: { readonly graceSeconds: number | undefined; readonly os: string | undefined },
): Errors {
  const { postStart, preStop, stopSignal } = lifecycle ?? {};
  return [
    ...(postStart === undefined
      ? none
      : validateHandler(postStart, `${path}.postStart`, graceSeconds)),
    ...(preStop === undefined ? none : validateHandler(preStop, `${path}.preStop`, graceSeconds)),
    ...(stopSignal === undefined ? none : validateStopSignal(stopSignal, `${path}.stopSignal`, os)),
  ];
}
