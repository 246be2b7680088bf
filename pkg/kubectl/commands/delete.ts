import { isReason } from "../../machinery/status-error.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import type { Flags } from "../../base/flags.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { pathOf, qualifiedKind } from "../resource-mapper.ts";

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

/** Waits until the object that was deleted is gone: another one of its name may come at once. */
async function waitGone(
  kubectl: Kubectl,
  target: ObjectTarget,
  uid: string | undefined,
): Promise<void> {
  const collection = pathOf(target.resource, { namespace: target.namespace });
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${target.name}` });
  const list = await kubectl.api.send<{
    readonly metadata?: { readonly resourceVersion?: string };
    readonly items?: readonly { readonly metadata?: { readonly uid?: string } }[];
  }>({ method: "GET", path: `${collection}?${query}` });
  if (!(list.items ?? []).some((item) => uid === undefined || item.metadata?.uid === uid)) return;
  query.set("watch", "true");
  query.set("resourceVersion", list.metadata?.resourceVersion ?? "");
  const stream = await kubectl.api.stream({ method: "GET", path: `${collection}?${query}` });
  for await (const event of jsonLines(stream)) {
    if ((event as { type?: string }).type === "DELETED") return;
  }
  // The server ended the watch before the object: look again.
  return waitGone(kubectl, target, uid);
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
): Promise<(() => Promise<void>) | undefined> {
  const { terminal, api } = kubectl;
  const kind = qualifiedKind(target.resource);
  const isDry = given["dry-run"] !== undefined && given["dry-run"] !== "none";
  const deleted =
    given["dry-run"] === "client"
      ? {}
      : await api.send<Deleted>({
          method: "DELETE",
          path: target.path,
          body: deleteOptions(given),
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
  return () => waitGone(kubectl, target, uid);
}

export const deleteCommand = defineCommand({
  name: "delete",
  summary: "Delete resources by file, name, selector or all of a type",
  usage: "delete ([-f FILE] | TYPE NAME... | TYPE/NAME... | TYPE (-l SELECTOR | --all))",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const targets = await chooseObjects(kubectl, args, {
      filename: given.filename,
      recursive: given.recursive,
      selector: given.selector,
      fieldSelector: given["field-selector"],
      all: given.all,
      allNamespaces: given["all-namespaces"],
    });
    const waits: (() => Promise<void>)[] = [];
    let failed = false;
    const isWide = given.selector !== undefined || given.all;
    for (const target of targets) {
      try {
        const wait = await deleteOne(kubectl, target, given);
        if (wait !== undefined) waits.push(wait);
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        if (isWide || given["ignore-not-found"]) continue;
        kubectl.terminal.err(`Error from server (NotFound): ${error.message}\n`);
        failed = true;
      }
    }
    if (targets.length === 0) kubectl.terminal.out("No resources found\n");
    for (const wait of waits) await wait();
    return failed ? 1 : 0;
  },
});
