import type { EnvFromSource, EnvVar, EnvVarSource } from "../../../../api/core/v1.ts";
import { invalid } from "../../../machinery/field-error.ts";
import {
  configKeyComplaints,
  dnsSubdomainComplaints,
  envVarNameComplaints,
} from "../../../machinery/names.ts";
import { check, checkDnsLabel, checkRequired, type Errors, none } from "../rules.ts";
import { environmentFields, validateFieldRef, validateResourceRef } from "./downward-validation.ts";
import { checkNoBacksteps } from "./paths.ts";

const sources =
  "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";

const validateKeyRef = (
  ref: { readonly name?: string; readonly key: string },
  path: string,
): Errors => [
  ...check(`${path}.name`, ref.name ?? "", dnsSubdomainComplaints),
  ...checkRequired(`${path}.key`, ref.key, configKeyComplaints),
];

function validateSources(from: EnvVarSource, path: string): Errors {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = from;
  return [
    ...(fieldRef === undefined
      ? none
      : validateFieldRef(fieldRef, `${path}.fieldRef`, environmentFields)),
    ...(resourceFieldRef === undefined
      ? none
      : validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`, false)),
    ...(configMapKeyRef === undefined
      ? none
      : validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`)),
    ...(secretKeyRef === undefined ? none : validateKeyRef(secretKeyRef, `${path}.secretKeyRef`)),
    ...(fileKeyRef === undefined
      ? none
      : [
          ...checkRequired(`${path}.fileKeyRef.key`, fileKeyRef.key, envVarNameComplaints),
          ...((fileKeyRef.volumeName ?? "") === ""
            ? checkRequired(`${path}.fileKeyRef.volumeName`, "")
            : checkDnsLabel(`${path}.fileKeyRef.volumeName`, fileKeyRef.volumeName)),
          ...checkRequired(`${path}.fileKeyRef.path`, fileKeyRef.path),
          ...checkNoBacksteps(`${path}.fileKeyRef.path`, fileKeyRef.path ?? ""),
        ]),
  ];
}

const countSources = (from: EnvVarSource): number =>
  [
    from.fieldRef,
    from.resourceFieldRef,
    from.configMapKeyRef,
    from.secretKeyRef,
    from.fileKeyRef,
  ].filter((source) => source !== undefined).length;

function validateValueFrom({ value = "", valueFrom }: EnvVar, path: string): Errors {
  if (valueFrom === undefined) return none;
  const count = countSources(valueFrom);
  const wrong =
    count === 0
      ? sources
      : value !== ""
        ? "may not be specified when `value` is not empty"
        : count > 1
          ? "may not have more than one field specified at a time"
          : undefined;
  return [
    ...validateSources(valueFrom, path),
    ...(wrong === undefined ? none : [invalid(path, "", wrong)]),
  ];
}

export const validateEnv = (variable: EnvVar, path: string): Errors => [
  ...checkRequired(`${path}.name`, variable.name, envVarNameComplaints),
  ...validateValueFrom(variable, `${path}.valueFrom`),
];

export function validateEnvFrom(source: EnvFromSource, path: string): Errors {
  const { prefix = "", configMapRef, secretRef } = source;
  const refs = { configMapRef, secretRef };
  const given = Object.entries(refs).filter(([, ref]) => ref !== undefined);
  // Upstream reports these two at the list, not at its item.
  const list = path.replace(/\[\d+\]$/, "");
  return [
    ...(prefix === "" ? none : check(`${path}.prefix`, prefix, envVarNameComplaints)),
    ...given.flatMap(([name, ref]) =>
      checkRequired(`${path}.${name}.name`, ref?.name, dnsSubdomainComplaints),
    ),
    ...(given.length === 0
      ? [invalid(list, "", "must specify one of: `configMapRef` or `secretRef`")]
      : given.length > 1
        ? [invalid(list, "", "may not have more than one field specified at a time")]
        : none),
  ];
}
