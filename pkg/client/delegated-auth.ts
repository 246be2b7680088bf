import type { TokenReview } from "../../api/authentication/v1.ts";
import type { SubjectAccessReview } from "../../api/authorization/v1.ts";
import { subjectAccessReviews, tokenReviews } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Peer } from "../base/wire.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { Client } from "./client.ts";

export interface Caller {
  readonly peer: Peer;
  /** Names in lower case; a bearer token is in `authorization`. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** What the caller wants, as the API server's authoriser is asked about it. */
export interface Wish {
  readonly attributes: Pick<
    SubjectAccessReview["spec"],
    "resourceAttributes" | "nonResourceAttributes"
  >;
  /** For the refusal: "verb=get, path=/metrics". */
  readonly what: string;
}

/** Rejects with StatusError Unauthorized or Forbidden. */
export type DelegatedAuth = (caller: Caller, wish: Wish) => Promise<void>;

interface User {
  readonly username: string;
  readonly groups: readonly string[];
}

/** How long the API server's word is trusted. */
const allowedMs = 300_000;
const refusedMs = 30_000;
const answersMax = 1_000;
const mastersGroup = "system:masters";

/**
 * Asks the API server who is calling (a client certificate of the cluster's authority says it
 * already) and whether they may; its answers are remembered for a while. For components that have
 * a port of their own.
 */
export function delegatedAuth(client: Client, clock: Clock): DelegatedAuth {
  const users = new Answers<User | undefined>(clock);
  const verdicts = new Answers<boolean>(clock);
  return async (caller, { attributes, what }) => {
    const user = await userOf(caller, users, client);
    if (user === undefined) throw new StatusError("Unauthorized", "Unauthorized");
    if (user.groups.includes(mastersGroup)) return;
    const isAllowed = await verdicts.get(
      JSON.stringify([user, attributes]),
      () => mayAccess(user, attributes, client),
      (allowed) => (allowed ? allowedMs : refusedMs),
    );
    if (isAllowed) return;
    throw new StatusError("Forbidden", `Forbidden (user=${user.username}, ${what})`);
  };
}

async function userOf(
  { peer, headers }: Caller,
  users: Answers<User | undefined>,
  client: Client,
): Promise<User | undefined> {
  if (peer.rejectedCertificate !== undefined) return undefined;
  if (peer.certificate !== undefined)
    return {
      username: peer.certificate.commonName,
      groups: [...peer.certificate.organizations, "system:authenticated"],
    };
  const token = /^Bearer (.+)$/i.exec(headers["authorization"] ?? "")?.[1];
  if (token === undefined) return undefined;
  return users.get(
    token,
    async () => {
      const review: TokenReview = { spec: { token } };
      const { status } = await client.resource(tokenReviews).create(review);
      if (status?.authenticated !== true) return undefined;
      return { username: status.user?.username ?? "", groups: status.user?.groups ?? [] };
    },
    (user) => (user === undefined ? 0 : refusedMs),
  );
}

async function mayAccess(
  { username, groups }: User,
  attributes: Wish["attributes"],
  client: Client,
): Promise<boolean> {
  const spec = { user: username, groups: [...groups], ...attributes };
  const { status } = await client.resource(subjectAccessReviews).create({ spec });
  return status?.allowed === true;
}

/** Answers by question, each for as long as it may be trusted. */
class Answers<T> {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly answer: T; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(question: string, ask: () => Promise<T>, lastsMs: (answer: T) => number): Promise<T> {
    const known = this.#known.get(question);
    if (known !== undefined && known.untilMs > this.#clock.now()) return known.answer;
    const answer = await ask();
    // The oldest goes: a map keeps the order in which its keys came.
    const [oldest] = this.#known.keys();
    if (this.#known.size >= answersMax && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(question, { answer, untilMs: this.#clock.now() + lastsMs(answer) });
    return answer;
  }
}

/** Without an API server to ask: only who holds a certificate of the administrators' group. */
export const administratorsOnly = ({ peer }: Pick<Caller, "peer">): Promise<void> =>
  peer.certificate?.organizations.includes(mastersGroup) === true
    ? Promise.resolve()
    : Promise.reject(new StatusError("Unauthorized", "Unauthorized"));
