import { expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { decodeQuery, encodeAnswer, failure, MessageError } from "./message.ts";
import { addressRecords, lifetimeOf } from "./response.ts";
import { queryFor } from "./testing/queries.ts";

const rounds = 20_000;
const random = seededRandom(53);
const below = (limit: number): number => Math.floor(random.fraction() * limit);

/** A good query or answer with some bytes changed, cut, or repeated; or noise altogether. */
function mutated(): Buffer {
  const query = queryFor("web.default.svc.cluster.local", 1, { edns: 1232 });
  const answer = encodeAnswer(
    decodeQuery(query),
    {
      ...failure(0),
      answers: [
        {
          name: "web.default.svc.cluster.local",
          ttlSeconds: 5,
          data: { type: "CNAME", target: "a.b" },
        },
        { name: "a.b", ttlSeconds: 5, data: { type: "A", address: "10.0.0.1" } },
      ],
    },
    512,
  );
  const base = [query, Buffer.from(answer), Buffer.alloc(below(64))][below(3)] ?? query;
  const bytes = Buffer.from(base.subarray(0, below(4) === 0 ? below(base.length) : base.length));
  for (let changes = below(6); changes > 0 && bytes.length > 0; changes--)
    bytes[below(bytes.length)] = [0, 0xc0, 0xff, 0x3f, below(256)][below(5)] ?? 0;
  return bytes;
}

it("whatever comes: a query that can be answered, or a MessageError", () => {
  let good = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = mutated();
    try {
      const query = decodeQuery(bytes);
      good++;
      expect(query.name.length).toBeLessThanOrEqual(255);
      const answer = encodeAnswer(query, failure(3), query.payloadBytesMax);
      expect(Buffer.compare(answer.subarray(12, 12 + query.question.length), query.question)).toBe(
        0,
      );
    } catch (error) {
      if (!(error instanceof MessageError))
        throw new Error(`on ${bytes.toString("hex")}`, { cause: error });
    }
  }
  expect(good).toBeGreaterThan(rounds / 20);
});

it("whatever another server says is read to its end, or not at all", () => {
  let addresses = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = mutated();
    addresses += addressRecords(bytes).length;
    for (const at of lifetimeOf(bytes)?.ttlOffsets ?? [])
      expect(at + 4).toBeLessThanOrEqual(bytes.length);
  }
  expect(addresses).toBeGreaterThan(rounds / 20);
});

it("a pointer to itself ends", () => {
  const loop = Buffer.from("000081800000000100000000c00c00050001000000050002c00c", "hex");
  expect(addressRecords(loop)).toEqual([]);
  expect(lifetimeOf(loop)).toMatchObject({ ttlSeconds: 5, isPositive: true });
});

it("a label with a dot in it is no two labels", () => {
  const query = queryFor("web_default", 1);
  query[12 + 4] = 0x2e;
  expect(decodeQuery(query).name).not.toBe("web.default");
  expect(decodeQuery(query).name).toHaveLength("web.default".length);
});
