/**
 * Who has which address: one IPAddress object each, as upstream keeps them. To create it is to own
 * the address, so that several servers can allocate at once.
 */
import type { IPAddress } from "../../../api/networking/v1.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { type Storage, StorageError } from "../../storage/storage.ts";
import { addressAt, dynamicFrom, type IpRange, offsetOf } from "./ip-range.ts";

const prefix = "/registry/ipaddresses/";
/** Blind tries before all claims are read: mostly the first is free. */
const guessesMax = 8;

export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export interface ClaimParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
}

export class AddressClaims {
  readonly #range: IpRange;
  readonly #parts: ClaimParts;

  constructor(range: IpRange, parts: ClaimParts) {
    this.#range = range;
    this.#parts = parts;
  }

  isInRange(address: string): boolean {
    return offsetOf(this.#range, address) !== undefined;
  }

  /** False when somebody has it. */
  async claim(address: string, owner: Owner): Promise<boolean> {
    const { storage, clock, random } = this.#parts;
    const object: IPAddress = {
      kind: "IPAddress",
      apiVersion: "networking.k8s.io/v1",
      metadata: {
        name: address,
        uid: random.uuid(),
        creationTimestamp: rfc3339(clock.now()),
        labels: {
          "ipaddress.kubernetes.io/ip-family": "IPv4",
          "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
      },
      spec: { parentRef: { group: "", resource: "services", ...owner } },
    };
    try {
      await storage.put(`${prefix}${address}`, Buffer.from(JSON.stringify(object)), 0);
      return true;
    } catch (error) {
      if (error instanceof StorageError && error.reason === "Conflict") return false;
      throw error;
    }
  }

  /** Any free address; undefined when there is none. */
  async claimAny(owner: Owner): Promise<string | undefined> {
    const first = dynamicFrom(this.#range);
    const count = this.#range.size - 1 - first;
    for (let guess = 0; guess < guessesMax; guess++) {
      const offset = first + Math.floor(this.#parts.random.fraction() * count);
      const address = addressAt(this.#range, offset);
      if (this.isInRange(address) && (await this.claim(address, owner))) return address;
    }
    return this.#claimSearched(owner);
  }

  async #claimSearched(owner: Owner): Promise<string | undefined> {
    const taken = new Set(await this.taken());
    const { size } = this.#range;
    const first = dynamicFrom(this.#range);
    for (let step = 0; step < size; step++) {
      const address = addressAt(this.#range, (first + step) % size);
      if (taken.has(address) || !this.isInRange(address)) continue;
      if (await this.claim(address, owner)) return address;
    }
    return undefined;
  }

  async release(address: string): Promise<void> {
    const { storage } = this.#parts;
    const { item } = await storage.get(`${prefix}${address}`);
    if (item === undefined) return;
    try {
      await storage.delete(item.key, item.revision);
    } catch (error) {
      // Somebody else released it, and perhaps claimed it anew: both are fine.
      if (!(error instanceof StorageError) || error.reason !== "Conflict") throw error;
    }
  }

  /** Every address that is claimed. */
  async taken(): Promise<readonly string[]> {
    const { items } = await this.#parts.storage.list({ prefix });
    return items.map(({ key }) => key.slice(prefix.length));
  }
}
