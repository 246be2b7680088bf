import { join } from "node:path";
import { secrets } from "../../api/resources.ts";
import { rfc3339 } from "../../pkg/base/clock.ts";
import { UsageError } from "../../pkg/base/flags.ts";
import { chooseContext, readKubeconfigs } from "../../pkg/client/kubeconfig.ts";
import {
  bootstrapSecret,
  bootstrapSecretName,
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  bootstrapTokenType,
  type BootstrapToken,
} from "../../pkg/machinery/bootstrap-token.ts";
import { generateToken, joinGroup, joinToken } from "../../pkg/kubeadm/join-token.ts";
import { clientOf, type OpenClient } from "../../pkg/kubeadm/cluster-client.ts";
import { specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { durationMs } from "../../pkg/base/duration.ts";
import { shortHumanDuration } from "../../pkg/machinery/human-duration.ts";
import { joinLine } from "../../pkg/kubeadm/join-line.ts";
import { logFlags, systemDoors, type Doors } from "../wiring/doors.ts";
import { splitList } from "../wiring/run-commands.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = {
  name: "tsadm token",
  about: "token create [TOKEN] | list | delete ID… | generate: what machines join with",
};
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the cluster (/etc/tskube/admin.conf)" },
  ttl: { kind: "text", help: "How long it is good; 0: without an end (24h0m0s)" },
  description: { kind: "text", help: "What it is for" },
  usages: { kind: "list", help: "signing, authentication (both)" },
  groups: {
    kind: "list",
    help: `Of its bearer, below system:bootstrappers: (${joinGroup})`,
  },
  "print-join-command": { kind: "bool", help: "Print the whole command to join with" },
  ...logFlags,
} as const;

interface TokenCall {
  readonly client: OpenClient;
  readonly kubeconfig: string;
  readonly doors: Doors;
  readonly args: readonly string[];
  readonly ttl: string | undefined;
  readonly description: string;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
  readonly printsJoin: boolean;
  readonly signal: AbortSignal;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function create(call: TokenCall): Promise<void> {
  const { client, doors, signal, ttl } = call;
  const token = call.args[0] ?? generateToken(doors.random);
  const ttlMs = ttl === undefined ? specDefaults.tokenTtlMs : durationMs(ttl);
  const expiresAtMs = ttlMs === 0 ? Infinity : doors.clock.now() + ttlMs;
  const wanted = bootstrapSecret(
    joinToken(token, {
      description: call.description,
      expiresAtMs,
      ...(call.usages.length === 0 ? {} : { usages: usagesOf(call.usages) }),
      ...(call.groups.length === 0 ? {} : { extraGroups: call.groups }),
    }),
  );
  await client.resource(secrets).create(wanted, {}, signal);
  if (!call.printsJoin) return say(token);
  const { access } = chooseContext(await readKubeconfigs([call.kubeconfig]), doors.clock);
  const pkiFolder = join(specDefaults.configFolder, "pki");
  say(await joinLine({ endpoint: access.server.replace("https://", ""), token, pkiFolder }));
}

const knownUsages = ["signing", "authentication"] as const;

const usagesOf = (given: readonly string[]): BootstrapToken["usages"] =>
  given.map((usage) => {
    const known = knownUsages.find((one) => one === usage);
    if (known === undefined) throw new UsageError(`--usages ${usage}: ${knownUsages.join(", ")}`);
    return known;
  });

async function list({ client, doors, signal }: TokenCall): Promise<void> {
  const { items } = await client
    .resource(secrets)
    .list(
      { namespace: bootstrapTokenNamespace, fieldSelector: `type=${bootstrapTokenType}` },
      signal,
    );
  const rows = items
    .flatMap((secret) => bootstrapTokenOf(secret) ?? [])
    .map((token) => rowOf(token, doors.clock.now()));
  const header = ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"];
  const widths = header.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => (row[at] ?? "").length)),
  );
  for (const row of [header, ...rows]) {
    say(
      row
        .map((cell, at) => cell.padEnd((widths[at] ?? 0) + 2))
        .join("")
        .trimEnd(),
    );
  }
}

function rowOf(token: BootstrapToken, nowMs: number): readonly string[] {
  const isEndless = token.expiresAtMs === Infinity;
  return [
    `${token.id}.${token.secret}`,
    isEndless ? "<forever>" : shortHumanDuration(token.expiresAtMs - nowMs),
    isEndless ? "<never>" : rfc3339(token.expiresAtMs),
    token.usages.toSorted().join(","),
    token.description === "" ? "<none>" : token.description,
    token.extraGroups.join(","),
  ];
}

async function remove({ client, args, signal }: TokenCall): Promise<void> {
  if (args.length === 0) throw new UsageError("say which: tsadm token delete ID");
  for (const arg of args) {
    const [id = ""] = arg.split(".");
    const key = { namespace: bootstrapTokenNamespace, name: bootstrapSecretName(id) };
    await client.resource(secrets).delete(key, {}, signal);
    say(`bootstrap token "${id}" deleted`);
  }
}

const verbs: Readonly<Record<string, (call: TokenCall) => Promise<void>>> = {
  create,
  list,
  delete: remove,
};

export const token = ([verb = "", ...words]: readonly string[]): Promise<void> =>
  runProgram(
    text,
    flags,
    async ({ flags: given, args }, signal) => {
      const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
      if (verb === "generate") return say(generateToken(doors.random));
      const run = verbs[verb];
      if (run === undefined) throw new UsageError("say create, list, delete or generate");
      const kubeconfig = given.kubeconfig ?? join(specDefaults.configFolder, "admin.conf");
      using client = await clientOf(kubeconfig, doors.clock);
      const { ttl, description = "" } = given;
      const printsJoin = given["print-join-command"];
      const [usages, groups] = [splitList(given.usages), splitList(given.groups)];
      const words = { args, ttl, description, usages, groups, printsJoin };
      await run({ client, kubeconfig, doors, ...words, signal });
    },
    verb.startsWith("-") ? [verb, ...words] : words,
  );
