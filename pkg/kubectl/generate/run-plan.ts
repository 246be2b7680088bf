/** What `run` refuses, and what a pod's end says to whom waited for it. Pure. */
import type { Pod } from "../../../api/core/v1.ts";

export interface RunAsked {
  readonly isAttached: boolean;
  readonly rm: boolean;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly expose: boolean;
  readonly port: number | undefined;
  readonly dryRun: string | undefined;
  readonly restart: string | undefined;
  readonly "image-pull-policy": string | undefined;
  readonly timeoutMs: number;
}

const restarts = ["Always", "OnFailure", "Never"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];

/** The first of upstream's refusals, or nothing. */
export function runProblem(asked: RunAsked): string | undefined {
  const { isAttached, restart = "", timeoutMs } = asked;
  const pullPolicy = asked["image-pull-policy"] ?? "";
  const isDry = asked.dryRun !== undefined && asked.dryRun !== "none";
  const refusals: readonly (readonly [boolean, string])[] = [
    [timeoutMs <= 0, "--pod-running-timeout must be higher than zero"],
    [asked.rm && !isAttached, "--rm should only be used for attached containers"],
    [
      isAttached && isDry,
      "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
    ],
    [
      pullPolicy !== "" && !pullPolicies.includes(pullPolicy),
      `invalid image pull policy: ${pullPolicy}, valid values are: ${pullPolicies.join(", ")}`,
    ],
    [asked.tty && !asked.stdin, "-i/--stdin is required for containers with -t/--tty=true"],
    [asked.expose && (asked.port ?? 0) <= 0, "--port must be set when exposing a service"],
    [
      restart !== "" && !restarts.includes(restart),
      `invalid restart policy: ${restart}, valid values are: ${restarts.join(", ")}`,
    ],
  ];
  return refusals.find(([isSo]) => isSo)?.[1];
}

export interface PodOutcome {
  readonly exitCode: number;
  /** For the error output. */
  readonly told?: string;
}

/** Its container's exit code is the command's. */
export function podOutcome(
  pod: Pod | undefined,
  { name, namespace }: { readonly name: string; readonly namespace: string },
): PodOutcome {
  const phase = pod?.status?.phase ?? "Unknown";
  if (phase === "Succeeded") return { exitCode: 0 };
  const where = `pod ${namespace}/${name}`;
  if (phase !== "Failed") return { exitCode: 1, told: `error: ${where} left in phase ${phase}` };
  const end = pod?.status?.containerStatuses?.[0]?.state?.terminated;
  if (end === undefined || end.exitCode === 0)
    return { exitCode: 1, told: `error: ${where} failed with unknown exit code` };
  const told = `${where} terminated (${end.reason ?? ""})\n${end.message ?? ""}`;
  return { exitCode: end.exitCode, told: told.trimEnd() };
}
