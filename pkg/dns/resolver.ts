/**
 * Bytes of a query in, bytes of its answer out: what is the cluster's is answered from its zone,
 * everything else by other servers. No sockets here.
 */
import { chainOf } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { ClusterZone } from "./cluster-zone.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  decodeQuery,
  encodeAnswer,
  encodeFailure,
  encodeQuery,
  failure,
  MessageError,
  recordType,
  responseCode,
  type Answer,
  type DnsRecord,
  type Query,
} from "./message.ts";
import { addressRecords } from "./response.ts";

export interface ResolverOptions {
  readonly zone: ClusterZone;
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Transport = "udp" | "tcp";

const limits = {
  tcpMessageBytes: 65_535,
  aliasesMax: 8,
  wholeAnswers: 4_096,
  plainQueryBytes: 300,
} as const;
const classInternet = 1;
const opcodeMask = 0x78;

export class Resolver {
  readonly #zone: ClusterZone;
  readonly #forwarder: Forwarder;
  readonly #cache: AnswerCache;
  readonly #logger: Logger;
  /** Answers out of the zone by the query's bytes without its id, while the zone stays as it is. */
  readonly #whole = new Map<string, Uint8Array>();
  #wholeVersion = 0;

  constructor({ zone, forwarder, clock, logger }: ResolverOptions) {
    this.#zone = zone;
    this.#forwarder = forwarder;
    this.#cache = new AnswerCache(clock);
    this.#logger = logger;
  }

  /**
   * Undefined: not worth an answer (no header, or itself an answer). Promises only when forwarded.
   */
  answer(message: Buffer, over: Transport): Uint8Array | undefined | Promise<Uint8Array> {
    const known = over === "udp" ? this.#known(message) : undefined;
    if (known !== undefined) return known;
    let query: Query;
    try {
      query = decodeQuery(message);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      return error.id === undefined ? undefined : encodeFailure(error.id, responseCode.formatError);
    }
    const bytesMax = over === "udp" ? query.payloadBytesMax : limits.tcpMessageBytes;
    const refusal = refusalOf(query, message);
    if (refusal !== undefined) return encodeAnswer(query, failure(refusal), bytesMax);
    if (!this.#zone.owns(query.name)) return this.#forward(query, message, over);
    const answer = this.#zone.answer(query.name, query.type);
    const [first] = answer.answers;
    const isAddress = query.type === recordType.a || query.type === recordType.aaaa;
    if (first?.data.type === "CNAME" && isAddress)
      return this.#follow(answer, query.type).then((whole) => encodeAnswer(query, whole, bytesMax));
    const bytes = encodeAnswer(query, answer, bytesMax);
    if (over === "udp") this.#keep(message, bytes);
    return bytes;
  }

  #known(message: Buffer): Uint8Array | undefined {
    if (this.#wholeVersion !== this.#zone.version) {
      this.#whole.clear();
      this.#wholeVersion = this.#zone.version;
    }
    if (message.length > limits.plainQueryBytes) return undefined;
    const known = this.#whole.get(message.toString("latin1", 2));
    if (known === undefined) return undefined;
    // A copy: the socket may still be sending the last one.
    const bytes = new Uint8Array(known);
    bytes[0] = message[0] ?? 0;
    bytes[1] = message[1] ?? 0;
    return bytes;
  }

  #keep(message: Buffer, answer: Uint8Array): void {
    if (message.length > limits.plainQueryBytes) return;
    if (this.#whole.size >= limits.wholeAnswers) this.#whole.clear();
    this.#whole.set(message.toString("latin1", 2), new Uint8Array(answer));
  }

  #forward(query: Query, message: Buffer, over: Transport): Uint8Array | Promise<Uint8Array> {
    const known = this.#cache.get(message, over);
    if (known !== undefined) return known;
    return this.#ask(message, over).catch((error: unknown) => {
      this.#logger.debug({ name: query.name, error: chainOf(error) }, "no other server answered");
      return encodeAnswer(query, failure(responseCode.serverFailure), query.payloadBytesMax);
    });
  }

  async #ask(message: Uint8Array, over: Transport): Promise<Uint8Array> {
    const known = this.#cache.get(message, over);
    if (known !== undefined) return known;
    const response = await this.#forwarder.ask(message, over);
    this.#cache.put(message, over, response);
    return response;
  }

  /**
   * An alias (ExternalName) with the addresses that it leads to: a stub resolver takes what it is
   * given, and does not ask again for the target (RFC 1034, 5.3.1).
   */
  async #follow(alias: Answer, type: number): Promise<Answer> {
    const answers: DnsRecord[] = [];
    let next: Answer = alias;
    for (let aliases = 0; aliases < limits.aliasesMax; aliases++) {
      answers.push(...next.answers);
      const data = next.answers[0]?.data;
      if (data?.type !== "CNAME") return { ...next, authoritative: true, answers };
      if (!this.#zone.owns(data.target)) {
        const { code, records } = await this.#addressesOf(data.target, type);
        return { ...failure(code), authoritative: true, answers: [...answers, ...records] };
      }
      next = this.#zone.answer(data.target, type);
    }
    return failure(responseCode.serverFailure);
  }

  async #addressesOf(
    name: string,
    type: number,
  ): Promise<{ readonly code: number; readonly records: readonly DnsRecord[] }> {
    const query = encodeQuery(name, type);
    try {
      const first = await this.#ask(query, "udp");
      const isTruncated = ((first[2] ?? 0) & 0x02) !== 0;
      const response = isTruncated ? await this.#ask(query, "tcp") : first;
      return { code: (response[3] ?? 0) & 0x0f, records: addressRecords(response) };
    } catch (error) {
      this.#logger.debug({ name, error: chainOf(error) }, "no other server answered");
      return { code: responseCode.serverFailure, records: [] };
    }
  }
}

/** Why a readable query is not answered, if so. */
function refusalOf(query: Query, message: Uint8Array): number | undefined {
  if (((message[2] ?? 0) & opcodeMask) !== 0) return responseCode.notImplemented;
  if (query.ednsVersion > 0) return responseCode.badVersion;
  return query.class === classInternet ? undefined : responseCode.refused;
}
