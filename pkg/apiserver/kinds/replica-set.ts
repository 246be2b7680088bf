import type { ReplicaSet, ReplicaSetSpec } from "../../../api/apps/v1.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { replicaSets as ref } from "../../../api/resources.ts";
import type { Resource } from "../resource.ts";
import { fill, over, withProperty } from "./absent.ts";
import { ageColumn, nameColumn, numberColumn, templateColumns } from "./columns.ts";
import { defaultTemplate, validateSelectedTemplate } from "./pod-template.ts";
import { validateCounts } from "./replica-status.ts";
import { checkNotNegative, type Errors, immutable, none } from "./rules.ts";
import { replicaScale } from "./scale.ts";

const defaultSpec = (spec: ReplicaSetSpec): ReplicaSetSpec =>
  over(fill(spec, { replicas: 1 }), "template", defaultTemplate);

const counts = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
  "terminatingReplicas",
];

function validate({ spec }: ReplicaSet, before: ReplicaSet | undefined): Errors {
  return [
    ...checkNotNegative("spec.replicas", spec?.replicas),
    ...checkNotNegative("spec.minReadySeconds", spec?.minReadySeconds),
    ...validateSelectedTemplate(spec?.selector, spec?.template),
    ...(before === undefined || isSemanticallyEqual(spec?.selector, before.spec?.selector)
      ? none
      : [immutable("spec.selector", spec?.selector)]),
  ];
}

export const replicaSets: Resource<ReplicaSet> = {
  ref,
  storagePrefix: "/registry/replicasets",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    numberColumn("Desired", ({ spec }) => spec?.replicas ?? 0),
    numberColumn("Current", ({ status }) => status?.replicas ?? 0),
    numberColumn("Ready", ({ status }) => status?.readyReplicas ?? 0),
    ageColumn,
    ...templateColumns<ReplicaSet>(
      ({ spec }) => spec?.template?.spec?.containers ?? [],
      ({ spec }) => spec?.selector,
    ),
  ],
  fieldLabels: { "status.replicas": ({ status }) => String(status?.replicas ?? 0) },
  defaults: (set) => over(set, "spec", defaultSpec),
  prepareForCreate: (set) => withProperty(set, "status", { replicas: 0 }),
  validate,
  status: {
    validate: ({ status }) =>
      validateCounts({ ...status }, counts, [
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
      ]),
  },
  scale: replicaScale<ReplicaSet>(),
  countsGenerations: true,
};
