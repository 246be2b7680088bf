import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { answerUpgrade } from "./refuse-upgrade.ts";

const encode = (words: string): Uint8Array => new TextEncoder().encode(words);

for (const [title, status, phrase, body] of [
  ["one piece", 429, "Too Many Requests", encode("later")],
  ["several pieces", 503, "Service Unavailable", [encode("la"), encode("ter")]],
] as const)
  it(`answers in plain HTTP with ${title}, and ends`, async () => {
    const socket = new PassThrough();
    answerUpgrade({ socket }, { status, headers: { "retry-after": "1" }, body });
    expect(await text(socket)).toBe(
      `HTTP/1.1 ${status} ${phrase}\r\nretry-after: 1\r\n` +
        "content-length: 5\r\nconnection: close\r\n\r\nlater",
    );
  });

it("says nothing to a connection that is gone", () => {
  const socket = new PassThrough();
  socket.destroy();
  answerUpgrade({ socket }, { status: 403, headers: {}, body: encode("no") });
  expect(socket.read()).toBeNull();
});
