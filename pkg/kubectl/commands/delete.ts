import { isReason } from "../../machinery/status-error.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { durationMs } from "../../base/duration.ts";
import { eachOf, whileDoing } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { sendRaw } from "../raw-request.ts";
import { qualifiedKind } from "../resource-mapper.ts";
import { waitGone } from "../wait-gone.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  selector: { short: "l", kind: "text", help: "Label selector" },
  "field-selector": { kind: "text", help: "Field selector" },
  all: { kind: "bool", help: "All objects of the type in the namespace" },
  "all-namespaces": {
    short: "A",
    kind: "bool",
    help: "With a selector or --all: in all namespaces",
  },
  "grace-period": { kind: "number", help: "Seconds to end in peace; -1: the object's own" },
  force: { kind: "bool", help: "With --grace-period=0: do not wait for the node" },
  now: { kind: "bool", help: "One second of grace" },
  wait: { kind: "text", alone: "true", help: "false: do not wait until the objects are gone" },
  cascade: { kind: "text", alone: "background", help: "background, foreground or orphan" },
  "ignore-not-found": { kind: "bool", help: "No error for objects that are not there" },
  output: { short: "o", kind: "text", help: "name: print only TYPE/NAME" },
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  timeout: { kind: "text", help: "How long to wait, as 30s or 2m" },
  raw: { kind: "text", help: "Delete this path of the server" },
} as const;
type DeleteFlags = Flags<typeof flags>;

const propagation: Readonly<Record<string, string>> = {
  background: "Background",
  foreground: "Foreground",
  orphan: "Orphan",
};

function deleteOptions(given: DeleteFlags): Record<string, unknown> {
  const grace = given.now ? 1 : (given["grace-period"] ?? (given.force ? 0 : -1));
  return {
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy: propagation[given.cascade ?? "background"] ?? "Background",
    ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
    ...(given["dry-run"] === "server" ? { dryRun: ["All"] } : {}),
  };
}

/** An object that is on its way out. */
interface Wait {
  readonly target: ObjectTarget;
  readonly until: (signal: AbortSignal) => Promise<void>;
}

interface Deleted {
  readonly kind?: string;
  readonly metadata?: { readonly uid?: string };
  readonly details?: { readonly uid?: string };
}

async function deleteOne(
  kubectl: Kubectl,
  target: ObjectTarget,
  given: DeleteFlags,
): Promise<Wait | undefined> {
  const { terminal, api } = kubectl;
  const what = target.source === undefined ? undefined : `error when deleting "${target.source}"`;
  const kind = qualifiedKind(target.resource);
  const isDry = given["dry-run"] !== undefined && given["dry-run"] !== "none";
  const deleted =
    given["dry-run"] === "client"
      ? {}
      : await api
          .send<Deleted>({
            method: "DELETE",
            path: target.path,
            body: deleteOptions(given),
          })
          .catch((error: unknown) => {
            throw what === undefined ? error : whileDoing(error, what);
          });
  if (given.output === "name") terminal.out(`${kind}/${target.name}\n`);
  else {
    const how = given.force && (given["grace-period"] ?? 0) === 0 ? "force deleted" : "deleted";
    const where = target.resource.namespaced ? ` from ${target.namespace} namespace` : "";
    const mode = isDry ? ` (${given["dry-run"] === "server" ? "server " : ""}dry run)` : "";
    terminal.out(`${kind} "${target.name}" ${how}${where}${mode}\n`);
  }
  if (isDry || given.wait === "false") return undefined;
  const uid = deleted.kind === "Status" ? deleted.details?.uid : deleted.metadata?.uid;
  return { target, until: (signal) => waitGone(kubectl, target, uid, signal) };
}

function warn(
  { terminal, namespaceIsAsked }: Kubectl,
  targets: readonly ObjectTarget[],
  given: DeleteFlags,
) {
  if (given.force) {
    terminal.err(
      "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n",
    );
  }
  if (namespaceIsAsked && targets.some(({ resource }) => !resource.namespaced)) {
    terminal.err(
      "Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n",
    );
  }
}

/** Waits for one after the other, all within the time. */
async function waitAll(
  { clock, signal }: Kubectl,
  waits: readonly Wait[],
  timeoutMs: number | undefined,
): Promise<void> {
  const overdue = new AbortController();
  using _alarm =
    timeoutMs === undefined || timeoutMs === 0
      ? undefined
      : clock.after(timeoutMs, () => overdue.abort());
  const life = AbortSignal.any([signal, overdue.signal]);
  for (const { target, until } of waits) {
    await until(life).catch((error: unknown) => {
      if (!overdue.signal.aborted) throw error;
      throw new UsageError(
        `timed out waiting for the condition on ${target.resource.plural}/${target.name}`,
      );
    });
  }
}

export const deleteCommand = defineCommand({
  usage: "delete ([-f FILE] | TYPE NAME... | TYPE/NAME... | TYPE (-l SELECTOR | --all))",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    if (given.raw !== undefined) return sendRaw(kubectl, "DELETE", given.raw, given.filename);
    if (!["", "name"].includes(given.output ?? ""))
      throw new UsageError(`unexpected -o output mode: ${given.output}. We only support '-o name'`);
    const timeoutMs = given.timeout === undefined ? undefined : durationMs(given.timeout);
    const targets = await chooseObjects(kubectl, args, {
      filename: given.filename,
      recursive: given.recursive,
      selector: given.selector,
      fieldSelector: given["field-selector"],
      all: given.all,
      allNamespaces: given["all-namespaces"],
    });
    warn(kubectl, targets, given);
    const waits: Wait[] = [];
    const isWide = given.selector !== undefined || given.all;
    const failures = await eachOf(targets, async (target) => {
      try {
        const wait = await deleteOne(kubectl, target, given);
        if (wait !== undefined) waits.push(wait);
      } catch (error) {
        const isFine = isReason(error, "NotFound") && (isWide || given["ignore-not-found"]);
        if (!isFine) throw error;
      }
    });
    if (targets.length === 0) kubectl.terminal.out("No resources found\n");
    await waitAll(kubectl, waits, timeoutMs);
    if (failures !== undefined) throw failures;
    return 0;
  },
});
