import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostPort } from "./pod-network.ts";
import { nextAddress, type Cidr } from "./plan.ts";

/** What is written down of one attached sandbox. */
export interface Lease {
  readonly sandboxId: string;
  readonly ip: string;
  readonly hostPorts: readonly HostPort[];
}

/**
 * Who has which address: one file an address, written whole before the address is used, so that a
 * kill at any instant neither gives an address out twice nor forgets one.
 */
export class AddressBook {
  readonly #folder: string;
  readonly #cidr: Cidr;
  readonly #bySandbox = new Map<string, Lease>();
  readonly #taken = new Set<string>();
  #last: string | undefined;

  private constructor(folder: string, cidr: Cidr) {
    this.#folder = folder;
    this.#cidr = cidr;
  }

  static async open(folder: string, cidr: Cidr): Promise<AddressBook> {
    const book = new AddressBook(folder, cidr);
    await mkdir(folder, { recursive: true });
    for (const file of await readdir(folder)) {
      if (file.startsWith(".")) await rm(join(folder, file), { force: true });
      else book.#keep(JSON.parse(await readFile(join(folder, file), "utf8")) as Lease);
    }
    return book;
  }

  #keep(lease: Lease): void {
    this.#bySandbox.set(lease.sandboxId, lease);
    this.#taken.add(lease.ip);
    this.#last = lease.ip;
  }

  leaseOf(sandboxId: string): Lease | undefined {
    return this.#bySandbox.get(sandboxId);
  }
  leases(): readonly Lease[] {
    return [...this.#bySandbox.values()];
  }

  /** The sandbox's address, a new one where it has none. Throws when the range is exhausted. */
  async lease(sandboxId: string, hostPorts: readonly HostPort[]): Promise<Lease> {
    const known = this.#bySandbox.get(sandboxId);
    if (known !== undefined) return known;
    const ip = nextAddress(this.#cidr, this.#taken, this.#last);
    if (ip === undefined) {
      const range = `${this.#cidr.address}/${this.#cidr.prefixBits}`;
      throw new Error(`all pod addresses of ${range} are taken (${this.#taken.size})`);
    }
    const lease = { sandboxId, ip, hostPorts };
    this.#keep(lease);
    const draft = join(this.#folder, `.${ip}`);
    await writeFile(draft, JSON.stringify(lease));
    await rename(draft, join(this.#folder, ip));
    return lease;
  }

  async release(sandboxId: string): Promise<void> {
    const lease = this.#bySandbox.get(sandboxId);
    if (lease === undefined) return;
    await rm(join(this.#folder, lease.ip), { force: true });
    this.#bySandbox.delete(sandboxId);
    this.#taken.delete(lease.ip);
  }
}
