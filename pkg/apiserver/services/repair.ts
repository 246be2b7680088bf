/**
 * Brings claims and Services together again after a crash between the two: what a Service holds is
 * claimed, and a claim that no Service holds is freed once it was so at two looks in a row, since
 * at one look a Service may just be on its way.
 */
import type { Service } from "../../../api/core/v1.ts";
import { services } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Objects } from "../objects-contract.ts";
import type { Pools } from "./service-allocator.ts";
import { addressOf, nodePortsOf } from "./service-plan.ts";

const everyMs = 180_000;

export interface RepairParts {
  readonly pools: Pools;
  readonly objects: Objects;
  /** Resolves when `objects` knows all Services. */
  readonly synced: Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Suspects {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

export async function runRepair(parts: RepairParts, signal: AbortSignal): Promise<void> {
  await parts.synced;
  let suspects: Suspects = { addresses: new Set(), ports: new Set() };
  while (!signal.aborted) {
    try {
      suspects = await repair(parts, suspects);
    } catch (error) {
      if (signal.aborted) return;
      parts.logger.warn({ error: chainOf(error) }, "repair of service addresses and ports failed");
    }
    await parts.clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

/** Gives back what looks leaked and was not freed yet. */
export async function repair(
  { pools, objects }: Pick<RepairParts, "pools" | "objects">,
  suspects: Suspects,
): Promise<Suspects> {
  const all = objects.list(services);
  return {
    addresses: await repairAddresses(pools, all, suspects.addresses),
    ports: await repairPorts(pools, all, suspects.ports),
  };
}

async function repairAddresses(
  { addresses }: Pools,
  all: readonly Service[],
  suspects: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const taken = new Set(await addresses.taken());
  const leaked = new Set(taken);
  for (const service of all) {
    const address = addressOf(service);
    if (address === undefined || !addresses.isInRange(address)) continue;
    leaked.delete(address);
    if (taken.has(address)) continue;
    const { namespace = "", name = "" } = service.metadata ?? {};
    await addresses.claim(address, { namespace, name });
  }
  for (const address of [...leaked].filter((one) => suspects.has(one))) {
    await addresses.release(address);
    leaked.delete(address);
  }
  return leaked;
}

function repairPorts(
  { ports }: Pools,
  all: readonly Service[],
  suspects: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const held = new Set(all.flatMap(nodePortsOf));
  return ports.change((taken) => {
    for (const port of held) taken.add(port);
    const leaked = new Set([...taken].filter((port) => !held.has(port)));
    for (const port of [...leaked].filter((one) => suspects.has(one))) {
      taken.delete(port);
      leaked.delete(port);
    }
    return leaked;
  });
}
