import type { KubeObject } from "../../../../api/resource.ts";
import { UsageError, type Flags } from "../../../base/flags.ts";
import { formatJson } from "../../../machinery/json.ts";
import { StatusError } from "../../../machinery/status-error.ts";
import { lastAppliedKey } from "../../apply-plan.ts";
import type { Kubectl } from "../../command.ts";
import type { Generated } from "../../generate/config-plan.ts";
import { objectPrinter, type ObjectPrinter } from "../../print/output.ts";
import { pathOf, qualifiedKind, type ApiResource } from "../../resource-mapper.ts";
import { dryRunMark, tellWarnings, writeQuery } from "../../write-request.ts";

/** Flags of everything that makes one object out of a command line. */
export const createFlags = {
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
  output: { short: "o", kind: "text", help: "json, yaml, name, jsonpath=…" },
  validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
  "field-manager": { kind: "text", help: "Name under which fields are owned" },
  "save-config": { kind: "bool", help: "Keep what is sent in the object, for a later apply" },
} as const;
export type CreateFlags = Flags<typeof createFlags>;

/** The one word that these commands take. */
export function onlyName(args: readonly string[], command: string): string {
  const [name] = args;
  if (name !== undefined && args.length === 1) return name;
  throw new UsageError(
    `exactly one NAME is required, got ${args.length}\n` +
      `See 'tskubectl ${command} -h' for help and examples`,
  );
}

/** Refuses as if the flag were asked for before anything else. */
export function required(flags: Readonly<Record<string, unknown>>, ...names: string[]): void {
  const isAbsent = (value: unknown): boolean =>
    value === undefined || (Array.isArray(value) && value.length === 0);
  const missing = names.filter((name) => isAbsent(flags[name]));
  if (missing.length === 0) return;
  throw new UsageError(`required flag(s) ${missing.map((name) => `"${name}"`).join(", ")} not set`);
}

const withAnnotation = (object: Generated): Generated => {
  const text = `${formatJson(object, 0)}\n`;
  const { annotations } = object.metadata as { readonly annotations?: object };
  const all = { ...annotations, [lastAppliedKey]: text };
  return { ...object, metadata: { ...object.metadata, annotations: all } };
};

/** Its namespace is written into an object only where one was asked for. */
const inNamespace = (kubectl: Kubectl, resource: ApiResource, object: Generated): Generated => {
  if (!resource.namespaced || !kubectl.namespaceIsAsked) return object;
  const { name, ...metadata } = object.metadata;
  return { ...object, metadata: { name, namespace: kubectl.namespace, ...metadata } };
};

/** An object of the server's without who manages what, its fields in their order. */
function withoutManagers(object: Readonly<Record<string, unknown>>): object {
  const metadata = Object.entries((object["metadata"] as object | undefined) ?? {});
  const shown = metadata.filter(([key]) => key !== "managedFields");
  return { ...object, metadata: Object.fromEntries(shown) };
}

export interface Creation {
  /** "deployments", "roles.rbac.authorization.k8s.io" */
  readonly resource: string;
  readonly object: Generated;
  /** "failed to create deployment:", before what the server says; absent: it speaks for itself. */
  readonly failing?: string;
  /** Who writes: kubectl-create. */
  readonly manager?: string;
  /** "exposed", where it is not "created". */
  readonly done?: string;
  /** Where several are printed, the printer of all: documents of one stream. */
  readonly printer?: ObjectPrinter | undefined;
  /** Nothing is printed. */
  readonly isSilent?: boolean;
}

/** Sends one object, or not, and prints what is there then. Gives back what it is now. */
export async function createObject(
  kubectl: Kubectl,
  given: CreateFlags,
  creation: Creation,
): Promise<KubeObject> {
  const { failing, manager = "kubectl-create", done = "created" } = creation;
  const query = writeQuery({ ...given, manager: given["field-manager"] ?? manager });
  const resource = (await kubectl.mapper([creation.resource])).byName(creation.resource);
  const placed = inNamespace(kubectl, resource, creation.object);
  const object = given["save-config"] ? withAnnotation(placed) : placed;
  const name = `${qualifiedKind(resource)}/${object.metadata.name}`;
  const printer = creation.printer ?? objectPrinter(given.output, () => name);
  const { namespace } = kubectl;
  const path = `${pathOf(resource, { namespace })}?${query}`;
  const created: KubeObject =
    given["dry-run"] === "client"
      ? object
      : await kubectl.api
          .send<KubeObject>({ method: "POST", path, body: object })
          .catch((error: unknown) => {
            if (failing === undefined || !(error instanceof StatusError)) throw error;
            throw new UsageError(`${failing} ${error.message}`);
          });
  tellWarnings(kubectl);
  if (creation.isSilent === true) return created;
  const { terminal } = kubectl;
  if (given.output === "json") {
    const text = formatJson(withoutManagers(created as unknown as Generated), 4);
    terminal.out(`${text}\n`);
  } else {
    terminal.out(
      printer === undefined
        ? `${name} ${done}${dryRunMark(given["dry-run"])}\n`
        : await printer(created),
    );
  }
  return created;
}
