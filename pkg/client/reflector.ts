import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import { assert, chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { isReason, StatusError } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Client, ListOptions, WatchEvent } from "./client.ts";
import { step, type Effect, type Input, type State } from "./watch-machine.ts";

const limits = {
  /** What client-go asks for; a server answers in pieces it can afford. */
  listPageItems: 500,
  /** Each watch asks to be ended between these, so that load spreads again over servers. */
  watchMinSeconds: 300,
  watchMaxSeconds: 600,
  /** Past its own end by so much, a silent watch is a dead connection. */
  watchOverdueMs: 30_000,
  /** Clients start beside the server that they are clients of: it is there in a moment. */
  backoffFirstMs: 200,
  backoffMaxMs: 30_000,
  /** Where nobody answered: asking costs that server nothing, and much waits for its return. */
  unansweredMaxMs: 1_000,
  /** Failures of a kind between two lines of the log. */
  toldEvery: 20,
} as const;

/** What the reflector keeps current. Called in order; objects are shared and never changed. */
export interface ReflectedStore<T> {
  replace(items: readonly T[], resourceVersion: string): void;
  put(object: T, resourceVersion: string): void;
  remove(object: T, resourceVersion: string): void;
  progress(resourceVersion: string): void;
}

export interface ReflectorDoors {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How long to wait, by what failed. */
class BackOff {
  readonly #random: Random;
  #isAnswered = true;
  #isOther = false;
  /** Failures in a row that were of another kind than the last. */
  #others = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  failed(isAnswered: boolean): void {
    this.#isOther ||= isAnswered !== this.#isAnswered;
    this.#isAnswered = isAnswered;
  }

  /**
   * Of `failures` in a row, those since the kind of trouble changed: a server that answers again is
   * asked anew.
   */
  sameKind(failures: number): number {
    if (this.#isOther || failures <= this.#others) this.#others = this.#isOther ? failures - 1 : 0;
    this.#isOther = false;
    return failures - this.#others;
  }

  /** Milliseconds before the next attempt: doubling, up to twice with chance. */
  waitMs(sameKind: number): number {
    const maxMs = this.#isAnswered ? limits.backoffMaxMs : limits.unansweredMaxMs;
    const ms = limits.backoffFirstMs * 2 ** Math.max(0, sameKind - 1);
    return Math.min(ms, maxMs) * (1 + this.#random.fraction());
  }
}

/**
 * Keeps the store as the server has it, by list and watch, until the signal aborts. Never rejects:
 * what fails is logged and tried again after a back-off.
 */
export async function reflect<T extends KubeObject>(
  ref: ResourceRef<T>,
  selection: ListOptions,
  store: ReflectedStore<T>,
  doors: ReflectorDoors,
  signal: AbortSignal,
): Promise<void> {
  let state: State<T> = { at: "paging", items: [], failures: 0 };
  const feed = (input: Input<T>): Effect<T> | undefined => {
    const [next, effects] = step(state, input);
    state = next;
    return effects.filter((effect) => !applyToStore(store, effect)).at(-1);
  };
  let input: Input<T> = { got: "start" };
  const context = { backoff: new BackOff(doors.random), trouble: { last: endedAtOnce } };
  while (!signal.aborted) {
    const effect = feed(input);
    assert(effect !== undefined, `nothing to do after ${input.got}`);
    input = await perform({ ref, selection, doors, signal, feed, ...context }, effect);
  }
}

/** Performs an effect on the store; false when it is for the network instead. */
function applyToStore<T>(store: ReflectedStore<T>, effect: Effect<T>): boolean {
  if (effect.do === "replace") store.replace(effect.items, effect.resourceVersion);
  else if (effect.do === "put") store.put(effect.object, effect.resourceVersion);
  else if (effect.do === "remove") store.remove(effect.object, effect.resourceVersion);
  else if (effect.do === "progress") store.progress(effect.resourceVersion);
  else return false;
  return true;
}

const endedAtOnce = "the server ended the watch at once";

interface Reflection<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  readonly selection: ListOptions;
  readonly doors: ReflectorDoors;
  readonly signal: AbortSignal;
  /** For what comes while an effect is still under way: the events of a watch. */
  readonly feed: (input: Input<T>) => unknown;
  readonly backoff: BackOff;
  /** For the log: what came between us and the server. */
  readonly trouble: { last: string };
}

/** Performs a request or a wait, and tells how it ended. */
async function perform<T extends KubeObject>(
  reflection: Reflection<T>,
  effect: Effect<T>,
): Promise<Input<T>> {
  const { backoff, trouble } = reflection;
  try {
    if (effect.do === "list") {
      const page = await listPage(reflection, effect);
      trouble.last = endedAtOnce;
      return page;
    }
    if (effect.do === "watch") return await watchOn(reflection, effect.resourceVersion);
    if (effect.do === "wait") await waitOn(reflection, effect.failures);
    return { got: "awake" };
  } catch (error) {
    if (isReason(error, "Expired", "Gone")) return { got: "expired" };
    backoff.failed(error instanceof StatusError);
    trouble.last = `${effect.do} failed: ${chainOf(error)}`;
    return { got: "failure" };
  }
}

/** Tells the first failure of a kind, and then every so many. */
async function waitOn<T extends KubeObject>(
  { ref, doors, signal, backoff, trouble }: Reflection<T>,
  failures: number,
): Promise<void> {
  const sameKind = backoff.sameKind(failures);
  const said = { resource: ref.plural, group: ref.group, error: trouble.last, failures };
  const level = sameKind % limits.toldEvery === 1 ? "warn" : "debug";
  if (!signal.aborted) doors.logger[level](said, "not up to date with the server, will try again");
  await doors.clock.sleep(backoff.waitMs(sameKind), signal);
}

async function listPage<T extends KubeObject>(
  { ref, selection, doors, signal }: Reflection<T>,
  { paged, continueToken }: Effect<T> & { do: "list" },
): Promise<Input<T>> {
  const options = {
    ...selection,
    ...(paged ? { limit: limits.listPageItems } : {}),
    ...(continueToken === undefined ? {} : { continue: continueToken }),
  };
  const page = await doors.client.resource(ref).list(options, signal);
  const { items, resourceVersion } = page;
  const token = page.continue === undefined ? {} : { continueToken: page.continue };
  return { got: "page", items, resourceVersion, ...token };
}

async function watchOn<T extends KubeObject>(
  { ref, selection, doors, signal, feed }: Reflection<T>,
  resourceVersion: string,
): Promise<Input<T>> {
  const { clock, random, client } = doors;
  const { watchMinSeconds: least, watchMaxSeconds: most } = limits;
  const timeoutSeconds = Math.floor(least + random.fraction() * (most - least));
  const began = clock.monotonic();
  const own = new AbortController();
  const stop = (): void => own.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  using _overdue = clock.after(timeoutSeconds * 1000 + limits.watchOverdueMs, () =>
    own.abort(new Error("the watch outlived its own timeout without a word")),
  );
  try {
    const options = { ...selection, resourceVersion, timeoutSeconds };
    for await (const event of client.resource(ref).watch(options, own.signal)) feed(inputOf(event));
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return { got: "ended", afterMs: clock.monotonic() - began };
}

function inputOf<T extends KubeObject>(event: WatchEvent<T>): Input<T> {
  if (event.type === "BOOKMARK") return { got: "bookmark", resourceVersion: event.resourceVersion };
  const { type, object } = event;
  const resourceVersion = object.metadata?.resourceVersion ?? "";
  return { got: type === "DELETED" ? "deleted" : "changed", object, resourceVersion };
}
