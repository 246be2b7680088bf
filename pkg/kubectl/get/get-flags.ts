import type { Flags } from "../../base/flags.ts";

export const getFlags = {
  output: {
    short: "o",
    kind: "text",
    help: "Output format: json, yaml, name, wide, jsonpath=..., custom-columns=...",
  },
  selector: { short: "l", kind: "text", help: "Label selector: app=web,tier!=db" },
  "field-selector": { kind: "text", help: "Field selector: status.phase=Running" },
  "all-namespaces": { short: "A", kind: "bool", help: "Objects of all namespaces" },
  watch: { short: "w", kind: "bool", help: "After listing, watch for changes" },
  "watch-only": { kind: "bool", help: "Watch for changes without listing first" },
  "output-watch-events": { kind: "bool", help: "With -w: say what happened to each object" },
  "no-headers": { kind: "bool", help: "Leave out the table's header" },
  "show-labels": { kind: "bool", help: "Show all labels as the last column" },
  "show-kind": { kind: "bool", help: "Show kinds before names" },
  "show-managed-fields": { kind: "bool", help: "With json and yaml: who manages which field" },
  "label-columns": { short: "L", kind: "list", help: "Labels to show as columns" },
  "ignore-not-found": { kind: "bool", help: "No error for objects that are not there" },
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  "chunk-size": { kind: "number", help: "Objects a page of a large list (500)" },
  "sort-by": { kind: "text", help: "JSONPath of a field to sort by" },
  raw: { kind: "text", help: "Ask for this path of the server, and print what it says" },
} as const;
export type GetFlags = Flags<typeof getFlags>;
