import { describe, expect, it } from "vitest";
import { encodeFrame, encodeMessage, frameKind, FrameReader } from "./supervisor-protocol.ts";

describe("frames", () => {
  it("come out whole however they were cut", () => {
    const bytes = Buffer.concat([
      encodeMessage({ id: 1, result: "ä" }),
      encodeFrame(frameKind.stdout, Buffer.from("out")),
      encodeFrame(frameKind.stdinEnd, new Uint8Array()),
    ]);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new FrameReader();
      const frames = [...reader.push(bytes.subarray(0, cut)), ...reader.push(bytes.subarray(cut))];
      expect(frames.map(({ kind, payload }) => [kind, payload.toString()])).toEqual([
        [0, '{"id":1,"result":"ä"}'],
        [1, "out"],
        [4, ""],
      ]);
    }
  });

  it("are bounded", () => {
    const header = Buffer.from([0x7f, 0xff, 0xff, 0xff, 0]);
    expect(() => new FrameReader().push(header)).toThrow("a frame of");
  });
});
