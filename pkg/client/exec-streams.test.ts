import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { createAuthority } from "../pki/authority.ts";
import { StatusError } from "../machinery/status-error.ts";
import { acceptStreams } from "../serving/accept-streams.ts";
import { refuseUpgrade } from "../serving/refuse-upgrade.ts";
import { startServer } from "../serving/server.ts";
import type { RunningServer, UpgradeHandler } from "../serving/server-contract.ts";
import type { RemoteStreams, StreamOutcome } from "../serving/streams-contract.ts";
import { parseOutcome } from "./exec-outcome.ts";
import { attachPath, execPath, openExecStreams, type ExecStreams } from "./exec-streams.ts";

const doors = { clock: systemClock, random: systemRandom };
const validForMs = 3_600_000;
const authority = createAuthority({ commonName: "ca", validForMs }, doors);
const tls = authority.issue(
  { subject: { commonName: "s" }, names: ["127.0.0.1"], usages: ["server auth"], validForMs },
  doors,
);
const target = { namespace: "a", pod: "web", stdin: true, stdout: true, stderr: true, tty: false };
const textOf = async (pieces: AsyncIterable<Uint8Array>): Promise<string> => {
  let text = "";
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
};

const outputOf = async (client: ExecStreams): Promise<readonly [string, string]> => {
  const text = { 1: "", 2: "" };
  for await (const { stream, data } of client.output) text[stream] += Buffer.from(data).toString();
  return [text[1], text[2]];
};

describe("openExecStreams", () => {
  let server: RunningServer;
  const ends: AbortController[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) end.abort();
    await server.close();
  });

  const open = async (
    upgrade: UpgradeHandler,
    path = execPath(target, ["cat"]),
  ): Promise<ExecStreams> => {
    server = await startServer({
      tls,
      address: "127.0.0.1",
      port: 0,
      bodyBytesMax: 1000,
      handler: () => Promise.reject(new Error("no plain requests here")),
      upgrade,
    });
    const end = new AbortController();
    ends.push(end);
    const access = {
      server: `https://127.0.0.1:${server.port}`,
      certificateAuthority: () => Promise.resolve(authority.certificate),
      token: () => Promise.resolve("t0ken"),
    };
    return openExecStreams(access, path, end.signal);
  };
  const running =
    (run: (streams: RemoteStreams) => Promise<StreamOutcome>, tty = false): UpgradeHandler =>
    async (upgrade) => {
      const streams = await acceptStreams(upgrade, { ...target, tty }, systemClock);
      await streams.finish(await run(streams));
    };

  it("carries input, both outputs and the exit code", async () => {
    const client = await open(
      running(async (streams) => {
        const input = await textOf(streams.stdin);
        await streams.writeStdout(Buffer.from(input.toUpperCase()));
        await streams.writeStderr(Buffer.from("warned"));
        return { exitCode: 7 };
      }),
    );
    await client.write(Buffer.from("hello "));
    await client.write(Buffer.from("world"));
    client.closeStdin();
    expect(await outputOf(client)).toEqual(["HELLO WORLD", "warned"]);
    expect(await client.exitCode).toBe(7);
  });

  it("tells a failure to run from an exit code, and success", async () => {
    const failed = await open(running(async () => ({ failure: "no such file" })));
    await expect(failed.exitCode).rejects.toThrow(/no such file/);
    await server.close();
    const fine = await open(running(async () => ({ exitCode: 0 })));
    expect(await fine.exitCode).toBe(0);
  });

  it("reports the size of the terminal", async () => {
    const upgrade = running(async (streams) => {
      for await (const { width, height } of streams.resizes) {
        await streams.writeStdout(Buffer.from(`${width}x${height} `));
        if (width === 2) break;
      }
      return { exitCode: 0 };
    }, true);
    const client = await open(upgrade, execPath({ ...target, tty: true }, ["sh"]));
    client.resize({ width: 80, height: 24 });
    client.resize({ width: 2, height: 1 });
    expect(await outputOf(client)).toEqual(["80x24 2x1 ", ""]);
  });

  it("moves megabytes without losing any, whoever is slower", async () => {
    const bytes = 8 * 1024 * 1024;
    const client = await open(
      running(async (streams) => {
        let read = 0;
        for await (const piece of streams.stdin) {
          read += piece.length;
          await streams.writeStdout(piece);
        }
        return { exitCode: read === bytes ? 0 : 1 };
      }),
    );
    const feed = async (): Promise<void> => {
      for (let sent = 0; sent < bytes; sent += 65_536) {
        await client.write(new Uint8Array(65_536));
      }
      client.closeStdin();
    };
    const count = async (): Promise<number> => {
      let read = 0;
      for await (const { data } of client.output) read += data.length;
      return read;
    };
    const [read] = await Promise.all([count(), feed()]);
    expect([read, await client.exitCode]).toEqual([bytes, 0]);
  });

  it("sends who is asking, and rejects with the Status of a refusal", async () => {
    let asked = "";
    const refused = open(async (upgrade) => {
      asked = `${upgrade.headers["authorization"]} ${upgrade.path}`;
      refuseUpgrade(upgrade, new StatusError("Forbidden", "jane may not", { kind: "pods" }));
    });
    await expect(refused).rejects.toMatchObject({ reason: "Forbidden", message: "jane may not" });
    expect(asked).toBe(
      "Bearer t0ken /api/v1/namespaces/a/pods/web/exec?" +
        "stdin=true&stdout=true&stderr=true&command=cat",
    );
  });

  it("says that the outcome is unknown when the connection breaks, and that it goes", async () => {
    const client = await open(async ({ socket, ...rest }) => {
      await acceptStreams({ socket, ...rest }, target, systemClock);
      socket.destroy();
    });
    await expect(client.exitCode).rejects.toThrow(/without an outcome/);
    await server.close();
    const told = Promise.withResolvers<void>();
    const other = await open(async (upgrade) => {
      const streams = await acceptStreams(upgrade, target, systemClock);
      streams.closed.addEventListener("abort", () => told.resolve());
    });
    other.close();
    await told.promise;
  });
});

it("paths name the container and the words of the command", () => {
  const { stderr: _, ...rest } = target;
  expect(attachPath({ ...rest, stderr: false, container: "c" })).toBe(
    "/api/v1/namespaces/a/pods/web/attach?container=c&stdin=true&stdout=true",
  );
});

it("an outcome that is no Status is a failure in its own words", () => {
  expect(parseOutcome("oops")).toEqual({ failure: "oops" });
});
