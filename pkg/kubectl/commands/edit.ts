import { chainOf } from "../../base/errors.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import { defineCommand, type Kubectl, type LocalMachine } from "../command.ts";
import {
  editorCommand,
  objectsOf,
  objectsText,
  planEdits,
  refusalOf,
  withHead,
  withoutComments,
  type EditedObject,
  type EditFormat,
  type EditPatch,
  type Refusal,
} from "../edit-plan.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { jsonText } from "../print/json-text.ts";
import { apiVersionOf, qualifiedKind, qualifiedName } from "../resource-mapper.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  selector: { short: "l", kind: "text", help: "Label selector" },
  output: { short: "o", kind: "text", help: "Edit as yaml (the default) or json" },
  "output-patch": { kind: "bool", help: "Print the patch that is sent" },
  "show-managed-fields": { kind: "bool", help: "Edit who manages which field, too" },
  "field-manager": { kind: "text", help: "Name under which fields are owned" },
  validate: { kind: "text", alone: "strict", help: "strict, warn or ignore" },
} as const;
type EditFlags = Flags<typeof flags>;

interface Editing {
  readonly kubectl: Kubectl;
  readonly local: LocalMachine;
  readonly given: EditFlags;
  readonly targets: ReadonlyMap<EditedObject, ObjectTarget>;
  readonly format: EditFormat;
  readonly file: string;
}

function formatOf({ output }: EditFlags): EditFormat {
  if (output === undefined || output === "yaml") return "yaml";
  if (output === "json") return "json";
  throw new UsageError(
    `unable to match a printer suitable for the output format "${output}", allowed formats are: json,yaml`,
  );
}

async function fetch(
  { api }: Kubectl,
  targets: readonly ObjectTarget[],
  given: EditFlags,
): Promise<ReadonlyMap<EditedObject, ObjectTarget>> {
  const found = new Map<EditedObject, ObjectTarget>();
  for (const target of targets) {
    const object = await api.send<EditedObject>({ method: "GET", path: target.path });
    const { managedFields, ...metadata } = (object.metadata ?? {}) as Record<string, unknown>;
    const { resource } = target;
    const shown = given["show-managed-fields"] ? { ...metadata, managedFields } : metadata;
    const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    found.set({ ...object, ...identity, metadata: shown } as EditedObject, target);
  }
  return found;
}

/** Hands the file to the editor, and gives back what is in it then. */
async function letEdit({ kubectl, local, file }: Editing, text: string): Promise<string> {
  await local.writeText(file, text);
  const named = local.environment("KUBE_EDITOR") || local.environment("EDITOR");
  const editor = named || "vi";
  const command = editorCommand(editor, file);
  const code = await local.run(command).catch((cause: unknown) => {
    throw new UsageError(`unable to launch the editor "${editor}"`, { cause });
  });
  if (code !== 0) throw new UsageError(`there was a problem with the editor "${editor}"`);
  return kubectl.files.readText(file);
}

/** Sends one object's changes. A refusal is for the next look at the file. */
async function save(
  { kubectl, given, targets, file }: Editing,
  { original, patch }: EditPatch,
): Promise<Refusal | undefined> {
  const target = targets.get(original);
  if (target === undefined) return undefined;
  const { terminal, api } = kubectl;
  const name = `${qualifiedKind(target.resource)}/${target.name}`;
  if (patch === undefined) {
    terminal.out(`${name} skipped\n`);
    return undefined;
  }
  if (given["output-patch"]) terminal.out(`Patch: ${jsonText(patch.body)}\n`);
  const fieldManager = given["field-manager"] ?? "kubectl-edit";
  const query = new URLSearchParams({ fieldManager, fieldValidation: "Strict" });
  try {
    await api.send({ method: "PATCH", path: `${target.path}?${query}`, ...patch });
    terminal.out(`${name} edited\n`);
    return undefined;
  } catch (error) {
    const named = `${qualifiedName(target.resource)} "${target.name}"`;
    if (isReason(error, "Invalid", "BadRequest")) {
      terminal.err(`error: ${named} is invalid\n`);
      return refusalOf(named, error);
    }
    if (isReason(error, "NotFound")) {
      terminal.err(`error: ${named} could not be found on the server\n`);
      return { head: `${named} could not be found on the server:`, reasons: [error.message] };
    }
    kubectl.signal.throwIfAborted();
    const why = chainOf(error);
    terminal.err(
      `error: ${named} could not be patched: ${why}\nYou can run \`tskubectl replace -f ${file}\` to try this update again.\n`,
    );
    return { head: `${named} could not be patched:`, reasons: [why] };
  }
}

/** The file as objects, or why it cannot be read. */
async function parsed(
  { kubectl, targets }: Editing,
  text: string,
): Promise<readonly EditedObject[] | Refusal> {
  const { parseYaml, YamlError } = await import("../../machinery/yaml.ts");
  try {
    return objectsOf(parseYaml(text).map(({ value }) => value));
  } catch (error) {
    if (!(error instanceof YamlError) && !(error instanceof UsageError)) throw error;
    const [target] = targets.values();
    const named = target === undefined ? "" : `${qualifiedName(target.resource)} "${target.name}"`;
    kubectl.terminal.err(`error: ${named} is invalid\n`);
    const why = `<nil>: Invalid value: "The edited file failed validation": yaml: ${error.message}`;
    return { head: `${named} was not valid:`, reasons: [why] };
  }
}

const isRefusal = (result: readonly EditedObject[] | Refusal): result is Refusal =>
  "reasons" in result;

/** An editor that is a program may never get it right. */
const openedMax = 10;

/** Opens the file until all that it says is saved, or nothing more is changed. */
async function editUntilSaved(editing: Editing): Promise<"saved" | "unchanged"> {
  const { kubectl, targets, format } = editing;
  let originals = [...targets.keys()];
  let text = objectsText(originals, format);
  let refusals: readonly Refusal[] = [];
  for (let opened = 1; ; opened++) {
    kubectl.signal.throwIfAborted();
    if (opened > openedMax) throw new UsageError("Edit cancelled, no valid changes were saved.");
    const shown = withHead(text, format, refusals);
    const edited = withoutComments(await letEdit(editing, shown));
    if (edited.trim() === "") {
      kubectl.terminal.err("Edit cancelled, saved file was empty.\n");
      return "unchanged";
    }
    if (edited === withoutComments(text)) {
      if (refusals.length > 0) throw new UsageError("Edit cancelled, no valid changes were saved.");
      kubectl.terminal.err("Edit cancelled, no changes made.\n");
      return "unchanged";
    }
    text = edited;
    const objects = await parsed(editing, edited);
    if (isRefusal(objects)) {
      refusals = [objects];
      continue;
    }
    const failed: Refusal[] = [];
    const left: EditedObject[] = [];
    const edits = planEdits(originals, objects);
    for (const [at, edit] of edits.entries()) {
      const refusal = await save(editing, edit);
      const object = objects[at];
      if (refusal === undefined || object === undefined) continue;
      failed.push(refusal);
      left.push(object);
    }
    if (failed.length === 0) return "saved";
    refusals = failed;
    if (edits.length > 1) {
      originals = edits.flatMap(({ original }, at) =>
        left.includes(objects[at] as EditedObject) ? [original] : [],
      );
      text = objectsText(left, format);
    }
  }
}

export const edit = defineCommand({
  usage: "edit (TYPE NAME | TYPE/NAME | -f FILE) [-o yaml|json]",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const format = formatOf(given);
    const choice = { ...given, all: true, allNamespaces: false };
    const chosen = await chooseObjects(kubectl, args, choice);
    const targets = await fetch(kubectl, chosen, given);
    if (targets.size === 0) throw new UsageError("edit cancelled, no objects found");
    const local = await kubectl.local();
    const folder = await local.makeTemporaryFolder("kubectl-edit-");
    const file = `${folder.path}/edit.${format}`;
    try {
      await editUntilSaved({ kubectl, local, given, targets, format, file });
    } catch (error) {
      // What was typed is worth more than a tidy folder.
      const isKept = error instanceof UsageError && !/editor/.test(error.message);
      if (isKept) kubectl.terminal.err(`A copy of your changes has been stored to "${file}"\n`);
      else await folder[Symbol.asyncDispose]();
      throw error;
    }
    await folder[Symbol.asyncDispose]();
    return 0;
  },
});
