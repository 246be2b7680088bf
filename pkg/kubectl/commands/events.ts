import type { Event, EventList } from "../../../api/core/v1.ts";
import { UsageError } from "../../base/flags.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { eventAge, oldestFirst } from "../event-text.ts";
import { objectPrinter } from "../print/output.ts";
import { ColumnPrinter } from "../print/table.ts";
import { pathOf } from "../resource-mapper.ts";

const types = ["Normal", "Warning"];

/** Field selectors of --for TYPE/NAME. */
async function fieldsOf(kubectl: Kubectl, about: string | undefined): Promise<readonly string[]> {
  if (about === undefined) return [];
  const [type = "", name = "", ...more] = about.split("/");
  if (type === "" || name === "" || more.length > 0)
    throw new UsageError("--for must be in resource/name form");
  const { kind } = (await kubectl.mapper([type])).byName(type);
  return [`involvedObject.kind=${kind}`, `involvedObject.name=${name}`];
}

/** --types: comma-separated, of any case; empty: all. */
function typesOf(text: string | undefined): readonly string[] {
  const asked = (text ?? "").split(",").filter((word) => word !== "");
  return asked.map((word) => {
    const found = types.find((type) => type.toLowerCase() === word.toLowerCase());
    if (found === undefined) throw new UsageError("valid --types are Normal or Warning");
    return found;
  });
}

const headers = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];

export const events = defineCommand({
  usage: "events [-A] [--for TYPE/NAME] [--types=Normal,Warning] [-w]",
  flags: {
    "all-namespaces": { short: "A", kind: "bool", help: "In all namespaces" },
    for: { kind: "text", help: "Only those about this object: TYPE/NAME" },
    types: { kind: "text", help: "Normal, Warning or both" },
    watch: { short: "w", kind: "bool", help: "Go on with what happens now" },
    output: { short: "o", kind: "text", help: "json, yaml, name, jsonpath=…" },
    "no-headers": { kind: "bool", help: "No first line" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    if (args.length > 0) throw new UsageError(`unexpected arguments: ${args.join(" ")}`);
    const isWide = flags["all-namespaces"];
    const asked = typesOf(flags.types);
    const query = new URLSearchParams();
    const fields = await fieldsOf(kubectl, flags.for);
    if (fields.length > 0) query.set("fieldSelector", fields.join(","));
    const resource = (await kubectl.mapper(["events"])).byName("events");
    const collection = pathOf(resource, isWide ? {} : { namespace: kubectl.namespace });
    const { api, terminal, clock } = kubectl;
    const list = await api.send<EventList>({ method: "GET", path: `${collection}?${query}` });
    const isAsked = ({ type }: Event): boolean => asked.length === 0 || asked.includes(type ?? "");
    const found = oldestFirst((list.items ?? []).filter(isAsked));
    const identity = { apiVersion: "v1", kind: "Event" };
    const print = objectPrinter(flags.output, () => "");
    if (print !== undefined) {
      const items = found.map((event) => ({ ...identity, ...event }));
      terminal.out(await print({ apiVersion: "v1", kind: "List", metadata: {}, items }));
      return 0;
    }
    const columns = new ColumnPrinter();
    const row = (event: Event): readonly string[] => [
      ...(isWide ? [event.metadata?.namespace ?? ""] : []),
      eventAge(event, clock.now()),
      event.type ?? "",
      event.reason ?? "",
      `${event.involvedObject?.kind}/${event.involvedObject?.name}`,
      (event.message ?? "").trim(),
    ];
    if (found.length === 0 && !flags.watch) {
      terminal.err(`No events found${isWide ? "" : ` in ${kubectl.namespace} namespace`}.\n`);
      return 0;
    }
    const head = flags["no-headers"] ? [] : [[...(isWide ? ["NAMESPACE"] : []), ...headers]];
    terminal.out(columns.lines([...head, ...found.map(row)]));
    if (!flags.watch) return 0;
    query.set("watch", "true");
    query.set("resourceVersion", list.metadata?.resourceVersion ?? "");
    const stream = await api.stream({ method: "GET", path: `${collection}?${query}` });
    for await (const line of jsonLines(stream)) {
      const { type, object } = line as { readonly type: string; readonly object: Event };
      if ((type === "ADDED" || type === "MODIFIED") && isAsked(object))
        terminal.out(columns.lines([row(object)]));
    }
    return 0;
  },
});
