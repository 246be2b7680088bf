/** Addresses and node ports of Services: claimed before the Service is written, freed after. */
import type { Service } from "../../../api/core/v1.ts";
import { services } from "../../../api/resources.ts";
import { invalid } from "../../machinery/field-error.ts";
import { internalError } from "../../machinery/status.ts";
import { invalidObject } from "../refusals.ts";
import type { Allocation, Allocator } from "../store/allocation.ts";
import type { AddressClaims } from "./address-claims.ts";
import { formatPortRange } from "./port-bitmap.ts";
import type { PortClaims } from "./port-claims.ts";
import {
  addressOf,
  type Given,
  type Needs,
  nodePortsOf,
  planNeeds,
  withGiven,
} from "./service-plan.ts";

export interface Pools {
  readonly addresses: AddressClaims;
  readonly ports: PortClaims;
}

const nameOf = ({ metadata }: Service): string => metadata?.name ?? "";

export function serviceAllocator(pools: Pools): Allocator {
  return {
    allocate: async (object, before, { dryRun }) => {
      const service = object as Service;
      const old = before as Service | undefined;
      const needs = planNeeds(service, old);
      if (dryRun) return untouched(withGiven(service, { address: undefined, ports: new Map() }));
      return claim(pools, service, old, needs);
    },
    release: (object) => release(pools, object as Service),
  };
}

const nothing = (): Promise<void> => Promise.resolve();
const untouched = (object: Service): Allocation => ({ object, commit: nothing, undo: nothing });

async function claim(
  pools: Pools,
  service: Service,
  before: Service | undefined,
  needs: Needs,
): Promise<Allocation> {
  const address = await claimAddress(pools, service, needs);
  let ports: Given["ports"];
  try {
    ports = await claimPorts(pools, service, needs);
  } catch (error) {
    if (address !== undefined) await pools.addresses.release(address);
    throw error;
  }
  const object = withGiven(service, { address, ports });
  const claimed = [...needs.ports, ...ports.values()];
  return {
    object,
    undo: async () => {
      if (address !== undefined) await pools.addresses.release(address);
      await freePorts(pools, claimed);
    },
    commit: () => releaseDropped(pools, before, object),
  };
}

async function claimAddress(
  { addresses }: Pools,
  service: Service,
  { address }: Needs,
): Promise<string | undefined> {
  if (address === undefined) return undefined;
  const { namespace = "" } = service.metadata ?? {};
  const owner = { namespace, name: nameOf(service) };
  if (address === "") {
    const any = await addresses.claimAny(owner);
    if (any === undefined) throw internalError("failed to allocate a serviceIP: range is full");
    return any;
  }
  const refuse = (why: string) =>
    invalidObject(services, nameOf(service), [
      invalid("spec.clusterIPs", [address], `failed to allocate IP ${address}: ${why}`),
    ]);
  if (!addresses.isInRange(address)) throw refuse("the provided IP is not in the valid range");
  if (!(await addresses.claim(address, owner))) throw refuse("provided IP is already allocated");
  return address;
}

async function claimPorts(
  { ports }: Pools,
  service: Service,
  needs: Needs,
): Promise<ReadonlyMap<number, number>> {
  if (needs.anyPort.length === 0 && needs.ports.length === 0) return new Map();
  return ports.change((taken) => {
    for (const port of needs.ports) takePort(ports, taken, service, port);
    const given = new Map<number, number>();
    for (const index of needs.anyPort) {
      const port = ports.takeAny(taken);
      if (port === undefined) throw internalError("failed to allocate a nodePort: range is full");
      given.set(index, port);
    }
    return given;
  });
}

function takePort(ports: PortClaims, taken: Set<number>, service: Service, port: number): void {
  const index = service.spec?.ports?.findIndex(({ nodePort }) => nodePort === port) ?? 0;
  const refuse = (why: string) =>
    invalidObject(services, nameOf(service), [invalid(`spec.ports[${index}].nodePort`, port, why)]);
  const { first, last } = ports.range;
  if (port < first || port > last) {
    throw refuse(
      "provided port is not in the valid range. The range of valid ports is " +
        formatPortRange(ports.range),
    );
  }
  if (taken.has(port)) throw refuse("provided port is already allocated");
  taken.add(port);
}

async function freePorts({ ports }: Pools, freed: readonly number[]): Promise<void> {
  if (freed.length === 0) return;
  await ports.change((taken) => {
    for (const port of freed) taken.delete(port);
  });
}

async function releaseDropped(
  pools: Pools,
  before: Service | undefined,
  now: Service,
): Promise<void> {
  const old = addressOf(before);
  if (old !== undefined && old !== addressOf(now)) await pools.addresses.release(old);
  const kept = new Set(nodePortsOf(now));
  await freePorts(
    pools,
    nodePortsOf(before).filter((port) => !kept.has(port)),
  );
}

async function release(pools: Pools, service: Service): Promise<void> {
  const address = addressOf(service);
  if (address !== undefined) await pools.addresses.release(address);
  await freePorts(pools, nodePortsOf(service));
}
