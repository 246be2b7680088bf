/**
 * A request and its response as values: what HTTPS carries, and what the in-memory transport of
 * `tskube up`, tests and the simulator carries in its place. No component knows which of the two.
 */

/** Who is at the other end, as far as the transport can tell. */
export interface Peer {
  /** Subject of the verified client certificate (or of the in-memory caller that stands for it). */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  /** Why a client certificate that was shown is not good: it names nobody, and is never ignored. */
  readonly rejectedCertificate?: string;
  /** Textual IP address, for audit and logs. */
  readonly address: string;
}

export interface WireRequest {
  readonly method: string;
  /** Path and query as on the request line: /api/v1/pods?limit=500 */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: Uint8Array;
  readonly peer: Peer;
  /** Aborts when the caller has gone away. */
  readonly signal: AbortSignal;
}

/** One buffer; several, sent one after another; or a stream whose pieces are sent as they come. */
export type WireBody = Uint8Array | readonly Uint8Array[] | AsyncIterable<Uint8Array>;

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: WireBody;
}

export type Handler = (request: WireRequest) => Promise<WireResponse>;

/** What a client sends through: `fetch` over TLS, or a server's Handler called directly. */
export type Transport = (request: Omit<WireRequest, "peer">) => Promise<WireResponse>;

/** A filter wraps a handler; a server's request path is a list of filters. */
export type Filter = (next: Handler) => Handler;

/** Outermost first, so that the list reads as a request travels. */
export const chain = (filters: readonly Filter[], handler: Handler): Handler =>
  filters.reduceRight((next, filter) => filter(next), handler);

export const isStream = (body: WireBody): body is AsyncIterable<Uint8Array> =>
  Symbol.asyncIterator in body;
