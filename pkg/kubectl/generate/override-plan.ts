/** --overrides: what people lay over an object that was made for them. */
import { UsageError } from "../../base/flags.ts";
import { applyJsonPatch } from "../../machinery/json-patch.ts";
import { applyMergePatch } from "../../machinery/merge-patch.ts";
import { schemaKeyOf } from "../../machinery/schema-key.ts";
import { kubernetesSchema } from "../../machinery/schema.ts";
import { applyStrategicMergePatch } from "../../machinery/strategic-merge.ts";
import type { Generated } from "./config-plan.ts";

export const overrideFlags = {
  overrides: { kind: "text", help: "JSON that is laid over what is made" },
  "override-type": { kind: "text", help: "How: merge (the default), json or strategic" },
} as const;

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`error parsing JSON from --overrides: ${(cause as Error).message}`, {
      cause,
    });
  }
}

export function overridden(
  object: Generated,
  text: string | undefined,
  type: string | undefined,
): Generated {
  if (text === undefined || text === "") return object;
  const patch = parsedJson(text);
  switch (type ?? "merge") {
    case "merge":
      return applyMergePatch(object, patch) as Generated;
    case "json":
      return applyJsonPatch(object, patch) as Generated;
    case "strategic": {
      const key = schemaKeyOf(object.apiVersion, object.kind) ?? "";
      return applyStrategicMergePatch(kubernetesSchema, key, object, patch as object) as Generated;
    }
    default:
      throw new UsageError(
        `invalid override type: "${type}", valid values are: json, merge, strategic`,
      );
  }
}
