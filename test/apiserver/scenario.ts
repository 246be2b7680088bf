/**
 * Scenarios of the API server: a text of requests and, under each "----", what the server answered.
 * Replaying a text rewrites its answers, so that a test is a comparison of the two.
 */
import type { TestServer, Answer } from "./start-test-server.ts";
import { settle, type ManualClock } from "./manual-clock.ts";

interface Meta {
  readonly name?: string;
  readonly namespace?: string;
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Body {
  readonly kind?: string;
  readonly metadata?: Meta;
  readonly items?: readonly Body[];
  readonly reason?: string;
  readonly message?: string;
  readonly status?: unknown;
}
interface Event {
  readonly type: string;
  readonly object: Body;
}

/** a@7, or ns/a@7. */
function named({ metadata = {} }: Body): string {
  const { namespace, name = "", resourceVersion = "" } = metadata;
  const initialEnd = metadata.annotations?.["k8s.io/initial-events-end"] === "true";
  const where = namespace === undefined ? name : `${namespace}/${name}`;
  return `${where}@${resourceVersion}${initialEnd ? " (initial events end)" : ""}`;
}

const read = (value: unknown, path: string): unknown =>
  path.split(".").reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], value);

/** `200 Pod default/a@7`, and the fields that were asked for behind a "|". */
function show({ status, json, text }: Answer, fields: readonly string[]): string {
  const body = json as Body | undefined;
  if (body === undefined) return `${status} ${text}`;
  if (body.kind === "Status" && body.status === "Failure") {
    return `${status} ${body.reason ?? ""}: ${body.message ?? ""}`;
  }
  if (body.kind === "Status") return `${status} Status Success`;
  const shown = fields
    .map((field) => `\n  ${field}: ${JSON.stringify(read(body, field))}`)
    .join("");
  if (body.items === undefined) return `${status} ${body.kind ?? ""} ${named(body)}${shown}`;
  const more = body.metadata?.continue === undefined ? "" : " …";
  const left = body.metadata?.remainingItemCount;
  const rest = left === undefined ? "" : ` (${left} left)`;
  const items = body.items.map(named).join(" ");
  const list = `${body.kind ?? ""} @${body.metadata?.resourceVersion ?? ""}`;
  return `${status} ${list}: ${items}${more}${rest}${shown}`;
}

class Watches {
  readonly #open = new Map<string, { readonly lines: string[]; readonly stop: AbortController }>();
  readonly #server: TestServer;
  constructor(server: TestServer) {
    this.#server = server;
  }

  async open(name: string, path: string): Promise<string> {
    const stop = new AbortController();
    const lines: string[] = [];
    const response = await this.#server.api.handler({
      method: "GET",
      path,
      headers: {},
      peer: { address: "127.0.0.1" },
      signal: stop.signal,
    });
    const { body } = response;
    if (body instanceof Uint8Array) {
      const { reason, message } = JSON.parse(Buffer.from(body).toString()) as Body;
      return `${response.status} ${reason ?? ""}: ${message ?? ""}`;
    }
    this.#open.set(name, { lines, stop });
    void follow(body as AsyncIterable<Uint8Array>, lines);
    return `${response.status} watching`;
  }

  events(name: string): string {
    const lines = this.#open.get(name)?.lines.splice(0) ?? [];
    return lines.length === 0 ? "(nothing)" : lines.join("\n");
  }

  close(): void {
    for (const { stop } of this.#open.values()) stop.abort();
  }
}

async function follow(body: AsyncIterable<Uint8Array>, lines: string[]): Promise<void> {
  for await (const piece of body) {
    for (const line of Buffer.from(piece).toString().split("\n")) {
      if (line === "") continue;
      const { type, object } = JSON.parse(line) as Event;
      lines.push(`${type} ${named(object)}`);
    }
  }
  lines.push("(end)");
}

/** The whole text, with the answers that the server gives now. */
export async function replay(
  script: string,
  server: TestServer,
  clock: ManualClock,
): Promise<string> {
  const watches = new Watches(server);
  const saved = new Map<string, string>();
  const blocks: string[] = [];
  for (const block of script.trim().split(/\n{2,}/)) {
    const [question = ""] = block.split("\n----");
    const lines = question.split("\n").filter((line) => !line.startsWith("#"));
    const answer = lines.length === 0 ? "" : await run(lines.join("\n"));
    blocks.push(lines.length === 0 ? question : `${question}\n----\n${answer}`);
  }
  watches.close();
  return `${blocks.join("\n\n")}\n`;

  async function run(command: string): Promise<string> {
    const [request = "", shown = ""] = command.split(" | ");
    const [verb = "", target = "", ...rest] = request.split(" ");
    const path = target.replace("$continue", saved.get("continue") ?? "");
    if (verb === "advance") {
      await clock.advance(Number(target) * 1000);
      return "ok";
    }
    if (verb === "watch") return watches.open(target, rest[0] ?? "");
    if (verb === "events") {
      await settle();
      return watches.events(target);
    }
    const [method = "", type] = verb.split(":");
    const headers = type === undefined ? {} : { "content-type": `application/${type}` };
    const body = rest.join(" ");
    const answer = await server.call(method, path, body === "" ? undefined : body, headers);
    saved.set("continue", (answer.json as Body | undefined)?.metadata?.continue ?? "");
    return show(answer, shown === "" ? [] : shown.split(" "));
  }
}
