/** What `wait --for` waits for: a question to an object, or to its absence. Pure. */
import type { KubeObject } from "../../api/resource.ts";
import { UsageError } from "../base/flags.ts";
import { findTexts, parseJsonPath, relaxedPath } from "./print/json-path.ts";

export type WaitFor = (object: KubeObject | undefined) => boolean;

interface Conditioned {
  readonly metadata?: { readonly generation?: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** A condition counts once it was written for the newest specification. */
function hasCondition(object: KubeObject | undefined, name: string, value: string): boolean {
  const { metadata, status } = (object ?? {}) as Conditioned;
  const { observedGeneration } = status ?? {};
  if (observedGeneration !== undefined && observedGeneration < (metadata?.generation ?? 0))
    return false;
  return (
    status?.conditions?.some(
      (one) =>
        one.type.toLowerCase() === name.toLowerCase() &&
        one.status.toLowerCase() === value.toLowerCase(),
    ) === true
  );
}

/** "delete", "create", "condition=Ready[=True]", "jsonpath={.a}[=b]". Throws UsageError. */
export function parseWaitFor(text: string): WaitFor {
  if (text.toLowerCase() === "delete") return (object) => object === undefined;
  if (text.toLowerCase() === "create") return (object) => object !== undefined;
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(text);
  if (condition !== null) {
    const [, name = "", value = "True"] = condition;
    return (object) => hasCondition(object, name, value);
  }
  const field = /^jsonpath=(\{.*\}|[^=]+)(?:=(.*))?$/.exec(text);
  if (field === null) throw new UsageError(`unrecognized condition: ${JSON.stringify(text)}`);
  const [, path = "", wanted] = field;
  const template = parseJsonPath(relaxedPath(path));
  return (object) => {
    const found = findTexts(template, object);
    return wanted === undefined ? found.length > 0 : found.length === 1 && found[0] === wanted;
  };
}
