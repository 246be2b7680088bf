/**
 * The client's half of exec and attach: a WebSocket to the API server (v5.channel.k8s.io), whose
 * messages' first byte says which stream they are of. Port-forward has a file of its own.
 */
import type { RawData, WebSocket } from "ws";
import { ByteQueue } from "../base/byte-queue.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { parseOutcome, type ExecOutcome } from "./exec-outcome.ts";
import { openedSocket, upgradeSocket } from "./upgrade-socket.ts";

export interface ExecStreams {
  /** Both outputs in the order in which they came: 1 is stdout, 2 is stderr. A tty has only 1. */
  readonly output: AsyncIterable<{ readonly stream: 1 | 2; readonly data: Uint8Array }>;
  /** To stdin; resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  /**
   * Comes after the last output; rejects with what went wrong when the command could not be run.
   */
  readonly exitCode: Promise<number>;
  /** Gives up: the command's input ends, its output goes nowhere. */
  close(): void;
}

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  /** Absent: the pod's only container. */
  readonly container?: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const protocol = "v5.channel.k8s.io";

const limits = {
  /** Bytes of one stream that wait for their reader before the connection stops reading. */
  streamBytesMax: 1024 * 1024,
  sendBytesMax: 1024 * 1024,
} as const;

function subresourcePath(target: ExecTarget, subresource: string, command: readonly string[]) {
  const query = new URLSearchParams();
  if (target.container !== undefined) query.set("container", target.container);
  for (const name of ["stdin", "stdout", "stderr", "tty"] as const) {
    if (target[name]) query.set(name, "true");
  }
  for (const word of command) query.append("command", word);
  const [namespace, pod] = [target.namespace, target.pod].map(encodeURIComponent);
  return `/api/v1/namespaces/${namespace}/pods/${pod}/${subresource}?${query.toString()}`;
}

export const execPath = (target: ExecTarget, command: readonly string[]): string =>
  subresourcePath(target, "exec", command);
export const attachPath = (target: ExecTarget): string => subresourcePath(target, "attach", []);

/**
 * Opens the streams of `path` (see execPath, attachPath). Rejects with the server's StatusError
 * where it refuses. The signal ends the connection whenever it aborts.
 */
export async function openExecStreams(
  access: ClusterAccess,
  path: string,
  signal: AbortSignal,
): Promise<ExecStreams> {
  const streams = new Streams(await upgradeSocket(access, path, protocol, signal));
  await streams.opened;
  return streams;
}

class Streams implements ExecStreams {
  readonly output: ExecStreams["output"];
  readonly opened: Promise<void>;
  readonly exitCode: Promise<number>;
  readonly #socket: WebSocket;
  /** Whole messages, so that both outputs keep their order. */
  readonly #messages = new ByteQueue(limits.streamBytesMax);
  #said = "";

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.output = outputOf(this.#messages);
    let broke: Error | undefined;
    socket.on("message", (data) => this.#take(bytesOf(data)));
    this.exitCode = new Promise((resolve, reject) => {
      socket.on("close", () => {
        this.#messages.end();
        const outcome = this.#said === "" ? lost : parseOutcome(this.#said);
        if ("exitCode" in outcome) resolve(outcome.exitCode);
        else reject(new Error(outcome.failure, { cause: broke }));
      });
    });
    // Who only reads the output need not ask how it ended.
    this.exitCode.catch(() => {});
    this.opened = openedSocket(socket);
    socket.on("error", (error) => (broke = error));
  }

  write(data: Uint8Array): Promise<void> {
    return this.#send(channels.stdin, data);
  }
  closeStdin(): void {
    void this.#send(channels.close, Uint8Array.of(channels.stdin));
  }
  resize({ width, height }: { readonly width: number; readonly height: number }): void {
    const text = `${JSON.stringify({ Width: width, Height: height })}\n`;
    void this.#send(channels.resize, Buffer.from(text));
  }
  close(): void {
    this.#socket.close(1000);
  }

  #take(message: Buffer): void {
    if (message[0] === channels.error) {
      this.#said += message.toString("utf8", 1);
      return;
    }
    if (message[0] !== channels.stdout && message[0] !== channels.stderr) return;
    if (message.length > 1) this.#messages.push(message);
    if (!this.#messages.isFull) return;
    this.#socket.pause();
    void this.#messages.whenRoom().then(() => this.#socket.resume());
  }

  #send(channel: number, data: Uint8Array): Promise<void> {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return Promise.resolve();
    const message = Buffer.concat([Buffer.of(channel), data]);
    return new Promise((resolve) => {
      const hasRoom = socket.bufferedAmount < limits.sendBytesMax;
      // A socket that broke meanwhile says so by its close event.
      socket.send(message, () => resolve());
      if (hasRoom) resolve();
    });
  }
}

const lost: ExecOutcome = { failure: "the server ended the connection without an outcome" };

async function* outputOf(messages: AsyncIterable<Uint8Array>): AsyncGenerator<{
  readonly stream: 1 | 2;
  readonly data: Uint8Array;
}> {
  for await (const message of messages) {
    yield { stream: message[0] === channels.stdout ? 1 : 2, data: message.subarray(1) };
  }
}

const bytesOf = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
};
