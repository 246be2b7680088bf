import type { TokenReview } from "../../../api/authentication/v1.ts";
import type { SubjectAccessReview } from "../../../api/authorization/v1.ts";
import { subjectAccessReviews, tokenReviews } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { Authorize, NodeAccess } from "./server-parts.ts";

export interface DelegatedAuthorizeOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly nodeName: string;
}

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
 * already) and whether they may; its answers are remembered for a while.
 */
export function delegatedAuthorize(options: DelegatedAuthorizeOptions): Authorize {
  const users = new Answers<User | undefined>(options.clock);
  const verdicts = new Answers<boolean>(options.clock);
  return async (access) => {
    const user = await userOf(access, users, options);
    if (user === undefined) throw new StatusError("Unauthorized", "Unauthorized");
    if (user.groups.includes(mastersGroup)) return;
    const { verb, subresource } = access;
    const question = JSON.stringify([user, verb, subresource]);
    const isAllowed = await verdicts.get(
      question,
      () => mayAccess(user, access, options),
      (allowed) => (allowed ? allowedMs : refusedMs),
    );
    if (isAllowed) return;
    const what = `verb=${verb}, resource=nodes, subresource=${subresource}`;
    throw new StatusError("Forbidden", `Forbidden (user=${user.username}, ${what})`);
  };
}

async function userOf(
  { peer, headers }: NodeAccess,
  users: Answers<User | undefined>,
  { client }: DelegatedAuthorizeOptions,
): Promise<User | undefined> {
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
  { verb, subresource }: NodeAccess,
  { client, nodeName }: DelegatedAuthorizeOptions,
): Promise<boolean> {
  const review: SubjectAccessReview = {
    spec: {
      user: username,
      groups: [...groups],
      resourceAttributes: { verb, version: "v1", resource: "nodes", subresource, name: nodeName },
    },
  };
  const { status } = await client.resource(subjectAccessReviews).create(review);
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
export const administratorsOnly: Authorize = ({ peer }) =>
  peer.certificate?.organizations.includes(mastersGroup) === true
    ? Promise.resolve()
    : Promise.reject(new StatusError("Unauthorized", "Unauthorized"));
