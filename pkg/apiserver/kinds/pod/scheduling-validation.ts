/** Where a pod may run: selectors of nodes, affinity to other pods, tolerations, spreading. */
import type {
  Affinity,
  NodeAffinity,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from "../../../../api/core/v1.ts";
import type { LabelSelector } from "../../../../api/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../../machinery/field-error.ts";
import {
  dnsLabelComplaints,
  dnsSubdomainComplaints,
  labelValueComplaints,
  qualifiedNameComplaints,
} from "../../../machinery/names.ts";
import {
  check,
  checkOptional,
  checkOperator,
  checkPositive,
  checkSelector,
  eachAt,
  type Errors,
  none,
} from "../rules.ts";

const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

function validateValueCount(
  { operator, values = [] }: NodeSelectorRequirement,
  path: string,
): Errors {
  // Nodes have two more than labels have elsewhere.
  if (operator !== "Gt" && operator !== "Lt") return checkOperator(path, operator, values);
  const why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
  return values.length === 1 ? none : [required(`${path}.values`, why)];
}

const validateExpression = (
  requirement: NodeSelectorRequirement,
  path: string,
  isRequired: boolean,
): Errors => [
  ...validateValueCount(requirement, path),
  ...check(`${path}.key`, requirement.key, qualifiedNameComplaints),
  // A preference for what cannot be does no harm.
  ...(isRequired
    ? eachAt(`${path}.values`, requirement.values, (value, at) =>
        check(at, value, labelValueComplaints),
      )
    : none),
];

function validateField(
  { key, operator, values = [] }: NodeSelectorRequirement,
  path: string,
): Errors {
  const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
  const operatorErrors =
    operator !== "In" && operator !== "NotIn"
      ? [invalid(`${path}.operator`, operator, "not a valid selector operator")]
      : values.length === 1
        ? none
        : [required(`${path}.values`, why)];
  const keyErrors =
    key === "metadata.name"
      ? eachAt(`${path}.values`, values, (value, at) => check(at, value, dnsSubdomainComplaints))
      : [invalid(`${path}.key`, key, "not a valid field selector key")];
  return [...operatorErrors, ...keyErrors];
}

const validateTerm = (term: NodeSelectorTerm, path: string, isRequired: boolean): Errors => [
  ...eachAt(`${path}.matchExpressions`, term.matchExpressions, (one, at) =>
    validateExpression(one, at, isRequired),
  ),
  ...eachAt(`${path}.matchFields`, term.matchFields, validateField),
];

const checkWeight = (weight: number, path: string): Errors =>
  weight > 0 && weight <= 100
    ? none
    : [invalid(`${path}.weight`, weight, "must be in the range 1-100")];

function validateNodeAffinity(affinity: NodeAffinity | undefined, path: string): Errors {
  const needed = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution;
  return [
    ...(needed === undefined
      ? none
      : (needed.nodeSelectorTerms?.length ?? 0) === 0
        ? [required(terms, "must have at least one node selector term")]
        : eachAt(terms, needed.nodeSelectorTerms, (term, at) => validateTerm(term, at, true))),
    ...eachAt(`${path}.preferredDuringSchedulingIgnoredDuringExecution`, preferred, (term, at) => [
      ...checkWeight(term.weight, at),
      ...validateTerm(term.preference, `${at}.preference`, false),
    ]),
  ];
}

function validateLabelKeys(
  path: string,
  keys: readonly string[] | undefined,
  hasSelector: boolean,
): Errors {
  if (keys === undefined || keys.length === 0) return none;
  if (!hasSelector) return [forbidden(path, "must not be specified when labelSelector is not set")];
  return eachAt(path, keys, (key, at) => check(at, key, qualifiedNameComplaints));
}

/**
 * The server has written the keys into the selector before: there they come once, as the last
 * expression, unless the selector named them already.
 */
function validateUnnamed(
  path: string,
  keys: readonly string[] | undefined,
  selector: LabelSelector | undefined,
): Errors {
  if (keys === undefined || selector === undefined) return none;
  const named = Object.keys(selector.matchLabels ?? {});
  const all = [...named, ...(selector.matchExpressions ?? []).map(({ key }) => key)];
  const why = "exists in both matchLabelKeys and labelSelector";
  return [...new Set(keys)]
    .filter((key) => all.indexOf(key) !== all.lastIndexOf(key))
    .map((key) => invalid(`${path}[${keys.lastIndexOf(key)}]`, key, why));
}

function validatePodTerm(term: PodAffinityTerm, path: string): Errors {
  const { labelSelector, namespaces = [], matchLabelKeys, mismatchLabelKeys, topologyKey } = term;
  const both = "exists in both matchLabelKeys and mismatchLabelKeys";
  const hasSelector = labelSelector !== undefined;
  return [
    ...checkSelector(`${path}.labelSelector`, labelSelector),
    ...checkSelector(`${path}.namespaceSelector`, term.namespaceSelector),
    ...namespaces.flatMap((name) => check(`${path}.namespace`, name, dnsLabelComplaints)),
    ...validateLabelKeys(`${path}.matchLabelKeys`, matchLabelKeys, hasSelector),
    ...validateLabelKeys(`${path}.mismatchLabelKeys`, mismatchLabelKeys, hasSelector),
    ...validateUnnamed(path, matchLabelKeys, labelSelector),
    ...eachAt(`${path}.matchLabelKeys`, matchLabelKeys, (key, at) =>
      mismatchLabelKeys?.includes(key) === true ? [invalid(at, key, both)] : none,
    ),
    ...(topologyKey === "" ? [required(`${path}.topologyKey`, "can not be empty")] : none),
    ...check(`${path}.topologyKey`, topologyKey, qualifiedNameComplaints),
  ];
}

const validatePodAffinity = (affinity: PodAffinity | undefined, path: string): Errors => [
  ...eachAt(
    `${path}.requiredDuringSchedulingIgnoredDuringExecution`,
    affinity?.requiredDuringSchedulingIgnoredDuringExecution,
    validatePodTerm,
  ),
  ...eachAt(
    `${path}.preferredDuringSchedulingIgnoredDuringExecution`,
    affinity?.preferredDuringSchedulingIgnoredDuringExecution,
    (term, at) => [
      ...checkWeight(term.weight, at),
      ...validatePodTerm(term.podAffinityTerm, `${at}.podAffinityTerm`),
    ],
  ),
];

const validateAffinity = (affinity: Affinity | undefined, path: string): Errors => [
  ...validateNodeAffinity(affinity?.nodeAffinity, `${path}.nodeAffinity`),
  ...validatePodAffinity(affinity?.podAffinity, `${path}.podAffinity`),
  ...validatePodAffinity(affinity?.podAntiAffinity, `${path}.podAntiAffinity`),
];

function validateTolerationValue({ operator = "", value = "" }: Toleration, path: string): Errors {
  const at = `${path}.operator`;
  if (operator === "" || operator === "Equal") {
    const complaints = labelValueComplaints(value);
    return complaints.length === 0 ? none : [invalid(at, value, complaints.join(";"))];
  }
  if (operator === "Exists") {
    const why = "value must be empty when `operator` is 'Exists'";
    return value === "" ? none : [invalid(at, value, why)];
  }
  return [notSupported(at, operator, ["Equal", "Exists"])];
}

export function validateToleration(toleration: Toleration, path: string): Errors {
  const { key = "", operator = "", effect = "", tolerationSeconds } = toleration;
  const errors: FieldError[] = [];
  if (key !== "") errors.push(...check(`${path}.key`, key, qualifiedNameComplaints));
  else if (operator !== "Exists") {
    const why =
      'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(invalid(`${path}.operator`, operator, why));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    const why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(invalid(`${path}.effect`, effect, why));
  }
  errors.push(...validateTolerationValue(toleration, path));
  if (effect !== "") errors.push(...checkOptional(`${path}.effect`, effect, taintEffects));
  return errors;
}

function validateSpread(
  constraint: TopologySpreadConstraint,
  path: string,
  later: readonly TopologySpreadConstraint[],
): Errors {
  const { maxSkew, topologyKey, whenUnsatisfiable: action, minDomains, labelSelector } = constraint;
  const isRepeated = later.some(
    (one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === action,
  );
  const domainsWrong = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`;
  const policies = ["Honor", "Ignore"];
  return [
    ...checkPositive(`${path}.maxSkew`, maxSkew),
    ...(topologyKey === "" ? [required(`${path}.topologyKey`, "can not be empty")] : none),
    ...checkOptional(`${path}.whenUnsatisfiable`, action, ["DoNotSchedule", "ScheduleAnyway"]),
    ...(isRepeated
      ? [duplicate(`${path}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${action}}`)]
      : none),
    ...(minDomains === undefined ? none : checkPositive(`${path}.minDomains`, minDomains)),
    ...(minDomains !== undefined && action !== "DoNotSchedule"
      ? [invalid(`${path}.minDomains`, minDomains, domainsWrong)]
      : none),
    ...checkOptional(`${path}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, policies),
    ...checkOptional(`${path}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, policies),
    ...validateLabelKeys(
      `${path}.matchLabelKeys`,
      constraint.matchLabelKeys,
      labelSelector !== undefined,
    ),
    ...validateUnnamed(path, constraint.matchLabelKeys, labelSelector),
    ...checkSelector(`${path}.labelSelector`, labelSelector),
  ];
}

export function validateScheduling(spec: PodSpec, path: string): Errors {
  const spreads = spec.topologySpreadConstraints ?? [];
  const gates = new Set<string>();
  return [
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...eachAt(`${path}.readinessGates`, spec.readinessGates, ({ conditionType }, at) =>
      check(`${at}.conditionType`, conditionType, qualifiedNameComplaints),
    ),
    ...eachAt(`${path}.schedulingGates`, spec.schedulingGates, ({ name }, at) => {
      const isTaken = gates.has(name);
      gates.add(name);
      return [
        ...check(at, name, qualifiedNameComplaints),
        ...(isTaken ? [duplicate(at, name)] : none),
      ];
    }),
    ...eachAt(`${path}.topologySpreadConstraints`, spreads, (spread, at, index) =>
      validateSpread(spread, at, spreads.slice(index + 1)),
    ),
    ...eachAt(`${path}.tolerations`, spec.tolerations, validateToleration),
  ];
}
