import type { Socket } from "node:net";
import type { Exit } from "./supervisor-contract.ts";
import {
  encodeMessage,
  frameKind,
  FrameReader,
  type Message,
  type Method,
  type Methods,
  type WireError,
} from "./supervisor-protocol.ts";

/** Requests and answers over one connection. */
export interface Channel {
  /** Rejects with SupervisorError, also when the connection ends first. */
  call<M extends Method>(method: M, params: Methods[M]["takes"]): Promise<Methods[M]["gives"]>;
  close(): void;
}

/** What the supervisor answered, or that it is gone (code ECONNRESET). */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
  /** Errno's name where the kernel refused; NotFound for an unknown container. */
  readonly code: string | undefined;
  constructor({ message, code }: WireError) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export function openChannel(
  socket: Socket,
  on: { readonly onExit: (exit: Exit) => void; readonly onClose: () => void },
): Channel {
  const reader = new FrameReader();
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  const receive = (message: Message): void => {
    if ("exit" in message) return on.onExit(message.exit);
    const request = waiting.get(message.id);
    waiting.delete(message.id);
    if ("error" in message) request?.reject(new SupervisorError(message.error));
    else if ("result" in message) request?.resolve(message.result);
  };

  socket.on("data", (bytes: Buffer) => {
    for (const { kind, payload } of reader.push(bytes)) {
      if (kind === frameKind.json) receive(JSON.parse(payload.toString()) as Message);
    }
  });
  // The close that follows is what counts.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    const gone = { message: "the supervisor is gone", code: "ECONNRESET" };
    for (const { reject } of waiting.values()) reject(new SupervisorError(gone));
    waiting.clear();
    on.onClose();
  });

  return {
    call: <M extends Method>(method: M, params: Methods[M]["takes"]) =>
      new Promise<Methods[M]["gives"]>((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
        socket.write(encodeMessage({ id, method, params }));
      }),
    close: () => void socket.destroy(),
  };
}
