import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { CriError } from "./cri-error.ts";

/** As long as a client may take from the answer to its connection. */
const ticketMsMax = 60_000;
const ticketsMax = 1_000;

/** One-time secrets that stand for something, for a minute. */
export class Tickets<T> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #issued = new Map<string, { readonly value: T; readonly expiry: Disposable }>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws RESOURCE_EXHAUSTED while too many are out. */
  issue(value: T): string {
    if (this.#issued.size >= ticketsMax) {
      throw new CriError("RESOURCE_EXHAUSTED", `${ticketsMax} streams were asked for and not used`);
    }
    const ticket = `${this.#random.uuid()}${this.#random.uuid()}`.replaceAll("-", "");
    const expiry = this.#clock.after(ticketMsMax, () => this.#issued.delete(ticket));
    this.#issued.set(ticket, { value, expiry });
    return ticket;
  }

  /** Undefined when it was used before, has expired, or never was. */
  redeem(ticket: string): T | undefined {
    const found = this.#issued.get(ticket);
    if (found === undefined) return undefined;
    this.#issued.delete(ticket);
    found.expiry[Symbol.dispose]();
    return found.value;
  }
}
