import { describe, expect, it } from "vitest";
import { step, type Input, type State } from "./watch-machine.ts";

type T = string;
const start: State<T> = { at: "paging", items: [], failures: 0 };

/** A transcript: what came in, and what was done then. */
function transcript(inputs: readonly Input<T>[]): readonly string[] {
  let state = start;
  return inputs.map((input) => {
    const [next, effects] = step(state, input);
    state = next;
    const told = effects.map(({ do: what, ...rest }) =>
      [what, ...Object.values(rest).map((value) => JSON.stringify(value))].join(" "),
    );
    return `${input.got} → ${told.join("; ")}`;
  });
}

const page = (items: readonly T[], resourceVersion: string, continueToken?: string): Input<T> => ({
  got: "page",
  items,
  resourceVersion,
  ...(continueToken === undefined ? {} : { continueToken }),
});

describe("the list-then-watch protocol", () => {
  it("lists in pages, then watches from the version of the list", () => {
    expect(
      transcript([
        { got: "start" },
        page(["a"], "5", "next"),
        page(["b"], "5"),
        { got: "changed", object: "c", resourceVersion: "6" },
        { got: "deleted", object: "a", resourceVersion: "7" },
        { got: "bookmark", resourceVersion: "9" },
        { got: "ended", afterMs: 300_000 },
      ]),
    ).toEqual([
      "start → list true",
      'page → list "next" true',
      'page → replace ["a","b"] "5"; watch "5"',
      'changed → put "c" "6"',
      'deleted → remove "a" "7"',
      'bookmark → progress "9"',
      'ended → watch "9"',
    ]);
  });

  it("lists again when the server has forgotten our version, and waits when that repeats", () => {
    expect(
      transcript([
        { got: "start" },
        page([], "5"),
        { got: "expired" },
        { got: "expired" },
        { got: "awake" },
        page(["a"], "8"),
        { got: "expired" },
      ]),
    ).toEqual([
      "start → list true",
      'page → replace [] "5"; watch "5"',
      "expired → list true",
      "expired → wait 2",
      "awake → list true",
      'page → replace ["a"] "8"; watch "8"',
      "expired → list true",
    ]);
  });

  it("asks for the whole list when a page of it expired", () => {
    expect(transcript([{ got: "start" }, page(["a"], "5", "next"), { got: "expired" }])[2]).toBe(
      "expired → list false",
    );
  });

  it("waits longer with every failure, and goes on from where it was", () => {
    expect(
      transcript([
        { got: "start" },
        { got: "failure" },
        { got: "awake" },
        { got: "failure" },
        { got: "awake" },
        page([], "5"),
        { got: "failure" },
        { got: "awake" },
        { got: "bookmark", resourceVersion: "6" },
        { got: "ended", afterMs: 10 },
      ]),
    ).toEqual([
      "start → list true",
      "failure → wait 1",
      "awake → list true",
      "failure → wait 2",
      "awake → list true",
      'page → replace [] "5"; watch "5"',
      "failure → wait 1",
      'awake → watch "5"',
      'bookmark → progress "6"',
      "ended → wait 1",
    ]);
  });
});
