import { UsageError } from "../../base/flags.ts";
import { defineCommand } from "../command.ts";
import { durationMs } from "../../base/duration.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { parseWaitFor } from "../wait-for.ts";
import { watchUntil } from "../watch-until.ts";

/** Upstream's default. */
const timeoutDefault = "30s";

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
      const seen = await watchUntil(kubectl, target, isMet, life).catch((error: unknown) => {
        if (!overdue.signal.aborted) throw error;
        const name = `${target.resource.plural}/${target.name}`;
        throw new UsageError(`timed out waiting for the condition on ${name}`);
      });
      if (seen.object !== undefined || !seen.isFirst)
        kubectl.terminal.out(`${qualifiedKind(target.resource)}/${target.name} condition met\n`);
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
