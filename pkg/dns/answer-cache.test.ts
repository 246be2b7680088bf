import { beforeEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { AnswerCache } from "./answer-cache.ts";
import { decodeQuery, encodeAnswer, failure, type Answer } from "./message.ts";
import { queryFor } from "./testing/queries.ts";

const records = (...ttls: readonly number[]): Answer => ({
  ...failure(0),
  answers: ttls.map((ttlSeconds, at) => ({
    name: "a.example",
    ttlSeconds,
    data: { type: "A", address: `192.0.2.${at + 1}` },
  })),
});
const noSuchName: Answer = {
  ...failure(3),
  authority: [
    {
      name: "example",
      ttlSeconds: 600,
      data: { type: "SOA", serial: 1, minimumTtlSeconds: 600 },
    },
  ],
};
const query = queryFor("a.example", 1, { edns: 1232 });
const responseTo = (answer: Answer, bytesMax = 1_232): Uint8Array =>
  encodeAnswer(decodeQuery(query), answer, bytesMax);

let clock: SimulatedClock;
let cache: AnswerCache;
beforeEach(() => {
  clock = new SimulatedClock();
  cache = new AnswerCache(clock);
});

describe("how long an answer lasts", () => {
  for (const [title, response, seconds] of [
    ["the smallest TTL of its records", responseTo(records(20, 10, 25)), 10],
    ["30 seconds at most", responseTo(records(3_600)), 30],
    ["5 seconds when there is no such name", responseTo(noSuchName), 5],
    ["5 seconds when there is no record", responseTo(failure(0)), 5],
    ["5 seconds when it is a failure", responseTo(failure(2)), 5],
    ["not at all with a TTL of 0", responseTo(records(20, 0)), 0],
    ["not at all when it is truncated", responseTo(records(20, 20, 20, 20), 90), 0],
    ["not at all when it is cut off", responseTo(records(20, 20)).subarray(0, 50), 0],
    ["not at all without a header", Uint8Array.of(1, 2, 3), 0],
  ] as const) {
    it(title, async () => {
      cache.put(query, "udp", response);
      if (seconds > 0) {
        await clock.advance(seconds * 1000 - 1);
        expect(cache.get(query, "udp")).toBeDefined();
        await clock.advance(1);
      }
      expect(cache.get(query, "udp")).toBeUndefined();
      expect(cache.size).toBe(0);
    });
  }
});

it("TTLs are counted down, the flags of EDNS stay", async () => {
  // A Buffer, as sockets give them: its memory is not ours to keep.
  const response = Buffer.from(responseTo(records(20, 15)));
  cache.put(query, "udp", response);
  response.fill(0);
  await clock.advance(3_000);
  cache.get(query, "udp");
  await clock.advance(2_900);
  expect(cache.get(query, "udp")).toEqual(responseTo(records(15, 10)));
});

it("another id gets the answer; another case, transport, size, flag or type does not", () => {
  cache.put(query, "udp", responseTo(records(20)));
  const other = queryFor("a.example", 1, { id: 7, edns: 1232 });
  expect(cache.get(other, "udp")?.subarray(0, 2)).toEqual(Uint8Array.of(0, 7));
  const flagged = Buffer.from(query);
  flagged[3] = 0x10;
  for (const different of [
    queryFor("A.example", 1, { edns: 1232 }),
    queryFor("a.example", 28, { edns: 1232 }),
    queryFor("a.example", 1),
    flagged,
  ])
    expect(cache.get(different, "udp")).toBeUndefined();
  expect(cache.get(query, "tcp")).toBeUndefined();
});

it("keeps 10,000 answers; the oldest leaves first", () => {
  const response = responseTo(records(20));
  const queryOf = (at: number): Buffer => queryFor(`n${at}.example`, 1);
  for (let at = 0; at <= 10_000; at++) cache.put(queryOf(at), "udp", response);
  expect(cache.size).toBe(10_000);
  expect(cache.get(queryOf(0), "udp")).toBeUndefined();
  expect(cache.get(queryOf(1), "udp")).toBeDefined();
});

it("does not keep what is large: answers over 4 KiB, queries over 300 bytes", () => {
  const many = Array.from({ length: 300 }, () => 20);
  cache.put(query, "tcp", responseTo(records(...many), 65_535));
  cache.put(Buffer.concat([query, Buffer.alloc(300)]), "udp", responseTo(records(20)));
  expect(cache.size).toBe(0);
});
