import type { Socket } from "node:net";
import { SupervisorError } from "./supervisor-channel.ts";
import type { AttachStreams } from "./supervisor-contract.ts";
import {
  encodeFrame,
  encodeMessage,
  frameKind,
  FrameReader,
  type Frame,
  type Message,
} from "./supervisor-protocol.ts";

type Output = AttachStreams["output"] extends AsyncIterable<infer T> ? T : never;

/** Turns a fresh connection into an attachment. Rejects with SupervisorError. */
export async function attachTo(socket: Socket, id: string): Promise<AttachStreams> {
  socket.write(encodeMessage({ id: 1, method: "attach", params: { id } }));
  const frames = readFrames(socket);
  const { value: first } = await frames.next();
  const answer =
    first === undefined
      ? { id: 1, error: { message: "the supervisor is gone", code: "ECONNRESET" } }
      : (JSON.parse(first.payload.toString()) as Message);
  if ("error" in answer) {
    socket.destroy();
    throw new SupervisorError(answer.error);
  }
  return {
    output: outputOf(frames),
    write: (data) =>
      new Promise((resolve, reject) => {
        socket.write(encodeFrame(frameKind.stdin, data), (error) =>
          error === null || error === undefined ? resolve() : reject(error),
        );
      }),
    closeStdin: () => void socket.write(encodeFrame(frameKind.stdinEnd, new Uint8Array())),
    close: () => void socket.destroy(),
  };
}

/** Reads no faster than the consumer takes. */
async function* readFrames(socket: Socket): AsyncGenerator<Frame, undefined> {
  const reader = new FrameReader();
  try {
    for await (const bytes of socket) yield* reader.push(bytes as Buffer);
  } catch (error) {
    // We closed it ourselves, or the supervisor died: either way there is no more.
    if (!socket.destroyed) throw error;
  }
  return undefined;
}

async function* outputOf(frames: AsyncIterable<Frame>): AsyncGenerator<Output> {
  for await (const { kind, payload } of frames) {
    if (kind === frameKind.stdout) yield { stream: 1, data: payload };
    else if (kind === frameKind.stderr) yield { stream: 2, data: payload };
  }
}
