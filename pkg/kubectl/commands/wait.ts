import type { KubeObject } from "../../../api/resource.ts";
import { UsageError } from "../../base/flags.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { isReason } from "../../machinery/status-error.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { durationMs } from "../../base/duration.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { pathOf, qualifiedKind } from "../resource-mapper.ts";
import { parseWaitFor, type WaitFor } from "../wait-for.ts";

/** Upstream's default. */
const timeoutDefault = "30s";

async function until(
  { api }: Kubectl,
  target: ObjectTarget,
  isMet: WaitFor,
  signal: AbortSignal,
): Promise<"met" | "never there"> {
  const collection = pathOf(target.resource, { namespace: target.namespace });
  for (let isFirst = true; ;) {
    signal.throwIfAborted();
    const object = await api
      .send<KubeObject>({ method: "GET", path: target.path }, signal)
      .catch((error: unknown) => {
        if (isReason(error, "NotFound") && isMet(undefined)) return undefined;
        throw error;
      });
    if (isMet(object)) return object === undefined && isFirst ? "never there" : "met";
    isFirst = false;
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${target.name}`,
      resourceVersion: object?.metadata?.resourceVersion ?? "",
    });
    const path = `${collection}?${query}`;
    for await (const event of jsonLines(await api.stream({ method: "GET", path }, signal))) {
      const { type, object: now } = event as { type: string; object: KubeObject };
      if (type === "ERROR") break;
      if (isMet(type === "DELETED" ? undefined : now)) return "met";
    }
  }
}

export const wait = defineCommand({
  usage:
    "wait (TYPE NAME | TYPE/NAME | -f FILE) --for=(delete | condition=NAME[=VALUE] | jsonpath='{PATH}'[=VALUE])",
  flags: {
    for: { kind: "text", help: "delete, condition=Available, jsonpath='{.status.phase}'=Running" },
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    selector: { short: "l", kind: "text", help: "Label selector" },
    all: { kind: "bool", help: "All objects of the type in the namespace" },
    "all-namespaces": { short: "A", kind: "bool", help: "Objects of all namespaces" },
    timeout: { kind: "text", help: `How long for each (${timeoutDefault}); 0: look once` },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const isMet = parseWaitFor(flags.for ?? "");
    const timeoutMs = durationMs(flags.timeout ?? timeoutDefault);
    const targets = await chooseObjects(kubectl, args, {
      ...flags,
      allNamespaces: flags["all-namespaces"],
    });
    if (targets.length === 0) throw new UsageError("no matching resources found");
    const failures = await eachOf(targets, async (target) => {
      const overdue = new AbortController();
      using _alarm = kubectl.clock.after(timeoutMs, () => overdue.abort());
      const life = AbortSignal.any([kubectl.signal, overdue.signal]);
      const outcome = await until(kubectl, target, isMet, life).catch((error: unknown) => {
        if (!overdue.signal.aborted) throw error;
        const name = `${target.resource.plural}/${target.name}`;
        throw new UsageError(`timed out waiting for the condition on ${name}`);
      });
      if (outcome === "met")
        kubectl.terminal.out(`${qualifiedKind(target.resource)}/${target.name} condition met\n`);
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
