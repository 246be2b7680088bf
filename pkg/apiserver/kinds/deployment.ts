import type { Deployment, DeploymentSpec, DeploymentStrategy } from "../../../api/apps/v1.ts";
import { deployments as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { forbidden, invalid, notSupported, required } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { fill, inTurn, over, withProperty } from "./absent.ts";
import { ageColumn, nameColumn, numberColumn, templateColumns, textColumn } from "./columns.ts";
import { checkAtMostAll, checkCountOrPercent, percentOf } from "./count-or-percent.ts";
import { defaultTemplate, validateSelectedTemplate } from "./pod-template.ts";
import { validateCounts } from "./replica-status.ts";
import { checkNotNegative, type Errors, immutable, none } from "./rules.ts";
import { replicaScale } from "./scale.ts";

function defaultStrategy(strategy: DeploymentStrategy): DeploymentStrategy {
  const typed = fill(strategy, { type: "RollingUpdate" });
  if (typed.type !== "RollingUpdate") return typed;
  const rolling = fill(typed.rollingUpdate ?? {}, { maxUnavailable: "25%", maxSurge: "25%" });
  return withProperty(typed, "rollingUpdate", rolling);
}

const defaultSpec = inTurn<DeploymentSpec>(
  (spec) =>
    fill(spec, {
      replicas: 1,
      strategy: {},
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    }),
  (spec) => over(spec, "strategy", defaultStrategy),
  (spec) => over(spec, "template", defaultTemplate),
);

function validateStrategy(strategy: DeploymentStrategy | undefined): Errors {
  const path = "spec.strategy";
  const { type, rollingUpdate } = strategy ?? {};
  if (type === "Recreate") {
    const why = "may not be specified when strategy `type` is 'Recreate'";
    return rollingUpdate === undefined ? none : [forbidden(`${path}.rollingUpdate`, why)];
  }
  if (type !== "RollingUpdate")
    return [notSupported(path, strategy, ["Recreate", "RollingUpdate"])];
  if (rollingUpdate === undefined)
    return [required(`${path}.rollingUpdate`, "this should be defaulted and never be nil")];
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  const at = `${path}.rollingUpdate.maxUnavailable`;
  return [
    ...checkCountOrPercent(at, maxUnavailable),
    ...checkCountOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge),
    ...(percentOf(maxUnavailable) === 0 && percentOf(maxSurge) === 0
      ? [invalid(at, maxUnavailable, "may not be 0 when `maxSurge` is 0")]
      : none),
    ...checkAtMostAll(at, maxUnavailable),
  ];
}

function validateDeadline({
  progressDeadlineSeconds,
  minReadySeconds = 0,
}: DeploymentSpec): Errors {
  const path = "spec.progressDeadlineSeconds";
  if (progressDeadlineSeconds === undefined) return none;
  return [
    ...checkNotNegative(path, progressDeadlineSeconds),
    ...(progressDeadlineSeconds <= minReadySeconds
      ? [invalid(path, progressDeadlineSeconds, "must be greater than minReadySeconds")]
      : none),
  ];
}

function validate({ spec }: Deployment, before: Deployment | undefined): Errors {
  return [
    ...checkNotNegative("spec.replicas", spec?.replicas),
    ...validateSelectedTemplate(spec?.selector, spec?.template),
    ...validateStrategy(spec?.strategy),
    ...checkNotNegative("spec.minReadySeconds", spec?.minReadySeconds),
    ...checkNotNegative("spec.revisionHistoryLimit", spec?.revisionHistoryLimit),
    ...(spec === undefined ? none : validateDeadline(spec)),
    ...(before === undefined || isSemanticallyEqual(spec?.selector, before.spec?.selector)
      ? none
      : [immutable("spec.selector", spec?.selector)]),
  ];
}

const counts = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
];

function validateStatus({ status }: Deployment, before: Deployment): Errors {
  const collisions = status?.collisionCount ?? 0;
  return [
    ...validateCounts({ ...status }, counts, [
      "updatedReplicas",
      "readyReplicas",
      "availableReplicas",
    ]),
    ...(collisions < (before.status?.collisionCount ?? 0)
      ? [invalid("status.collisionCount", collisions, "cannot be decremented")]
      : none),
  ];
}

const asText = { type: "string" } as const;

/** Of its status alone upstream takes no labels. */
function keepLabels(deployment: Deployment, before: Deployment): Deployment {
  const { labels: _sent, ...metadata } = deployment.metadata ?? {};
  const { labels } = before.metadata ?? {};
  return { ...deployment, metadata: { ...metadata, ...(labels === undefined ? {} : { labels }) } };
}

export const deployments: Resource<Deployment> = {
  ref,
  storagePrefix: "/registry/deployments",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn(
      "Ready",
      ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ),
    { ...numberColumn("Up-to-date", ({ status }) => status?.updatedReplicas ?? 0), ...asText },
    { ...numberColumn("Available", ({ status }) => status?.availableReplicas ?? 0), ...asText },
    ageColumn,
    ...templateColumns<Deployment>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
  defaults: (deployment) => over(deployment, "spec", defaultSpec),
  prepareForCreate: (deployment) => withProperty(deployment, "status", {}),
  validate,
  status: { prepareForUpdate: keepLabels, validate: validateStatus },
  scale: replicaScale<Deployment>(),
  countsGenerations: true,
};
