import type { Event } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { describeObject } from "../describe/describers.ts";
import { eventsSection } from "../describe/events-section.ts";
import { renderSections } from "../describe/sections.ts";
import { chooseObjects } from "../object-args.ts";
import { apiVersionOf, pathOf, type ApiResource } from "../resource-mapper.ts";

async function eventsOf(kubectl: Kubectl, object: KubeObject): Promise<readonly Event[]> {
  const { name = "", namespace, uid } = object.metadata ?? {};
  const terms = [`involvedObject.name=${name}`, `involvedObject.kind=${object.kind}`];
  // Nodes are named by their own name in events, not by uid, where the kubelet writes them.
  if (object.kind !== "Node" && uid !== undefined) terms.push(`involvedObject.uid=${uid}`);
  const events = (await kubectl.mapper()).byName("events");
  const query = new URLSearchParams({ fieldSelector: terms.join(",") });
  const collection = pathOf(events, namespace === undefined ? {} : { namespace });
  const list = await kubectl.api.send<{ items?: readonly Event[] }>({
    method: "GET",
    path: `${collection}?${query}`,
  });
  return list.items ?? [];
}

async function describeOne(kubectl: Kubectl, resource: ApiResource, path: string): Promise<string> {
  const object = await kubectl.api.send<KubeObject>({ method: "GET", path });
  const whole = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  const events = await eventsOf(kubectl, whole);
  return renderSections([...describeObject(whole), eventsSection(events, kubectl.clock.now())]);
}

export const describe = defineCommand({
  name: "describe",
  summary: "Show details of resources, with their events",
  usage: "describe (-f FILE | TYPE [NAME...] | TYPE/NAME...) [-l SELECTOR]",
  flags: {
    filename: { short: "f", kind: "list", help: "Files that name the objects" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    selector: { short: "l", kind: "text", help: "Label selector" },
    "all-namespaces": { short: "A", kind: "bool", help: "Objects of all namespaces" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const targets = await chooseObjects(kubectl, args, {
      filename: flags.filename,
      recursive: flags.recursive,
      selector: flags.selector,
      all: true,
      allNamespaces: flags["all-namespaces"],
    });
    if (targets.length === 0)
      kubectl.terminal.err(`No resources found in ${kubectl.namespace} namespace.\n`);
    let isFirst = true;
    for (const { resource, path } of targets) {
      kubectl.terminal.out((isFirst ? "" : "\n\n") + (await describeOne(kubectl, resource, path)));
      isFirst = false;
    }
    return 0;
  },
});
