import { invalid } from "../../machinery/field-error.ts";
import { checkNotNegative, type Errors, none } from "./rules.ts";

interface Counts {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly [name: string]: unknown;
}

/** Of what a controller says that it sees, no part may exceed the whole. */
export function validateCounts(
  status: Counts,
  names: readonly string[],
  parts: readonly string[],
): Errors {
  const count = (name: string): number => {
    const value = status[name];
    return typeof value === "number" ? value : 0;
  };
  const tooLarge = parts.flatMap((name) =>
    count(name) > count("replicas")
      ? [invalid(`status.${name}`, count(name), "cannot be greater than status.replicas")]
      : none,
  );
  const available = count("availableReplicas");
  const exceedsReady = available > count("readyReplicas");
  return [
    ...names.flatMap((name) => checkNotNegative(`status.${name}`, count(name))),
    ...tooLarge,
    ...(exceedsReady
      ? [invalid("status.availableReplicas", available, "cannot be greater than readyReplicas")]
      : none),
  ];
}
