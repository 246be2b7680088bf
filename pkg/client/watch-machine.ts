/**
 * The whole list-then-watch protocol without a socket: what came in, in; what to do next, out.
 * `reflector.ts` performs the effects and feeds the next input. It never reads a clock: how long
 * to wait is told as a number of failures in a row.
 */
import { unreachable } from "../base/errors.ts";

export type State<T> =
  | { readonly at: "paging"; readonly items: readonly T[]; readonly failures: number }
  | { readonly at: "watching"; readonly resourceVersion: string; readonly failures: number }
  /** Until the back-off has passed; then from here, or from the beginning when undefined. */
  | { readonly at: "waiting"; readonly resourceVersion?: string; readonly failures: number };

export type Input<T> =
  | { readonly got: "start" }
  | {
      readonly got: "page";
      readonly items: readonly T[];
      readonly resourceVersion: string;
      readonly continueToken?: string;
    }
  | { readonly got: "changed" | "deleted"; readonly object: T; readonly resourceVersion: string }
  /** Nothing changed up to here: a later watch may start at it. */
  | { readonly got: "bookmark"; readonly resourceVersion: string }
  /** The server ended the watch in order. */
  | { readonly got: "ended"; readonly afterMs: number }
  /** The server no longer knows what happened since our version: 410. */
  | { readonly got: "expired" }
  | { readonly got: "failure" }
  /** The back-off has passed. */
  | { readonly got: "awake" };

export type Effect<T> =
  | { readonly do: "list"; readonly continueToken?: string; readonly paged: boolean }
  | { readonly do: "watch"; readonly resourceVersion: string }
  | { readonly do: "wait"; readonly failures: number }
  /** The store becomes these, whatever it held before. */
  | { readonly do: "replace"; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly do: "put" | "remove"; readonly object: T; readonly resourceVersion: string }
  | { readonly do: "progress"; readonly resourceVersion: string };

export type Step<T> = readonly [State<T>, readonly Effect<T>[]];

/** A watch that ends sooner without one event is a server in trouble, not a server in order. */
const shortestWatchMs = 1_000;

const listing = <T>(failures: number, paged = true): Step<T> => [
  { at: "paging", items: [], failures },
  [{ do: "list", paged }],
];

const waiting = <T>(failures: number, resourceVersion?: string): Step<T> => [
  { at: "waiting", failures, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
  [{ do: "wait", failures }],
];

const watching = <T>(resourceVersion: string, failures: number): Step<T> => [
  { at: "watching", resourceVersion, failures },
  [{ do: "watch", resourceVersion }],
];

/** Pure: the next state, and what to do now; only the last effect can be a request or a wait. */
export function step<T>(state: State<T>, input: Input<T>): Step<T> {
  switch (input.got) {
    case "start":
      return listing(state.failures);
    case "page":
      return state.at === "paging" ? paged(state, input) : [state, []];
    case "changed":
    case "deleted":
      return seen(state, input.resourceVersion, [
        {
          do: input.got === "changed" ? "put" : "remove",
          object: input.object,
          resourceVersion: input.resourceVersion,
        },
      ]);
    case "bookmark":
      return seen(state, input.resourceVersion, [
        { do: "progress", resourceVersion: input.resourceVersion },
      ]);
    case "ended":
      return ended(state, input.afterMs);
    case "expired":
      return expired(state);
    case "failure":
      return waiting(state.failures + 1, state.at === "paging" ? undefined : state.resourceVersion);
    case "awake":
      return state.at === "waiting" && state.resourceVersion !== undefined
        ? watching(state.resourceVersion, state.failures)
        : listing(state.failures);
    default:
      return unreachable(input);
  }
}

function paged<T>(state: State<T> & { at: "paging" }, page: Input<T> & { got: "page" }): Step<T> {
  const items = [...state.items, ...page.items];
  const { resourceVersion, continueToken } = page;
  if (continueToken !== undefined)
    return [{ ...state, items }, [{ do: "list", continueToken, paged: true }]];
  const [next, effects] = watching<T>(resourceVersion, 0);
  return [next, [{ do: "replace", items, resourceVersion }, ...effects]];
}

/** An event, or a bookmark, shows a healthy watch: the count of failures starts again. */
const seen = <T>(
  state: State<T>,
  resourceVersion: string,
  effects: readonly Effect<T>[],
): Step<T> =>
  state.at === "watching"
    ? [{ at: "watching", resourceVersion, failures: 0 }, effects]
    : [state, []];

function ended<T>(state: State<T>, afterMs: number): Step<T> {
  if (state.at !== "watching") return [state, []];
  return afterMs < shortestWatchMs
    ? waiting(state.failures + 1, state.resourceVersion)
    : watching(state.resourceVersion, state.failures);
}

/**
 * Only a new list can tell what was missed. A page that expired means that the list takes longer
 * than the server keeps history: then it is asked for whole. The second expiry in a row waits.
 */
const expired = <T>(state: State<T>): Step<T> =>
  state.failures === 0 ? listing(1, state.at !== "paging") : waiting(state.failures + 1);
