/** Containers of a pod: what holds for all three sorts, and what only for one. */
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  PodSpec,
} from "../../../../api/core/v1.ts";
import { duplicate, forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { portNameComplaints } from "../../../machinery/names.ts";
import {
  check,
  checkChoice,
  checkDnsLabel,
  checkOptional,
  checkPort,
  eachAt,
  type Errors,
  none,
  notFound,
  protocols,
  tooMany,
} from "../rules.ts";
import { validateEnv, validateEnvFrom } from "./env-validation.ts";
import { validateLifecycle, validateProbes } from "./handler-validation.ts";
import { validateDevices, validateMounts, type Volumes } from "./mount-validation.ts";
import { validateResources } from "./resources-validation.ts";
import { validateContainerSecurity } from "./security-validation.ts";

/** What a container's rules need to know of its pod. */
export interface PodContext {
  readonly spec: PodSpec;
  readonly volumes: Volumes;
  readonly claimNames: ReadonlySet<string>;
  /** False in templates, which tolerate what no pod may have. */
  readonly isPod: boolean;
}

function validatePorts(ports: readonly ContainerPort[] | undefined, path: string): Errors {
  const names = new Set<string>();
  return eachAt(path, ports, (port, at) => {
    const { name = "", containerPort, hostPort = 0, protocol } = port;
    const nameErrors = name === "" ? none : check(`${at}.name`, name, portNameComplaints);
    const isTaken = names.has(name);
    if (name !== "" && nameErrors.length === 0) names.add(name);
    return [
      ...(isTaken ? [duplicate(`${at}.name`, name)] : nameErrors),
      ...(containerPort === 0
        ? [required(`${at}.containerPort`)]
        : checkPort(`${at}.containerPort`, containerPort)),
      ...(hostPort === 0 ? none : checkPort(`${at}.hostPort`, hostPort)),
      ...checkChoice(`${at}.protocol`, protocol, protocols),
    ];
  });
}

/** Two containers cannot have the same port of the node. */
function hostPortConflicts(containers: readonly Container[], path: string): Errors {
  const seen = new Set<string>();
  return eachAt(path, containers, ({ ports }, at) =>
    eachAt(`${at}.ports`, ports, ({ hostPort = 0, hostIP = "", protocol = "" }, portAt) => {
      if (hostPort === 0) return none;
      const id = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(id)) return [duplicate(`${portAt}.hostPort`, id)];
      seen.add(id);
      return none;
    }),
  );
}

function validateResizePolicy(container: Container, path: string, { spec }: PodContext): Errors {
  const seen = new Set<string>();
  return eachAt(path, container.resizePolicy, ({ resourceName, restartPolicy }, at) => {
    const isTaken = seen.has(resourceName);
    seen.add(resourceName);
    const why = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
    return [
      ...(isTaken ? [duplicate(at, resourceName)] : none),
      ...checkChoice(path, resourceName, ["cpu", "memory"]),
      ...checkChoice(path, restartPolicy, ["NotRequired", "RestartContainer"]),
      ...(spec.restartPolicy === "Never" && restartPolicy !== "NotRequired"
        ? [invalid(path, restartPolicy, why)]
        : none),
    ];
  });
}

function validateCommon(container: Container, path: string, pod: PodContext): Errors {
  const { name, image = "" } = container;
  const isPadded = pod.isPod && image.trim() !== image;
  return [
    ...(name === "" ? [required(`${path}.name`)] : checkDnsLabel(`${path}.name`, name)),
    ...(image === "" ? [required(`${path}.image`)] : none),
    ...checkChoice(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, [
      "File",
      "FallbackToLogsOnError",
    ]),
    ...validatePorts(container.ports, `${path}.ports`),
    ...eachAt(`${path}.env`, container.env, validateEnv),
    ...eachAt(`${path}.envFrom`, container.envFrom, validateEnvFrom),
    ...validateMounts(container, pod.volumes, `${path}.volumeMounts`),
    ...validateDevices(container, pod.volumes, `${path}.volumeDevices`),
    ...checkChoice(`${path}.imagePullPolicy`, container.imagePullPolicy, [
      "Always",
      "IfNotPresent",
      "Never",
    ]),
    ...validateResources(container.resources ?? {}, `${path}.resources`, pod.claimNames),
    ...validateResizePolicy(container, `${path}.resizePolicy`, pod),
    ...validateContainerSecurity(
      container.securityContext,
      `${path}.securityContext`,
      pod.spec.hostUsers !== false,
    ),
    ...(isPadded
      ? [invalid(`${path}.image`, image, "must not have leading or trailing whitespace")]
      : none),
  ];
}

const restartPolicies = ["Always", "Never", "OnFailure"] as const;
const limits = { restartRules: 20, exitCodes: 255 };

function validateRestart(
  { restartPolicy, restartPolicyRules = [] }: Container,
  path: string,
): Errors {
  const why = "must specify restartPolicy when restart rules are used";
  const at = `${path}.restartPolicyRules`;
  return [
    ...(restartPolicy === undefined
      ? restartPolicyRules.length === 0
        ? none
        : [required(`${path}.restartPolicy`, why)]
      : checkOptional(`${path}.restartPolicy`, restartPolicy, restartPolicies)),
    ...(restartPolicyRules.length > limits.restartRules
      ? [tooMany(at, restartPolicyRules.length, limits.restartRules)]
      : none),
    ...eachAt(at, restartPolicyRules, ({ action, exitCodes }, ruleAt) => [
      ...checkOptional(`${ruleAt}.action`, action, ["Restart", "RestartAllContainers"]),
      ...(exitCodes === undefined
        ? [required(`${ruleAt}.exitCodes`, "must be specified")]
        : checkOptional(`${ruleAt}.exitCodes.operator`, exitCodes.operator, ["In", "NotIn"])),
      ...((exitCodes?.values?.length ?? 0) > limits.exitCodes
        ? [tooMany(`${ruleAt}.exitCodes.values`, exitCodes?.values?.length ?? 0, limits.exitCodes)]
        : none),
    ]),
  ];
}

const lifecycleOf = ({ spec }: PodContext) => ({
  graceSeconds: spec.terminationGracePeriodSeconds,
  os: spec.os?.name,
});

const validateHooks = (container: Container, path: string, pod: PodContext): Errors => [
  ...validateLifecycle(container.lifecycle, `${path}.lifecycle`, lifecycleOf(pod)),
  ...validateProbes(container, path, pod.spec.terminationGracePeriodSeconds),
];

export function validateContainers(pod: PodContext, path: string): Errors {
  const containers = pod.spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  return [
    ...eachAt(path, containers, (container, at) => {
      const isTaken = names.has(container.name);
      names.add(container.name);
      return [
        ...validateCommon(container, at, pod),
        ...(isTaken ? [duplicate(`${at}.name`, container.name)] : none),
        ...validateHooks(container, at, pod),
        ...validateRestart(container, at),
      ];
    }),
    ...hostPortConflicts(containers, path),
  ];
}

const hooks = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

export function validateInitContainers(pod: PodContext, path: string): Errors {
  const names = new Set((pod.spec.containers ?? []).map(({ name }) => name));
  const why = "may not be set for init containers without restartPolicy=Always";
  return eachAt(path, pod.spec.initContainers, (container, at) => {
    const { name } = container;
    const isTaken = names.has(name);
    if (name !== "") names.add(name);
    const isSidecar = container.restartPolicy === "Always";
    return [
      ...validateCommon(container, at, pod),
      ...validateRestart(container, at),
      ...(isTaken ? [duplicate(`${at}.name`, name)] : none),
      ...hostPortConflicts([container], path),
      ...(isSidecar
        ? validateHooks(container, at, pod)
        : hooks
            .filter((hook) => container[hook] !== undefined)
            .map((hook) => forbidden(`${at}.${hook}`, why))),
    ];
  });
}

/** What a container that is put into a running pod may not have: a life of its own. */
const notEphemeral = [
  "ports",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
] as const;

const isSet = (value: unknown): boolean =>
  value !== undefined && !(Array.isArray(value) && value.length === 0);

export function validateEphemeralContainers(pod: PodContext, path: string): Errors {
  const { containers, initContainers = [], ephemeralContainers } = pod.spec;
  const others = new Set([...containers, ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  const why = "cannot be set for an Ephemeral Container";
  return eachAt(path, ephemeralContainers, (container: EphemeralContainer, at) => {
    const { name, targetContainerName: target = "", resources } = container;
    const isTaken = names.has(name);
    names.add(name);
    const hasResources = Object.keys(resources ?? {}).length > 0;
    return [
      ...validateCommon(container, at, pod),
      ...(isTaken ? [duplicate(`${at}.name`, name)] : none),
      ...(target !== "" && !others.has(target)
        ? [notFound(`${at}.targetContainerName`, target)]
        : none),
      ...notEphemeral
        .filter((field) => isSet(container[field]))
        .map((field) => forbidden(`${at}.${field}`, why)),
      ...(hasResources ? [forbidden(`${at}.resources`, why)] : none),
      ...eachAt(`${at}.volumeMounts`, container.volumeMounts, (mount, mountAt) =>
        (["subPath", "subPathExpr"] as const)
          .filter((field) => (mount[field] ?? "") !== "")
          .map((field) => forbidden(`${mountAt}.${field}`, why)),
      ),
    ];
  });
}
