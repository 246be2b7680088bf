/** Upstream's own clients against our streams: kubectl (WebSocket, older ones SPDY) and crictl. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type handleUnaryCall } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { createAuthority } from "../pki/authority.ts";
import type { RunningServer } from "./server-contract.ts";
import { startShellServer } from "./testing/shell-server.ts";

/** Paths of the programs, several joined by ":"; else those on PATH. */
const programs = (variable: string, name: string): readonly string[] => {
  const found = (process.env[variable] ?? name)
    .split(":")
    .filter((path) => spawnSync(path, ["--help"]).status === 0);
  if (found.length === 0) console.log(`skipped: no ${name} (on PATH or in ${variable})`);
  return found;
};
const kubectls = programs("KUBECTL", "kubectl");
const crictls = programs("CRICTL", "crictl");

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
const run = (file: string, args: readonly string[], input = ""): Promise<Ran> =>
  new Promise((resolve) => {
    const child = execFile(file, args, { maxBuffer: 1e9 }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });

const big = "0123456789abcdef".repeat(200_000);

describe.skipIf(kubectls.length === 0).each(kubectls)("%s exec", (kubectl) => {
  let server: RunningServer;
  let folder = "";
  let access: readonly string[] = [];
  let args: readonly string[] = [];
  beforeAll(async () => {
    const doors = { clock: systemClock, random: systemRandom };
    const validForMs = 3_600_000;
    const authority = createAuthority({ commonName: "ca", validForMs }, doors);
    const tls = authority.issue(
      { subject: { commonName: "s" }, names: ["127.0.0.1"], usages: ["server auth"], validForMs },
      doors,
    );
    server = await startShellServer(tls);
    folder = await mkdtemp(join(tmpdir(), "kubectl-"));
    await writeFile(join(folder, "ca.crt"), authority.certificate);
    const authorityFile = `--certificate-authority=${join(folder, "ca.crt")}`;
    access = [`--server=https://127.0.0.1:${server.port}`, authorityFile, "--token=x"];
    args = [...access, "exec"];
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  it("sees both outputs and the exit code", async () => {
    const script = "echo out; echo err >&2; exit 3";
    expect(await run(kubectl, [...args, "web", "--", "sh", "-c", script])).toMatchObject({
      code: 3,
      stdout: "out\n",
      stderr: expect.stringMatching(/^err\n(.|\n)*exit code 3/),
    });
  });
  it("sends its input, and its end", async () => {
    const { stdout } = await run(kubectl, [...args, "-i", "web", "--", "cat"], big);
    expect(stdout === big).toBe(true);
  });
  it("hears why a command could not be run", async () => {
    const ran = await run(kubectl, [...args, "web", "--", "/no/such/file"]);
    expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining("ENOENT") });
  });
  it("reports its terminal", async () => {
    const command = [kubectl, ...args, "-it", "web", "--", "echo", "hi"].map((one) => `'${one}'`);
    const line = `stty rows 33 cols 99; ${command.join(" ")}`;
    const { stdout } = await run("script", ["-qec", line, "/dev/null"]);
    expect(stdout).toContain("size 99x33");
    expect(stdout).toContain("hi");
  });

  it("forwards ports, several connections of them", async () => {
    const page = createServer((_request, response) => response.end(big)).listen(0, "127.0.0.1");
    await once(page, "listening");
    const { port } = page.address() as AddressInfo;
    const child = spawn(kubectl, [...access, "port-forward", "web", `:${port}`]);
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (said += piece));
    while (!said.includes("->")) await once(child.stdout, "data");
    const local = /127.0.0.1:(\d+)/.exec(said)?.[1];
    const fetchText = async (): Promise<string> =>
      (await fetch(`http://127.0.0.1:${local}/`)).text();
    const pages = await Promise.all([fetchText(), fetchText(), fetchText()]);
    expect(pages.every((one) => one === big)).toBe(true);
    child.kill();
    page.closeAllConnections();
    page.close();
  });
});

/** One field of a protobuf message. */
const text = (field: number, value: string): Buffer =>
  Buffer.concat([Buffer.of((field << 3) | 2, value.length), Buffer.from(value)]);

/** The words of ExecRequest.cmd, which is field 2. */
function wordsOf(request: Buffer): readonly string[] {
  const words: string[] = [];
  for (let at = 0; at + 1 < request.length;) {
    const tag = request[at] ?? 0;
    const size = request[at + 1] ?? 0;
    if (tag === 0x12) words.push(request.toString("utf8", at + 2, at + 2 + size));
    at += (tag & 7) === 2 ? size + 2 : 2;
  }
  return words;
}

describe.skipIf(crictls.length === 0).each(crictls)("%s exec", (crictl) => {
  let streaming: RunningServer;
  let folder = "";
  const grpc = new Server();
  beforeAll(async () => {
    streaming = await startShellServer(undefined);
    folder = await mkdtemp(join(tmpdir(), "crictl-"));
    const raw = (value: Buffer): Buffer => value;
    const method = (name: string, service = "RuntimeService") => ({
      path: `/runtime.v1.${service}/${name}`,
      requestStream: false as const,
      responseStream: false as const,
      requestSerialize: raw,
      requestDeserialize: raw,
      responseSerialize: raw,
      responseDeserialize: raw,
    });
    const version: handleUnaryCall<Buffer, Buffer> = (_call, answer) =>
      answer(
        null,
        Buffer.concat(["0.1.0", "tskube", "1", "v1"].map((one, at) => text(at + 1, one))),
      );
    const exec: handleUnaryCall<Buffer, Buffer> = ({ request }, answer) => {
      const query = new URLSearchParams({ stdin: "1", stdout: "1", stderr: "1" });
      for (const word of wordsOf(request)) query.append("command", word);
      answer(null, text(1, `http://127.0.0.1:${streaming.port}/exec?${query.toString()}`));
    };
    const nothing: handleUnaryCall<Buffer, Buffer> = (_call, answer) => answer(null, Buffer.of());
    grpc.addService(
      {
        Version: method("Version"),
        Exec: method("Exec"),
        ImageFsInfo: method("ImageFsInfo", "ImageService"),
      },
      { Version: version, Exec: exec, ImageFsInfo: nothing },
    );
    await new Promise<void>((resolve, reject) => {
      const address = `unix:${join(folder, "cri.sock")}`;
      grpc.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  });
  afterAll(async () => {
    grpc.forceShutdown();
    await streaming.close();
    await rm(folder, { recursive: true });
  });

  for (const transport of ["spdy", "websocket"]) {
    it(`carries input and output over ${transport}`, async () => {
      const socket = `unix://${join(folder, "cri.sock")}`;
      const args = ["--runtime-endpoint", socket, "exec", "-i", "-r", transport, "id", "cat"];
      const child = spawn(crictl, args);
      let stdout = "";
      child.stdout.setEncoding("utf8").on("data", (data: string) => (stdout += data));
      child.stderr.resume();
      child.stdin.end("hello");
      await new Promise((resolve) => child.once("close", resolve));
      expect(stdout).toBe("hello");
    });
  }
});
