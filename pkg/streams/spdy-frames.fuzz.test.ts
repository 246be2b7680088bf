import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import {
  dataHead,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeSynStream,
  FrameParser,
  frameLimits,
  type Frame,
} from "./spdy-frames.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const parse = (...chunks: readonly Uint8Array[]): readonly Frame[] => {
  const parser = new FrameParser();
  return chunks.flatMap((chunk) => [...parser.push(chunk)]);
};

describe("SPDY frames", () => {
  for (const [title, bytes, wire] of [
    [
      "SYN_STREAM",
      encodeSynStream(5, hex("abcd")),
      "8003 0001 00 00000c 00000005 00000000 0000 abcd",
    ],
    ["SYN_REPLY", encodeSynReply(5, hex("ab")), "8003 0002 00 000005 00000005 ab"],
    ["RST_STREAM", encodeRstStream(7, 3), "8003 0003 00 000008 00000007 00000003"],
    ["PING", encodePing(9), "8003 0006 00 000004 00000009"],
    ["GOAWAY", encodeGoAway(3), "8003 0007 00 000008 00000003 00000000"],
    [
      "DATA with FIN",
      Buffer.concat([dataHead(1, 2, true), hex("6869")]),
      "00000001 01 000002 6869",
    ],
  ] as const) {
    it(`${title} is written as the protocol says`, () => {
      expect(bytes.toString("hex")).toBe(hex(wire).toString("hex"));
    });
  }

  for (const [title, wire, frame] of [
    [
      "SYN_STREAM",
      "8003 0001 01 00000c 00000005 00000000 0000 abcd",
      { is: "syn-stream", streamId: 5, fin: true, block: hex("abcd") },
    ],
    [
      "HEADERS",
      "8003 0008 00 000005 00000005 ab",
      { is: "headers", streamId: 5, fin: false, block: hex("ab") },
    ],
    [
      "RST_STREAM",
      "8003 0003 00 000008 00000007 00000003",
      { is: "rst-stream", streamId: 7, status: 3 },
    ],
    ["PING", "8003 0006 00 000004 00000009", { is: "ping", id: 9 }],
    ["GOAWAY", "8003 0007 00 000008 00000003 00000000", { is: "goaway", lastStreamId: 3 }],
    ["WINDOW_UPDATE", "8003 0009 00 000008 00000001 00010000", { is: "ignored", type: 9 }],
    ["SETTINGS", "8003 0004 00 000004 00000000", { is: "ignored", type: 4 }],
    [
      "an empty DATA with FIN",
      "00000003 01 000000",
      { is: "data", streamId: 3, fin: true, data: new Uint8Array(0) },
    ],
  ] as const) {
    it(`${title} is read`, () =>
      expect(parse(hex(wire))).toEqual([frame].map((one) => ({ ...one }))));
  }

  for (const [title, wire] of [
    ["another version", "8002 0006 00 000004 00000009"],
    [
      "a control frame that is too large",
      `8003 0001 00 ${(frameLimits.controlBytesMax + 1).toString(16).padStart(6, "0")}`,
    ],
    ["a SYN_STREAM that is too short", "8003 0001 00 000004 00000001"],
    ["a PING without an id", "8003 0006 00 000000"],
  ] as const) {
    it(`${title} is refused`, () => expect(() => parse(hex(wire))).toThrow(/SPDY/));
  }
});

/** All data of a stream as one frame: how a connection is cut says nothing about its content. */
function normal(frames: readonly Frame[]): readonly unknown[] {
  const result: unknown[] = [];
  let open: { streamId: number; data: Buffer[] } | undefined;
  const close = (): void => {
    if (open !== undefined)
      result.push({ ...open, data: Buffer.concat(open.data).toString("hex") });
    open = undefined;
  };
  for (const frame of frames) {
    if (frame.is !== "data" || open?.streamId !== frame.streamId) close();
    if (frame.is !== "data")
      result.push(
        "block" in frame ? { ...frame, block: Buffer.from(frame.block).toString("hex") } : frame,
      );
    else {
      open ??= { streamId: frame.streamId, data: [] };
      open.data.push(Buffer.from(frame.data));
      if (frame.fin) {
        close();
        result.push("fin");
      }
    }
  }
  close();
  return result;
}

it("reads the same frames however their bytes are cut", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    const below = (max: number): number => Math.floor(random.fraction() * max);
    const bytes = Buffer.concat(
      Array.from({ length: 1 + below(12) }, () => {
        const id = 1 + 2 * below(5);
        const block = Buffer.alloc(below(40), below(256));
        const fin = below(4) === 0;
        return (
          [
            () => Buffer.concat([dataHead(id, block.length, fin), block]),
            () => encodeSynStream(id, block),
            () => encodePing(id),
            () => encodeRstStream(id, 5),
          ][below(4)]?.() ?? Buffer.alloc(0)
        );
      }),
    );
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = 1 + below(17);
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    expect(normal(parse(...chunks)), `seed ${seed}`).toEqual(normal(parse(bytes)));
  }
});

it("never does anything but parse or refuse, whatever the bytes", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    const bytes = Buffer.from(
      Array.from({ length: 200 }, () => Math.floor(random.fraction() * 256)),
    );
    // Half of the time begin like a control frame, so that its fields are reached.
    if (seed % 2 === 0) bytes.set([0x80, 0x03, 0, seed % 11, 0, 0, 0, seed % 50]);
    try {
      for (const frame of parse(bytes)) expect(frame.is).toBeTypeOf("string");
    } catch (error) {
      expect(String(error), `seed ${seed}`).toMatch(/SPDY/);
    }
  }
});
