import type { Event } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { isReason } from "../../machinery/status-error.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { describerOf, type RelatedQuery } from "../describe/describers.ts";
import { writeEvents } from "../describe/events-section.ts";
import { alignTabs, TabLines } from "../describe/tab-lines.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { apiVersionOf, pathOf } from "../resource-mapper.ts";

interface ItemList {
  readonly items?: readonly KubeObject[];
}

/** What else the text needs; what may not be read, or is not served here, is left out. */
async function fetchRelated(
  kubectl: Kubectl,
  { resource, namespace, labelSelector, fieldSelector }: RelatedQuery,
): Promise<readonly KubeObject[]> {
  const mapper = await kubectl.mapper([resource]);
  const query = new URLSearchParams({
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  });
  try {
    const found = mapper.byName(resource);
    const path = pathOf(found, namespace === undefined ? {} : { namespace });
    const list = await kubectl.api.send<ItemList>({ method: "GET", path: `${path}?${query}` });
    return list.items ?? [];
  } catch (error) {
    if (isReason(error, "NotFound", "Forbidden")) return [];
    throw error;
  }
}

function eventsOf(kubectl: Kubectl, object: KubeObject): Promise<readonly KubeObject[]> {
  const { name = "", namespace, uid } = object.metadata ?? {};
  const terms = [`involvedObject.name=${name}`, `involvedObject.kind=${object.kind}`];
  // The kubelet names its node by name in place of the uid.
  if (object.kind !== "Node" && uid !== undefined) terms.push(`involvedObject.uid=${uid}`);
  return fetchRelated(kubectl, {
    resource: "events",
    ...(namespace === undefined ? {} : { namespace }),
    fieldSelector: terms.join(","),
  });
}

async function describeOne(
  kubectl: Kubectl,
  { resource, path }: ObjectTarget,
  withEvents: boolean,
): Promise<string> {
  const object = await kubectl.api.send<KubeObject>({ method: "GET", path });
  const whole = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  const describer = describerOf(resource.group, resource.kind);
  const queries = describer.related?.(whole) ?? [];
  const related = await Promise.all(queries.map((query) => fetchRelated(kubectl, query)));
  const nowMs = kubectl.clock.now();
  const out = new TabLines();
  describer.write(whole, out, { related, nowMs });
  if (withEvents && describer.hasEvents)
    writeEvents(out, (await eventsOf(kubectl, whole)) as readonly Event[], nowMs);
  return alignTabs(out.text);
}

export const describe = defineCommand({
  usage: "describe (-f FILE | TYPE [NAME...] | TYPE/NAME...) [-l SELECTOR]",
  flags: {
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    selector: { short: "l", kind: "text", help: "Label selector" },
    "all-namespaces": { short: "A", kind: "bool", help: "Objects of all namespaces" },
    "show-events": {
      kind: "text",
      alone: "true",
      help: "Events behind each object (true for a single object)",
    },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const targets = await chooseObjects(kubectl, args, {
      filename: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      all: true,
      allNamespaces: flags["all-namespaces"],
      whenNothing:
        'You must specify the type of resource to describe. Use "tskubectl api-resources" for a complete list of supported resources.',
    });
    if (targets.length === 0) {
      const where = flags["all-namespaces"] ? "" : ` in ${kubectl.namespace} namespace.`;
      kubectl.terminal.err(`No resources found${where}\n`);
    }
    const asked = flags["show-events"];
    const withEvents = asked === undefined ? targets.length === 1 : asked === "true";
    let separator = "";
    const failures = await eachOf(targets, async (target) => {
      const text = await describeOne(kubectl, target, withEvents);
      kubectl.terminal.out(separator + text);
      separator = "\n\n";
    });
    if (failures !== undefined) throw failures;
    return 0;
  },
});
