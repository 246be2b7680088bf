import type {
  DaemonSet,
  DaemonSetSpec,
  DaemonSetUpdateStrategy,
  RollingUpdateDaemonSet,
} from "../../../api/apps/v1.ts";
import { daemonSets as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { invalid, notSupported, required } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { fill, inTurn, over, withProperty } from "./absent.ts";
import {
  ageColumn,
  nameColumn,
  numberColumn,
  orNone,
  selectorText,
  templateColumns,
  textColumn,
} from "./columns.ts";
import { checkAtMostAll, checkCountOrPercent, percentOf } from "./count-or-percent.ts";
import { defaultTemplate, validateSelectedTemplate } from "./pod-template.ts";
import { checkNotNegative, type Errors, immutable, none } from "./rules.ts";

/**
 * How often the template has changed. Only clients of the extensions API needed it, but every
 * DaemonSet has it: upstream keeps it as a field and shows it as this annotation.
 */
const generationKey = "deprecated.daemonset.template.generation";

function defaultStrategy(strategy: DaemonSetUpdateStrategy): DaemonSetUpdateStrategy {
  const typed = fill(strategy, { type: "RollingUpdate" });
  if (typed.type !== "RollingUpdate") return typed;
  const rolling = fill(typed.rollingUpdate ?? {}, { maxUnavailable: 1, maxSurge: 0 });
  return withProperty(typed, "rollingUpdate", rolling);
}

const defaultSpec = inTurn<DaemonSetSpec>(
  (spec) => fill(spec, { updateStrategy: {}, revisionHistoryLimit: 10 }),
  (spec) => over(spec, "updateStrategy", defaultStrategy),
  (spec) => over(spec, "template", defaultTemplate),
);

const templateGeneration = ({ metadata }: DaemonSet): number => {
  const text = metadata?.annotations?.[generationKey] ?? "";
  return /^-?\d+$/.test(text) ? Number(text) : 0;
};

function withTemplateGeneration(daemonSet: DaemonSet, generation: number): DaemonSet {
  const { metadata = {} } = daemonSet;
  if (metadata.annotations?.[generationKey] === String(generation)) return daemonSet;
  const annotations = { ...metadata.annotations, [generationKey]: String(generation) };
  return { ...daemonSet, metadata: { ...metadata, annotations } };
}

const noPods = {
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
} as const;

function prepareForUpdate(daemonSet: DaemonSet, before: DaemonSet): DaemonSet {
  const isSame = isSemanticallyEqual(daemonSet.spec?.template, before.spec?.template);
  return withTemplateGeneration(daemonSet, templateGeneration(before) + (isSame ? 0 : 1));
}

function validateRolling(rolling: RollingUpdateDaemonSet): Errors {
  const path = "spec.updateStrategy.rollingUpdate";
  const { maxUnavailable = 0, maxSurge = 0 } = rolling;
  const [unavailableAt, surgeAt] = [`${path}.maxUnavailable`, `${path}.maxSurge`];
  const [missing, surge] = [percentOf(maxUnavailable) !== 0, percentOf(maxSurge) !== 0];
  return [
    ...checkCountOrPercent(unavailableAt, maxUnavailable),
    ...checkCountOrPercent(surgeAt, maxSurge),
    ...checkAtMostAll(unavailableAt, maxUnavailable),
    ...checkAtMostAll(surgeAt, maxSurge),
    ...(missing && surge
      ? [invalid(surgeAt, maxSurge, "may not be set when maxUnavailable is non-zero")]
      : none),
    ...(!missing && !surge ? [required(unavailableAt, "cannot be 0 when maxSurge is 0")] : none),
  ];
}

function validateStrategy(strategy: DaemonSetUpdateStrategy | undefined): Errors {
  const path = "spec.updateStrategy";
  const { type, rollingUpdate } = strategy ?? {};
  if (type === "OnDelete") return none;
  if (type !== "RollingUpdate")
    return [notSupported(path, strategy, ["RollingUpdate", "OnDelete"])];
  if (rollingUpdate === undefined) return [required(`${path}.rollingUpdate`)];
  return validateRolling(rollingUpdate);
}

function validate({ spec }: DaemonSet, before: DaemonSet | undefined): Errors {
  return [
    ...validateSelectedTemplate(spec?.selector, spec?.template, "DaemonSet"),
    ...checkNotNegative("spec.minReadySeconds", spec?.minReadySeconds),
    ...validateStrategy(spec?.updateStrategy),
    ...checkNotNegative("spec.revisionHistoryLimit", spec?.revisionHistoryLimit),
    ...(before === undefined || isSemanticallyEqual(spec?.selector, before.spec?.selector)
      ? none
      : [immutable("spec.selector", spec?.selector)]),
  ];
}

const counts = [
  "currentNumberScheduled",
  "numberMisscheduled",
  "desiredNumberScheduled",
  "numberReady",
  "observedGeneration",
  "updatedNumberScheduled",
  "numberAvailable",
  "numberUnavailable",
  "collisionCount",
] as const;

function validateStatus({ status }: DaemonSet, before: DaemonSet): Errors {
  const collisions = status?.collisionCount ?? 0;
  return [
    ...counts.flatMap((name) => checkNotNegative(`status.${name}`, status?.[name])),
    ...(collisions < (before.status?.collisionCount ?? 0)
      ? [invalid("status.collisionCount", collisions, "cannot be decremented")]
      : none),
  ];
}

export const daemonSets: Resource<DaemonSet> = {
  ref,
  storagePrefix: "/registry/daemonsets",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    numberColumn("Desired", ({ status }) => status?.desiredNumberScheduled ?? 0),
    numberColumn("Current", ({ status }) => status?.currentNumberScheduled ?? 0),
    numberColumn("Ready", ({ status }) => status?.numberReady ?? 0),
    numberColumn("Up-to-date", ({ status }) => status?.updatedNumberScheduled ?? 0),
    numberColumn("Available", ({ status }) => status?.numberAvailable ?? 0),
    textColumn("Node Selector", ({ spec }) =>
      orNone(selectorText({ matchLabels: spec?.template?.spec?.nodeSelector ?? {} })),
    ),
    ageColumn,
    ...templateColumns<DaemonSet>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
  defaults: (daemonSet) => over(daemonSet, "spec", defaultSpec),
  prepareForCreate: (daemonSet) =>
    withTemplateGeneration(
      withProperty(daemonSet, "status", noPods),
      Math.max(1, templateGeneration(daemonSet)),
    ),
  prepareForUpdate,
  validate,
  status: {
    prepareForUpdate: (daemonSet, before) =>
      withTemplateGeneration(daemonSet, templateGeneration(before)),
    validate: validateStatus,
  },
  countsGenerations: true,
};
