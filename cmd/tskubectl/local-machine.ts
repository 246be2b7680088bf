import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type {
  ListenAt,
  Listener,
  LocalConnection,
  LocalMachine,
  LocalProgram,
} from "../../pkg/kubectl/command.ts";
import { readTree, writeEntry } from "./local-tree.ts";
import { drained } from "../../pkg/streams/drained.ts";

/** Its exit code, or 128 and the signal's number as a shell would tell it. */
function run([program = "", ...words]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: "inherit" });
    child.once("error", (cause) => reject(new Error(`run ${program}`, { cause })));
    child.once("close", (code) => resolve(code ?? 128));
  });
}

async function programsIn(folder: string, prefix: string): Promise<readonly LocalProgram[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(
    names
      .filter((name) => name.startsWith(prefix))
      .toSorted()
      .map(async (name) => {
        const path = join(folder, name);
        const isExecutable = await access(path, constants.X_OK).then(
          () => true,
          () => false,
        );
        return { path, isExecutable };
      }),
  );
}

async function serveSocket(
  socket: Socket,
  serve: (connection: LocalConnection) => Promise<void>,
): Promise<void> {
  // Whoever reads or writes hears of it.
  socket.on("error", () => socket.destroy());
  await serve({
    received: socket,
    write: async (data) => {
      if (!socket.write(data) && !socket.destroyed) await drained(socket);
    },
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  }).finally(() => socket.destroySoon());
}

async function listen(
  { address, port }: ListenAt,
  serve: (connection: LocalConnection) => Promise<void>,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // What goes wrong with one connection is told by `serve`.
    serveSocket(socket, serve).catch(() => socket.destroy());
  });
  server.listen({ host: address, port });
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The machine that this process runs on. */
export const localMachine: LocalMachine = {
  environment: (name) => process.env[name],
  writeText: (path, text) => writeFile(path, text, { mode: 0o600 }),
  exists: async (path) => (await stat(path).catch(() => undefined)) !== undefined,
  isFolder: async (path) => (await stat(path).catch(() => undefined))?.isDirectory() === true,
  readTree,
  writeEntry,
  makeTemporaryFolder: async (prefix) => {
    const path = await mkdtemp(join(tmpdir(), prefix));
    return {
      path,
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    };
  },
  run,
  listen,
  programs: async (prefix) => {
    const folders = [...new Set((process.env["PATH"] ?? "").split(delimiter))];
    return (await Promise.all(folders.map((folder) => programsIn(folder, prefix)))).flat();
  },
};
