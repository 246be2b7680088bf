/** What an editor gets to see, and what is sent of what it leaves behind. Pure. */
import type { KubeObject } from "../../api/resource.ts";
import { UsageError } from "../base/flags.ts";
import { createMergePatch } from "../machinery/merge-patch.ts";
import { schemaKeyOf } from "../machinery/schema-key.ts";
import { kubernetesSchema } from "../machinery/schema.ts";
import type { StatusError } from "../machinery/status-error.ts";
import { createStrategicMergePatch } from "../machinery/strategic-diff.ts";
import { jsonText } from "./print/json-text.ts";
import { yamlText } from "./print/yaml-text.ts";

type Fields = Readonly<Record<string, unknown>>;
export type EditedObject = KubeObject & Fields;
export type EditFormat = "yaml" | "json";

const head = [
  "Please edit the object below. Lines beginning with a '#' will be ignored,",
  "and an empty file will abort the edit. If an error occurs while saving this file will be",
  "reopened with the relevant failures.",
  "",
];

/** Why an object was refused: 'configmaps "a" was not valid:', then a line each. */
export interface Refusal {
  readonly head: string;
  readonly reasons: readonly string[];
}

const commented = (line: string): string => `# ${line}`.trimEnd();

/** Objects as text; JSON knows no comments. */
export function objectsText(objects: readonly EditedObject[], format: EditFormat): string {
  const [only] = objects;
  const list = { apiVersion: "v1", kind: "List", metadata: {}, items: objects };
  const whole = objects.length === 1 && only !== undefined ? only : list;
  return format === "json" ? `${jsonText(whole, 4)}\n` : yamlText(whole);
}

/** Above the objects: what to do, and what was wrong with the last attempt. */
export function withHead(text: string, format: EditFormat, refusals: readonly Refusal[]): string {
  if (format === "json") return text;
  const told = refusals.flatMap((one) => [
    one.head,
    ...one.reasons.map((reason) => `* ${reason.replaceAll("\n", "\n# ")}`),
    "",
  ]);
  return `${[...head, ...told].map(commented).join("\n")}\n${text}`;
}

/** Without the lines that are for people. */
export const withoutComments = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n");

/** One object, or a List's items. Throws YamlError and UsageError. */
export function objectsOf(documents: readonly unknown[]): readonly EditedObject[] {
  return documents.flatMap((document) => {
    if (typeof document !== "object" || document === null)
      throw new UsageError("the edited file holds no object");
    const object = document as EditedObject;
    return object.kind === "List" ? ((object["items"] ?? []) as readonly EditedObject[]) : [object];
  });
}

const identity = ({ apiVersion, kind, metadata }: KubeObject): string =>
  [apiVersion, kind, metadata?.namespace, metadata?.name].join("\n");

export interface EditPatch {
  readonly original: EditedObject;
  /** Absent: nothing was changed. */
  readonly patch?: { readonly contentType: string; readonly body: Fields };
}

/** Throws UsageError where an object became another one: an edit neither makes nor removes. */
export function planEdits(
  originals: readonly EditedObject[],
  edited: readonly EditedObject[],
): readonly EditPatch[] {
  const byIdentity = new Map(originals.map((object) => [identity(object), object]));
  if (edited.length !== originals.length) throw new UsageError("The number of objects was changed");
  return edited.map((object) => {
    const original = byIdentity.get(identity(object));
    if (original === undefined)
      throw new UsageError("At least one of apiVersion, kind and name was changed");
    const key = schemaKeyOf(original.apiVersion ?? "", original.kind ?? "");
    const body =
      key === undefined
        ? createMergePatch(original, object)
        : createStrategicMergePatch(kubernetesSchema, key, original, object);
    if (Object.keys(body).length === 0) return { original };
    const type = key === undefined ? "merge-patch" : "strategic-merge-patch";
    return { original, patch: { contentType: `application/${type}+json`, body } };
  });
}

/** `name` is 'configmaps "a"'. */
export function refusalOf(name: string, { message, details }: StatusError): Refusal {
  const causes = (details.causes ?? []).map(({ field, message: why }) =>
    field === undefined || field === "" ? why : `${field}: ${why}`,
  );
  return { head: `${name} was not valid:`, reasons: causes.length === 0 ? [message] : causes };
}

/** A program and its words; a shell cuts them where they are quoted. */
export function editorCommand(editor: string, file: string): readonly string[] {
  if (/["'\\]/.test(editor)) return ["/bin/sh", "-c", `${editor} "${file}"`];
  return [...editor.split(" ").filter((word) => word !== ""), file];
}
