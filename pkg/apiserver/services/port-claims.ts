/** Who has which node port: one object for all of them, changed by compare and swap. */
import type { RangeAllocation } from "../../../api/core/v1.ts";
import type { Random } from "../../base/random.ts";
import { kubernetesProtobuf, startsWithMagic } from "../../machinery/kube-protobuf.ts";
import { type Storage, StorageError } from "../../storage/storage.ts";
import {
  bitmapOfPorts,
  dynamicPortsFrom,
  formatPortRange,
  type PortRange,
  portsFromBitmap,
} from "./port-bitmap.ts";

const key = "/registry/ranges/servicenodeports";
const attemptsMax = 32;

export class PortClaims {
  readonly range: PortRange;
  readonly #storage: Storage;
  readonly #random: Random;

  constructor(range: PortRange, storage: Storage, random: Random) {
    this.range = range;
    this.#storage = storage;
    this.#random = random;
  }

  /** Changes the set of taken ports as one step; `change` may run several times. */
  async change<T>(change: (taken: Set<number>) => T): Promise<T> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const { item } = await this.#storage.get(key);
      const taken = item === undefined ? new Set<number>() : this.#decode(item.value);
      const before = taken.size;
      const old = [...taken];
      const result = change(taken);
      if (taken.size === before && old.every((port) => taken.has(port))) return result;
      try {
        await this.#storage.put(key, this.#encode(taken), item?.revision ?? 0);
        return result;
      } catch (error) {
        if (!(error instanceof StorageError) || error.reason !== "Conflict") throw error;
      }
    }
    throw new Error(`node ports: ${attemptsMax} other writers were faster`);
  }

  /** Any free port, added to `taken`; undefined when there is none. */
  takeAny(taken: Set<number>): number | undefined {
    const { first, last } = this.range;
    const from = dynamicPortsFrom(this.range);
    const size = last - first + 1;
    const start = from + Math.floor(this.#random.fraction() * (last - from + 1));
    for (let step = 0; step < size; step++) {
      const port = first + ((start - first + step) % size);
      if (taken.has(port)) continue;
      taken.add(port);
      return port;
    }
    return undefined;
  }

  #decode(value: Uint8Array): Set<number> {
    const { data = "" } = (
      startsWithMagic(value)
        ? kubernetesProtobuf.decode(value)
        : JSON.parse(Buffer.from(value).toString())
    ) as RangeAllocation;
    return portsFromBitmap(Buffer.from(data, "base64"), this.range);
  }

  #encode(ports: ReadonlySet<number>): Buffer {
    const allocation: RangeAllocation = {
      kind: "RangeAllocation",
      apiVersion: "v1",
      metadata: {},
      range: formatPortRange(this.range),
      data: Buffer.from(bitmapOfPorts(ports, this.range)).toString("base64"),
    };
    return Buffer.from(JSON.stringify(allocation));
  }
}
