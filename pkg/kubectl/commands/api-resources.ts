import { defineCommand } from "../command.ts";
import { UsageError } from "../../base/flags.ts";
import { ColumnPrinter } from "../print/table.ts";
import { apiVersionOf, qualifiedName, type ApiResource } from "../resource-mapper.ts";

const byGroup = ({ group, plural }: ApiResource): string => `${group}/${plural}`;
const sortKeys: Readonly<Record<string, (one: ApiResource) => string>> = {
  name: ({ plural }) => plural,
  kind: ({ kind }) => kind,
};

export const apiResources = defineCommand({
  usage: "api-resources [--namespaced=BOOL] [--api-group=GROUP] [--verbs=VERBS] [-o name|wide]",
  flags: {
    namespaced: {
      kind: "text",
      alone: "true",
      help: "Only namespaced ones, or with =false only the others",
    },
    "api-group": { kind: "text", help: "Only of this group" },
    verbs: { kind: "text", help: "Only those that have all these verbs" },
    output: { short: "o", kind: "text", help: "name or wide" },
    "no-headers": { kind: "bool", help: "Leave out the header" },
    categories: { kind: "text", help: "Only of these categories" },
    "sort-by": { kind: "text", help: "name or kind" },
    cached: { kind: "bool", help: "Accepted for kubectl's sake: nothing is cached here" },
  } as const,
  run: async (kubectl, { flags }) => {
    const { output = "", verbs } = flags;
    if (!["", "name", "wide"].includes(output))
      throw new UsageError(`--output ${output} is not available in tskubectl api-resources`);
    const wanted = verbs?.split(",") ?? [];
    const mapper = await kubectl.mapper();
    const shown = mapper.resources
      .filter((one) => one.verbs.length > 0)
      .filter(
        (one) => flags.namespaced === undefined || one.namespaced === (flags.namespaced === "true"),
      )
      .filter((one) => flags["api-group"] === undefined || one.group === flags["api-group"])
      .filter((one) => wanted.every((verb) => one.verbs.includes(verb)))
      .filter(
        (one) =>
          flags.categories === undefined ||
          flags.categories.split(",").every((name) => one.categories.includes(name)),
      )
      .toSorted((a, b) => {
        const key = sortKeys[flags["sort-by"] ?? ""] ?? byGroup;
        return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
      });
    if (output === "name") {
      kubectl.terminal.out(shown.map((one) => `${qualifiedName(one)}\n`).join(""));
      return 0;
    }
    const isWide = output === "wide";
    const header = [
      "NAME",
      "SHORTNAMES",
      "APIVERSION",
      "NAMESPACED",
      "KIND",
      ...(isWide ? ["VERBS", "CATEGORIES"] : []),
    ];
    const rows = shown.map((one) => [
      one.plural,
      one.shortNames.join(","),
      apiVersionOf(one),
      String(one.namespaced),
      one.kind,
      ...(isWide ? [one.verbs.join(","), one.categories.join(",")] : []),
    ]);
    kubectl.terminal.out(new ColumnPrinter().lines(flags["no-headers"] ? rows : [header, ...rows]));
    return 0;
  },
});
