import { UsageError } from "../../base/flags.ts";
import { baseName, folderName, parseCopySpec, placeInside, type CopySpec } from "../copy-plan.ts";
import { defineCommand, type ExecStreams, type Kubectl, type LocalEntry } from "../command.ts";
import { containerOf, podOf } from "../pod-args.ts";
import { paddingOf, readTar, tarEnd, tarHead } from "../tar-blocks.ts";

interface Remote {
  readonly kubectl: Kubectl;
  readonly pod: string;
  readonly namespace: string;
  readonly container: string;
}

async function remoteOf(
  kubectl: Kubectl,
  spec: CopySpec,
  asked: string | undefined,
): Promise<Remote> {
  const namespace = spec.namespace ?? kubectl.namespace;
  const found = await podOf({ ...kubectl, namespace }, spec.pod ?? "");
  const phase = found.status?.phase ?? "";
  if (phase === "Succeeded" || phase === "Failed")
    throw new UsageError(
      `cannot exec into a container in a completed pod; current phase is ${phase}`,
    );
  const container = containerOf(kubectl, found, asked);
  return { kubectl, pod: spec.pod ?? "", namespace, container };
}

function open(
  { kubectl, pod, namespace, container }: Remote,
  command: readonly string[],
  hasInput: boolean,
): Promise<ExecStreams> {
  const query = new URLSearchParams({ container, stdout: "true", stderr: "true" });
  if (hasInput) query.set("stdin", "true");
  for (const word of command) query.append("command", word);
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/exec?${query}`;
  return kubectl.openExec(path, kubectl.signal);
}

/** Its output; what it says on its error output is passed on. */
async function* outputOf({ kubectl }: Remote, streams: ExecStreams): AsyncGenerator<Uint8Array> {
  for await (const { stream, data } of streams.output) {
    if (stream === 1) yield data;
    else await kubectl.terminal.write(2, data);
  }
}

function ended(exitCode: number): void {
  if (exitCode !== 0) throw new UsageError(`command terminated with exit code ${exitCode}`);
}

async function isFolder(remote: Remote, path: string): Promise<boolean> {
  const streams = await open(remote, ["test", "-d", path], false);
  for await (const _ of streams.output);
  return (await streams.exitCode) === 0;
}

async function send(streams: ExecStreams, { entry, content }: LocalEntry): Promise<void> {
  await streams.write(tarHead(entry));
  let sent = 0;
  for await (const piece of content) {
    sent += piece.length;
    if (sent > entry.sizeBytes) throw new Error(`${entry.name} grew while it was read`);
    await streams.write(piece);
  }
  if (sent < entry.sizeBytes) throw new Error(`${entry.name} shrank while it was read`);
  await streams.write(paddingOf(sent));
}

async function upload(
  remote: Remote,
  from: string,
  to: CopySpec,
  noPreserve: boolean,
): Promise<void> {
  const { kubectl } = remote;
  const local = await kubectl.local();
  if (!(await local.exists(from)))
    throw new UsageError(`${from} doesn't exist in local filesystem`);
  const isInside = to.path.endsWith("/") || (await isFolder(remote, to.path));
  const target = isInside ? `${to.path.replace(/\/+$/, "")}/${baseName(from)}` : to.path;
  const options = noPreserve ? ["--no-same-permissions", "--no-same-owner"] : [];
  const command = ["tar", ...options, "-xmf", "-", "-C", folderName(target)];
  const streams = await open(remote, command, true);
  const output = (async () => {
    for await (const piece of outputOf(remote, streams)) await kubectl.terminal.write(1, piece);
  })();
  try {
    for await (const one of local.readTree(from, baseName(target))) await send(streams, one);
  } catch (error) {
    streams.close();
    await output.catch(() => {});
    throw error;
  }
  await streams.write(tarEnd());
  streams.closeStdin();
  await output;
  ended(await streams.exitCode);
}

async function download(remote: Remote, from: CopySpec, to: string): Promise<void> {
  const { kubectl } = remote;
  const local = await kubectl.local();
  const streams = await open(remote, ["tar", "cf", "-", from.path], false);
  const target = (await local.isFolder(to))
    ? `${to.replace(/\/+$/, "")}/${baseName(from.path)}`
    : to;
  for await (const { entry, content } of readTar(outputOf(remote, streams))) {
    const place = placeInside(from.path, entry.name);
    if (place === undefined) {
      kubectl.terminal.err(
        `warning: file "${entry.name}" is outside target destination, skipping\n`,
      );
    } else if (entry.kind === "other") {
      kubectl.terminal.err(`warning: skipping symlink or special file: "${entry.name}"\n`);
    } else {
      const path = place === "" ? target : `${target}/${place}`;
      await local.writeEntry(path, { entry, content });
    }
  }
  ended(await streams.exitCode);
}

export const cp = defineCommand({
  usage: "cp (POD:FILE | FILE) (FILE | POD:FILE) [-c CONTAINER]",
  flags: {
    container: { short: "c", kind: "text", help: "The container, where the pod has several" },
    "no-preserve": { kind: "bool", help: "Without the files' owner and mode" },
    retries: { kind: "number", help: "Accepted as upstream's; nothing is tried again" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const [source, target, ...more] = args;
    if (source === undefined || target === undefined || more.length > 0)
      throw new UsageError("source and destination are required");
    const [from, to] = [parseCopySpec(source), parseCopySpec(target)];
    if (from.pod !== undefined && to.pod !== undefined)
      throw new UsageError("one of src or dest must be a local file specification");
    if (from.path === "" || to.path === "") throw new UsageError("filepath can not be empty");
    if (from.pod !== undefined)
      await download(await remoteOf(kubectl, from, flags.container), from, to.path);
    else if (to.pod !== undefined) {
      const remote = await remoteOf(kubectl, to, flags.container);
      await upload(remote, from.path, to, flags["no-preserve"]);
    } else throw new UsageError("one of src or dest must be a remote file specification");
    return 0;
  },
});
