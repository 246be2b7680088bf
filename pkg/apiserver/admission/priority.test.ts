import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../../api/core/v1.ts";
import { pods, priorityClasses } from "../../../api/resources.ts";
import type { PriorityClass } from "../../../api/scheduling/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import type { Admission } from "./admission.ts";
import { priority } from "./priority.ts";

const high: PriorityClass = { metadata: { name: "high" }, value: 1_000, preemptionPolicy: "Never" };
const base = (value: number): PriorityClass => ({
  metadata: { name: `base-${value}` },
  value,
  globalDefault: true,
});

const admission = (
  ref: ResourceRef,
  object: KubeObject,
  classes: readonly PriorityClass[],
  before?: KubeObject,
): Admission =>
  ({
    verb: before === undefined ? "create" : "update",
    resource: { ref },
    subresource: "",
    namespace: "default",
    name: object.metadata?.name ?? "",
    object,
    before,
    objects: {
      list: () => classes,
      get: (_ref: unknown, { name }: { name: string }) =>
        classes.find(({ metadata }) => metadata?.name === name),
      read: () => Promise.resolve(undefined),
    },
    signal: new AbortController().signal,
  }) as unknown as Admission;

const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  metadata: { name: "p" },
  spec: { containers: [], ...spec },
});
const admitted = async (
  spec: Partial<PodSpec>,
  classes: readonly PriorityClass[] = [],
): Promise<unknown> => {
  const answer = (await priority.admit?.(admission(pods, pod(spec), classes))) as Pod;
  const { priorityClassName, priority: value, preemptionPolicy } = answer.spec ?? {};
  return [priorityClassName, value, preemptionPolicy];
};

describe("a new pod", () => {
  const usual = "PreemptLowerPriority";
  for (const [title, spec, classes, expected] of [
    ["without a class", {}, [], [undefined, 0, usual]],
    ["of a class", { priorityClassName: "high" }, [high], ["high", 1_000, "Never"]],
    ["of the default class", {}, [high, base(7), base(5)], ["base-5", 5, usual]],
    [
      "of the system, before its classes are written",
      { priorityClassName: "system-node-critical", priority: 2_000_001_000 },
      [],
      ["system-node-critical", 2_000_001_000, usual],
    ],
    ["that never preempts", { preemptionPolicy: "Never" }, [], [undefined, 0, "Never"]],
  ] as const) {
    it(title, async () => expect(await admitted(spec, classes)).toEqual(expected));
  }

  for (const [title, spec, message] of [
    [
      "of a class that is not there",
      { priorityClassName: "none" },
      'pods "p" is forbidden: no PriorityClass with name none was found',
    ],
    [
      "that takes its priority into its own hands",
      { priority: 9 },
      'pods "p" is forbidden: the integer value of priority (9) must not be provided in pod spec; ' +
        "priority admission controller computed 0 from the given PriorityClass name",
    ],
    [
      "of another policy than its class",
      { priorityClassName: "high", preemptionPolicy: "PreemptLowerPriority" },
      'pods "p" is forbidden: the string value of PreemptionPolicy (PreemptLowerPriority) must ' +
        "not be provided in pod spec; priority admission controller computed Never from the " +
        "given PriorityClass name",
    ],
  ] as const) {
    it(`${title} is refused`, () => expect(admitted(spec, [high])).rejects.toThrow(message));
  }
});

it("an update that leaves the priority out keeps it", async () => {
  const before = pod({ priority: 5, preemptionPolicy: "Never" });
  const kept = await priority.admit?.(admission(pods, pod(), [], before));
  expect((kept as Pod).spec).toMatchObject({ priority: 5, preemptionPolicy: "Never" });
  expect(await priority.admit?.(admission(pods, before, [], before))).toBeUndefined();
});

it("there is one default class", () => {
  const validate = (object: PriorityClass, before?: PriorityClass): void =>
    void priority.validate?.(admission(priorityClasses, object, [base(7)], before));
  expect(() => validate(base(5))).toThrow(
    'priorityclasses.scheduling.k8s.io "base-5" is forbidden: ' +
      "PriorityClass base-7 is already marked as default. Only one default can exist",
  );
  expect(() => validate(base(7), base(7))).not.toThrow();
  expect(() => validate(high)).not.toThrow();
});
