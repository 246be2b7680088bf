import { describe, expect, it } from "vitest";
import { decodeQuery, encodeAnswer, MessageError, recordType, type Answer } from "./message.ts";

/**
 * A query for NAME by hand: header, labels, type, class, and an OPT record where `edns` says so.
 */
function queryBytes(name: string, type: number, edns?: number): Uint8Array {
  const labels = name
    .split(".")
    .flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
  const opt = edns === undefined ? [] : [0, 0, 41, edns >>> 8, edns & 0xff, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([
    0x12,
    0x34,
    1,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    edns === undefined ? 0 : 1,
    ...labels,
    0,
    0,
    type,
    0,
    1,
    ...opt,
  ]);
}
const answerOf = (count: number): Answer => ({
  code: 0,
  authoritative: true,
  answers: Array.from({ length: count }, (_, at) => ({
    name: "web.svc",
    ttlSeconds: 5,
    data: { type: "A", address: `10.0.${at >> 8}.${at & 255}` },
  })),
  authority: [],
  additional: [],
});

describe("decodeQuery", () => {
  it("reads the question in lower case", () => {
    expect(decodeQuery(queryBytes("WeB.sVc", 1))).toMatchObject({
      id: 0x1234,
      name: "web.svc",
      type: 1,
      class: 1,
      hasEdns: false,
      payloadBytesMax: 512,
    });
  });
  for (const [offered, taken] of [
    [4096, 1232],
    [600, 600],
    [100, 512],
  ] as const) {
    it(`EDNS offers ${offered}: ${taken} are used`, () => {
      expect(decodeQuery(queryBytes("a.b", 1, offered)).payloadBytesMax).toBe(taken);
    });
  }
  it("refuses every cut-off message without reading past its end", () => {
    const whole = queryBytes("web.default.svc", 1);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeQuery(whole.subarray(0, length))).toThrow(MessageError);
    }
  });
  it("refuses pointers in questions, and answers", () => {
    const pointer = Uint8Array.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1]);
    expect(() => decodeQuery(pointer)).toThrow(MessageError);
    const response = queryBytes("a", 1);
    response[2] = 0x81;
    expect(() => decodeQuery(response)).toThrow("an answer");
  });
});

describe("encodeAnswer", () => {
  it("repeats the question as it came and points to its name", () => {
    const bytes = encodeAnswer(decodeQuery(queryBytes("WeB.svc", 1)), answerOf(1), 512);
    expect(Buffer.from(bytes).toString("hex")).toBe(
      "1234" +
        "8580" +
        "0001" +
        "0001" +
        "0000" +
        "0000" +
        "03576542" +
        "03737663" +
        "00" +
        "0001" +
        "0001" +
        "c00c" +
        "0001" +
        "0001" +
        "00000005" +
        "0004" +
        "0a000000",
    );
  });
  it("leaves out what does not fit, and says so", () => {
    const query = decodeQuery(queryBytes("web.svc", recordType.a));
    const bytes = encodeAnswer(query, answerOf(100), query.payloadBytesMax);
    expect(bytes.length).toBeLessThanOrEqual(512);
    expect((bytes[2] ?? 0) & 0x02).toBe(0x02);
    expect((bytes[6] ?? 0) * 256 + (bytes[7] ?? 0)).toBe(30);
    const overTcp = encodeAnswer(query, answerOf(100), 65_535);
    expect((overTcp[2] ?? 0) & 0x02).toBe(0);
    expect(overTcp[7]).toBe(100);
  });
});
