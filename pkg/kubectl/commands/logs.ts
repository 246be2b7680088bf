import type { Pod } from "../../../api/core/v1.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import type { Flags } from "../../base/flags.ts";
import { UsageError } from "../../base/flags.ts";
import { durationMs } from "../../base/duration.ts";
import { isReason } from "../../machinery/status-error.ts";
import { containerOf, podOf, podsBySelector } from "../pod-args.ts";

const flags = {
  container: { short: "c", kind: "text", help: "The container, where the pod has several" },
  follow: { short: "f", kind: "bool", help: "Go on as the log grows" },
  previous: { short: "p", kind: "bool", help: "Of the container before its last restart" },
  tail: { kind: "number", help: "Only the last so many lines (10 with a selector, else all)" },
  since: { kind: "text", help: "Only lines younger than 5s, 2m, 3h" },
  "since-time": { kind: "text", help: "Only lines after this RFC 3339 time" },
  timestamps: { kind: "bool", help: "With the time of each line" },
  "limit-bytes": { kind: "number", help: "At most so many bytes" },
  "all-containers": { kind: "bool", help: "Of all containers of the pod" },
  prefix: { kind: "bool", help: "Name pod and container before each line" },
  selector: { short: "l", kind: "text", help: "Of all pods with these labels" },
} as const;
type LogFlags = Flags<typeof flags>;

function logQuery(given: LogFlags, container: string): string {
  const query = new URLSearchParams({ container });
  if (given.follow) query.set("follow", "true");
  if (given.previous) query.set("previous", "true");
  if (given.timestamps) query.set("timestamps", "true");
  const tail = given.tail ?? (given.selector === undefined ? -1 : 10);
  if (tail >= 0) query.set("tailLines", `${tail}`);
  if (given.since !== undefined)
    query.set("sinceSeconds", `${Math.ceil(durationMs(given.since) / 1000)}`);
  if (given["since-time"] !== undefined) query.set("sinceTime", given["since-time"]);
  if (given["limit-bytes"] !== undefined) query.set("limitBytes", `${given["limit-bytes"]}`);
  return query.toString();
}

interface Source {
  readonly pod: Pod;
  readonly container: string;
}

function containersOf(kubectl: Kubectl, pod: Pod, given: LogFlags): readonly Source[] {
  if (!given["all-containers"])
    return [{ pod, container: containerOf(kubectl, pod, given.container) }];
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return all.map((container) => ({ pod, container: container.name }));
}

/** Lines with a prefix are written whole, so that those of several sources do not mix. */
async function copy(kubectl: Kubectl, { pod, container }: Source, given: LogFlags): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${logQuery(given, container)}`;
  const stream = await kubectl.api.stream({ method: "GET", path, accept: "*/*" });
  if (!given.prefix) {
    for await (const piece of stream) await kubectl.terminal.write(1, piece);
    return;
  }
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) kubectl.terminal.out(`[pod/${name}/${container}] ${line}\n`);
  }
  if (rest !== "") kubectl.terminal.out(`[pod/${name}/${container}] ${rest}\n`);
}

/** Who asks for logs of what is not there hears in which namespace it was looked for. */
function absent({ namespace }: Kubectl, error: unknown): never {
  if (!isReason(error, "NotFound")) throw error;
  throw new UsageError(
    `error from server (NotFound): ${error.message} in namespace "${namespace}"`,
  );
}

export const logs = defineCommand({
  usage: "logs [-f] [-p] (POD | TYPE/NAME | -l SELECTOR) [-c CONTAINER]",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const [word, container] = args;
    if ((word === undefined && given.selector === undefined) || args.length > 2) {
      throw new UsageError(
        "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n" +
          "POD or TYPE/NAME is a required argument for the logs command\n" +
          "See 'tskubectl logs -h' for help and examples",
      );
    }
    const pods =
      word === undefined
        ? await podsBySelector(kubectl, given.selector ?? "")
        : [await podOf(kubectl, word).catch((error: unknown) => absent(kubectl, error))];
    if (pods.length === 0)
      kubectl.terminal.err(`No resources found in ${kubectl.namespace} namespace.\n`);
    const asked = container === undefined ? given : { ...given, container };
    const sources = pods.flatMap((pod) => containersOf(kubectl, pod, asked));
    if (given.follow) await Promise.all(sources.map((source) => copy(kubectl, source, given)));
    else for (const source of sources) await copy(kubectl, source, given);
    return 0;
  },
});
