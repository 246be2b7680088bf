/** What `diff` compares: two texts an object, without what must not be seen. Pure. */
import type { KubeObject } from "../../api/resource.ts";
import { isFields } from "../machinery/fields.ts";
import { matchesRequirements, parseLabelSelector } from "../machinery/label-selector.ts";

type Fields = Readonly<Record<string, unknown>>;
export type DiffObject = KubeObject & Fields;

export interface DiffPair {
  /** Undefined: it is not there yet. */
  readonly live: DiffObject | undefined;
  readonly merged: DiffObject | undefined;
}

/** "apps.v1.Deployment.default.web": the file of an object. */
export function diffFileName(
  {
    group,
    version,
    kind,
  }: { readonly group: string; readonly version: string; readonly kind: string },
  namespace: string,
  name: string,
): string {
  return `${group === "" ? "" : `${group}.`}${version}.${kind}.${namespace}.${name}`;
}

const mask = "***";

/** Each value as stars; where the two differ it says so. */
function maskedData(own: unknown, other: unknown, mark: string): unknown {
  if (!isFields(own)) return own;
  const theirs = isFields(other) ? other : {};
  return Object.fromEntries(
    Object.entries(own).map(([key, value]) => {
      const isChanged = Object.hasOwn(theirs, key) && theirs[key] !== value;
      return [key, isChanged ? `${mask} (${mark})` : mask];
    }),
  );
}

const isSecret = (object: DiffObject | undefined): boolean =>
  object?.kind === "Secret" && object.apiVersion === "v1";

function withMasked(own: DiffObject, other: DiffObject | undefined, mark: string): DiffObject {
  const fields = ["data", "stringData"].filter((name) => own[name] !== undefined);
  const masked = fields.map((name) => [name, maskedData(own[name], other?.[name], mark)]);
  return { ...own, ...Object.fromEntries(masked) } as DiffObject;
}

/** A Secret's values are not for a terminal. */
export function withoutSecrets({ live, merged }: DiffPair): DiffPair {
  if (!isSecret(live ?? merged)) return { live, merged };
  return {
    live: live === undefined ? undefined : withMasked(live, merged, "before"),
    merged: merged === undefined ? undefined : withMasked(merged, live, "after"),
  };
}

export function withoutManagers(object: DiffObject): DiffObject {
  const { managedFields: _managers, ...metadata } = (object.metadata ?? {}) as Fields;
  return { ...object, metadata } as DiffObject;
}

/** Of KUBECTL_EXTERNAL_DIFF, or the system's own; words that a shell would read are left out. */
export function diffCommand(external: string | undefined): readonly string[] {
  const [program = "", ...words] = (external ?? "").split(" ").filter((word) => word !== "");
  if (program === "") return ["diff", "-u", "-N"];
  return [program, ...words.filter((word) => /^[a-zA-Z0-9-=]+$/.test(word))];
}

/** Those with such labels, in their order; "" chooses all. Throws SelectorError. */
export function selected<T extends { readonly object: KubeObject }>(
  manifests: readonly T[],
  selector: string,
): readonly T[] {
  const requirements = parseLabelSelector(selector);
  return manifests.filter(({ object }) =>
    matchesRequirements(requirements, object.metadata?.labels),
  );
}
