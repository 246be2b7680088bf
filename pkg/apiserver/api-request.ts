/** A request on its way through the chain: what the wire said, and what the filters found out. */
import type { Clock } from "../base/clock.ts";
import type { WireRequest, WireResponse } from "../base/wire.ts";
import { anonymous, type UserInfo } from "./auth-contract.ts";
import { parseRequestInfo, type RequestInfo } from "./request-info.ts";
import { StatusError } from "../machinery/status-error.ts";

export type ApiHandler = (request: ApiRequest) => Promise<WireResponse>;
export type ApiFilter = (next: ApiHandler) => ApiHandler;

/** Outermost first, so that the list reads as a request travels. */
export const apiChain = (filters: readonly ApiFilter[], handler: ApiHandler): ApiHandler =>
  filters.reduceRight((next, filter) => filter(next), handler);

const noQuery = new URLSearchParams();

/** One object a request, the same shape always: filters set `user`, they copy nothing. */
export class ApiRequest {
  readonly wire: WireRequest;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** Set by the authentication and impersonation filters. */
  user: UserInfo = anonymous;
  /** Texts for Warning headers of the answer. */
  readonly warnings: string[] = [];
  #deadline: AbortController | undefined;
  #timer: Disposable | undefined;
  #onGone: (() => void) | undefined;
  #limit: { readonly clock: Clock; readonly ms: number } | undefined;

  constructor(wire: WireRequest) {
    const mark = wire.path.indexOf("?");
    const path = mark < 0 ? wire.path : wire.path.slice(0, mark);
    this.wire = wire;
    this.query = mark < 0 ? noQuery : new URLSearchParams(wire.path.slice(mark + 1));
    this.info = parseRequestInfo(wire.method, path, this.query);
  }

  /** Aborts when the caller has gone or the deadline has passed. Made when first asked for. */
  get signal(): AbortSignal {
    const limit = this.#limit;
    if (limit === undefined) return this.wire.signal;
    if (this.#deadline === undefined) {
      const deadline = new AbortController();
      this.#deadline = deadline;
      this.#timer = limit.clock.after(limit.ms, () =>
        deadline.abort(
          new StatusError(
            "Timeout",
            `Timeout: request did not complete within the allotted timeout of ${limit.ms / 1000} s`,
          ),
        ),
      );
      const source = this.wire.signal;
      this.#onGone = () => deadline.abort(source.reason);
      if (source.aborted) this.#onGone();
      else source.addEventListener("abort", this.#onGone, { once: true });
    }
    return this.#deadline.signal;
  }

  limitTime(clock: Clock, ms: number): void {
    this.#limit = { clock, ms };
  }

  finish(): void {
    this.#timer?.[Symbol.dispose]();
    if (this.#onGone !== undefined) this.wire.signal.removeEventListener("abort", this.#onGone);
  }

  header(name: string): string | undefined {
    return this.wire.headers[name];
  }
}
