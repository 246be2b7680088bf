import type { Socket } from "node:net";
import { chainOf } from "../base/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { SupervisedContainers } from "./supervisor-containers.ts";
import {
  encodeFrame,
  encodeMessage,
  frameKind,
  FrameReader,
  type Frame,
  type Method,
  type Methods,
  type WireError,
} from "./supervisor-protocol.ts";

/** An attached client that lags further behind is let go: logs and containers do not wait. */
const attachedBytesMax = 8 * 1024 * 1024;

type Answers = {
  readonly [M in Method]: (
    params: Methods[M]["takes"],
  ) => Methods[M]["gives"] | Promise<Methods[M]["gives"]>;
};

/** One client: its requests in the order they came, and what it subscribed to. */
export function serveConnection(
  socket: Socket,
  containers: SupervisedContainers,
  logger: Logger,
): void {
  const connection = new Connection(socket, containers);
  const reader = new FrameReader();
  socket.on("data", (bytes: Buffer) => {
    try {
      for (const frame of reader.push(bytes)) connection.receive(frame);
    } catch (error) {
      logger.warn({ error: chainOf(error) }, "a client of the supervisor was let go");
      socket.destroy();
    }
  });
  // A client may go at any time; that is no error of ours.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => connection.dispose());
}

class Connection {
  readonly #socket: Socket;
  readonly #containers: SupervisedContainers;
  readonly #held: Disposable[] = [];
  #attached: string | undefined;

  constructor(socket: Socket, containers: SupervisedContainers) {
    this.#socket = socket;
    this.#containers = containers;
  }

  receive({ kind, payload }: Frame): void {
    if (kind === frameKind.json) this.#request(JSON.parse(payload.toString()) as Request);
    else if (this.#attached === undefined) throw new Error("input before attach");
    else if (!this.#containers.isRunning(this.#attached)) return;
    else if (kind === frameKind.stdin) this.#input(this.#attached, payload);
    else if (kind === frameKind.stdinEnd) this.#containers.running(this.#attached).endInput();
  }

  /** Nothing more is read from a client whose last input the container has not taken. */
  #input(id: string, data: Uint8Array): void {
    this.#socket.pause();
    this.#containers
      .running(id)
      .write(data)
      .then(() => this.#socket.resume())
      .catch(() => this.#socket.destroy());
  }

  dispose(): void {
    for (const held of this.#held) held[Symbol.dispose]();
    if (this.#attached !== undefined && this.#containers.isRunning(this.#attached)) {
      this.#containers.running(this.#attached).endInput();
    }
  }

  #request({ id, method, params }: Request): void {
    const answer = async (): Promise<unknown> => {
      const serve = this.#answers[method] as (params: unknown) => unknown;
      return await serve(params);
    };
    answer()
      .then((result) => this.#socket.write(encodeMessage({ id, result: result ?? null })))
      .catch((error: unknown) =>
        this.#socket.write(encodeMessage({ id, error: wireError(error) })),
      );
  }

  readonly #answers: Answers = {
    start: (params) => this.#containers.start(params),
    list: () => this.#containers.list(),
    signal: ({ id, signal, all }) => {
      this.#containers.running(id).signal(signal, all);
      return null;
    },
    remove: async ({ id }) => {
      await this.#containers.remove(id);
      return null;
    },
    reopenLog: ({ id }) => {
      this.#containers.running(id).reopenLog();
      return null;
    },
    resize: ({ id, width, height }) => {
      this.#containers.running(id).resize({ width, height });
      return null;
    },
    attach: ({ id }) => this.#attach(id),
    subscribe: () => {
      this.#held.push(
        this.#containers.onExit((exit) => void this.#socket.write(encodeMessage({ exit }))),
      );
      return null;
    },
  };

  #attach(id: string): null {
    const container = this.#containers.running(id);
    this.#attached = id;
    this.#held.push(
      container.listen((stream, data) => {
        if (this.#socket.writableLength > attachedBytesMax) this.#socket.destroy();
        else {
          const kind = stream === 1 ? frameKind.stdout : frameKind.stderr;
          this.#socket.write(encodeFrame(kind, data));
        }
      }),
      this.#containers.onExit((exit) => {
        if (exit.id === id) this.#socket.end();
      }),
    );
    return null;
  }
}

interface Request {
  readonly id: number;
  readonly method: Method;
  readonly params: unknown;
}

const wireError = (error: unknown): WireError => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const message = chainOf(error);
  return typeof code === "string" ? { message, code } : { message };
};
