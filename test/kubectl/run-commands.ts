/**
 * tskubectl's commands against the real API server in memory: command lines in, a transcript out.
 * Nobody else is there: no controllers, no scheduler, no nodes.
 */
import { inMemoryTransport } from "../../pkg/client/in-memory-transport.ts";
import { commands } from "../../pkg/kubectl/commands.ts";
import { createApi } from "../../pkg/kubectl/api.ts";
import type { Kubeconfig } from "../../pkg/machinery/kubeconfig.ts";
import type { Kubectl, KubeconfigDoor, LocalMachine, Terminal } from "../../pkg/kubectl/command.ts";
import { describeFailure } from "../../pkg/kubectl/failures.ts";
import { knownMapper } from "../../pkg/kubectl/known-resources.ts";
import { ResourceMapper } from "../../pkg/kubectl/resource-mapper.ts";
import { parseInvocation, runCommand } from "../../pkg/kubectl/run.ts";
import { filesOf } from "../../pkg/kubectl/testing/text-files.ts";
import { resources } from "../../pkg/apiserver/resources.ts";
import { ManualClock } from "../apiserver/manual-clock.ts";
import { startTestServer, type TestServer } from "../apiserver/start-test-server.ts";

export interface Outcome {
  readonly exitCode: number;
  /** Both outputs, in the order in which they were written. */
  readonly text: string;
}

export interface CommandRunner extends Disposable {
  readonly server: TestServer;
  readonly clock: ManualClock;
  readonly mapper: () => Promise<ResourceMapper>;
  run(line: string, stdin?: string): Promise<Outcome>;
}

const nothing: Disposable = { [Symbol.dispose]: () => {} };
async function* noInput(): AsyncGenerator<Uint8Array> {}

const terminalInto = (texts: string[]): Terminal => ({
  out: (text) => void texts.push(text),
  err: (text) => void texts.push(text),
  isTty: false,
  size: { width: 80, height: 24 },
  onResize: () => nothing,
  input: noInput(),
  raw: () => nothing,
  write: async (_, data) => void texts.push(new TextDecoder().decode(data)),
});

function kubeconfigInMemory(): KubeconfigDoor {
  const cluster = { server: "https://10.0.0.1:6443", "certificate-authority-data": "QQ==" };
  const configs = new Map<string, Kubeconfig>([
    [
      "/config",
      {
        "current-context": "here",
        clusters: [{ name: "home", cluster }],
        users: [{ name: "me", user: { token: "secret" } }],
        contexts: [{ name: "here", context: { cluster: "home", user: "me" } }],
      },
    ],
  ]);
  return {
    read: async () => [...configs].map(([path, config]) => ({ path, config })),
    write: async (path, config) => void configs.set(path, config),
    flatten: async (config) => config,
  };
}

const absent = (): Promise<never> => Promise.reject(new Error("nothing but the server is here"));
const localMachine: LocalMachine = {
  environment: () => undefined,
  writeText: absent,
  exists: absent,
  isFolder: absent,
  readTree: () => {
    throw new Error("nothing but the server is here");
  },
  writeEntry: absent,
  makeTemporaryFolder: absent,
  run: absent,
  listen: absent,
  programs: async () => [],
};

/** 'get pods -o jsonpath="{.a b}"' as a shell would cut it. */
const wordsOf = (line: string): readonly string[] =>
  (line.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []).map((word) =>
    word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );

/** Each line as typed, and what came of it; blanks at a line's end can be seen. */
export async function transcriptOf(commands: CommandRunner, lines: string): Promise<string> {
  const said: string[] = [];
  for (const line of lines.trim().split("\n")) {
    const { exitCode, text } = await commands.run(line);
    said.push(`$ tskubectl ${line}\n${text}${exitCode === 0 ? "" : `exit ${exitCode}\n`}`);
  }
  return said.join("\n").replaceAll(/ +$/gm, (blanks) => blanks.replaceAll(" ", "·"));
}

export async function startCommands(
  files: Readonly<Record<string, string>>,
): Promise<CommandRunner> {
  const clock = new ManualClock();
  const server = await startTestServer({ clock, resources });
  const life = new AbortController();
  const transport = inMemoryTransport(server.api.handler, { address: "127.0.0.1" });
  const api = createApi(transport, "test", life.signal);
  const discover = (): Promise<ResourceMapper> => ResourceMapper.discover(api, life.signal);

  const kubeconfig = kubeconfigInMemory();

  const kubectlFor = (texts: string[], stdin: string, namespace?: string): Kubectl => ({
    api,
    mapper: async (words) => (words === undefined ? undefined : knownMapper(words)) ?? discover(),
    namespace: namespace ?? "default",
    namespaceIsAsked: namespace !== undefined,
    terminal: terminalInto(texts),
    files: filesOf(files, stdin),
    kubeconfig,
    openExec: () => Promise.reject(new Error("no node runs this")),
    openForward: absent,
    local: async () => localMachine,
    clock,
    signal: life.signal,
    server: "https://10.0.0.1:6443",
    clientVersion: "v1.37.0",
    commands,
  });

  return {
    server,
    clock,
    mapper: discover,
    run: async (line, stdin = "") => {
      const texts: string[] = [];
      try {
        const invocation = await parseInvocation(wordsOf(line));
        if (invocation.do === "help") return { exitCode: 0, text: invocation.text };
        const kubectl = kubectlFor(texts, stdin, invocation.globals.namespace);
        return { exitCode: await runCommand(invocation, kubectl), text: texts.join("") };
      } catch (error) {
        texts.push(`${describeFailure(error, "https://10.0.0.1:6443")}\n`);
        if (!(error instanceof Error) || error instanceof TypeError) throw error;
        return { exitCode: 1, text: texts.join("") };
      }
    },
    [Symbol.dispose]: () => {
      life.abort();
      server.stop();
    },
  };
}
