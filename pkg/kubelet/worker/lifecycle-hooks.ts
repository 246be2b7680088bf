import type { Container, LifecycleHandler } from "../../../api/core/v1.ts";
import type { CriService } from "../../../api/cri/v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { ProbeNetwork } from "../probes/probe-network.ts";
import { httpRequestOf } from "../probes/run-probe.ts";

export interface HookDoors {
  readonly cri: Pick<CriService, "execSync">;
  readonly clock: Clock;
  readonly network: ProbeNetwork;
}

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

/** A hook's HTTP request that nobody bounds otherwise. */
const httpTimeoutMs = 60_000;

/** Runs a postStart or preStop hook to its end. Rejects when it fails. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  { cri, clock, network }: HookDoors,
  signal: AbortSignal,
): Promise<void> {
  if (handler.exec !== undefined) {
    const cmd = handler.exec.command ?? [];
    const {
      exitCode = 0,
      stdout,
      stderr,
    } = await cri.execSync({ containerId: target.containerId, cmd, timeout: 0n }, signal);
    if (exitCode === 0) return;
    const output = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
    throw new Error(`command '${cmd.join(" ")}' exited with ${exitCode}: ${output}`);
  }
  if (handler.sleep !== undefined) return clock.sleep(handler.sleep.seconds * 1000, signal);
  if (handler.httpGet !== undefined) {
    const answer = await network.http(httpRequestOf(handler.httpGet, target, httpTimeoutMs));
    if (answer.got !== "answer") throw new Error(answer.message);
    if (answer.status >= 400) throw new Error(`HTTP status ${answer.status}`);
  }
}
