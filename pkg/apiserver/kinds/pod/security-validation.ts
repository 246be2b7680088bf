import type {
  AppArmorProfile,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from "../../../../api/core/v1.ts";
import { forbidden, invalid, required } from "../../../machinery/field-error.ts";
import {
  checkChoice,
  checkOptional,
  checkRange,
  checkUnique,
  eachAt,
  type Errors,
  none,
} from "../rules.ts";
import { checkLocalPath } from "./paths.ts";

const idMax = 2 ** 31 - 1;
const checkId = (path: string, id: number | undefined): Errors => checkRange(path, id, [0, idMax]);

const profileTypes = ["Localhost", "RuntimeDefault", "Unconfined"] as const;

function validateSeccomp(profile: SeccompProfile | undefined, path: string): Errors {
  if (profile === undefined) return none;
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  const errors =
    type === ""
      ? [required(`${path}.type`, "type is required when seccompProfile is set")]
      : [...checkOptional(`${path}.type`, type, profileTypes)];
  if (type === "Localhost") {
    const why = "must be set when seccomp type is Localhost";
    errors.push(
      ...(localhostProfile === undefined
        ? [required(at, why)]
        : checkLocalPath(at, localhostProfile)),
    );
  } else if (localhostProfile !== undefined)
    errors.push(invalid(at, profile, "can only be set when seccomp type is Localhost"));
  return errors;
}

function validateAppArmor(profile: AppArmorProfile | undefined, path: string): Errors {
  if (profile === undefined) return none;
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  const errors = [...checkChoice(`${path}.type`, type, profileTypes)];
  if (type === "Localhost") {
    if ((localhostProfile ?? "").trim() === "")
      errors.push(required(at, "must be set when AppArmor type is Localhost"));
  } else if (localhostProfile !== undefined)
    errors.push(invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost"));
  return errors;
}

const sysctl = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
/** As upstream prints it. */
const sysctlRegex = String.raw`^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$`;
const sysctlCharsMax = 253;

function validateSysctls({ sysctls }: PodSecurityContext, path: string): Errors {
  const why = `must have at most ${sysctlCharsMax} characters and match regex ${sysctlRegex}`;
  return [
    ...eachAt(path, sysctls, ({ name }, at) => {
      if (name === "") return [required(`${at}.name`)];
      const isGood = name.length <= sysctlCharsMax && sysctl.test(name);
      return isGood ? none : [invalid(`${at}.name`, name, why)];
    }),
    ...checkUnique(
      sysctls,
      ({ name }) => name,
      (index) => `${path}[${index}].name`,
    ),
  ];
}

export function validatePodSecurity(context: PodSecurityContext | undefined, path: string): Errors {
  if (context === undefined) return none;
  return [
    ...checkId(`${path}.fsGroup`, context.fsGroup),
    ...checkId(`${path}.runAsUser`, context.runAsUser),
    ...checkId(`${path}.runAsGroup`, context.runAsGroup),
    ...eachAt(`${path}.supplementalGroups`, context.supplementalGroups, (id, at) =>
      checkId(at, id),
    ),
    ...validateSysctls(context, `${path}.sysctls`),
    ...checkOptional(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, [
      "Always",
      "OnRootMismatch",
    ]),
    ...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`),
    ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`),
    ...checkOptional(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, [
      "Merge",
      "Strict",
    ]),
    ...checkOptional(`${path}.seLinuxChangePolicy`, context.seLinuxChangePolicy, [
      "MountOption",
      "Recursive",
    ]),
  ];
}

/** Who may not gain privileges cannot start with all of them. */
function validateEscalation(context: SecurityContext, path: string): Errors {
  if (context.allowPrivilegeEscalation !== false) return none;
  const start = "cannot set `allowPrivilegeEscalation` to false and ";
  const isAdmin = context.capabilities?.add?.includes("CAP_SYS_ADMIN") === true;
  return [
    ...(context.privileged === true
      ? [invalid(path, context, `${start}\`privileged\` to true`)]
      : none),
    ...(isAdmin ? [invalid(path, context, `${start}\`capabilities.Add\` CAP_SYS_ADMIN`)] : none),
  ];
}

export function validateContainerSecurity(
  context: SecurityContext | undefined,
  path: string,
  hostUsers: boolean,
): Errors {
  if (context === undefined) return none;
  const { procMount } = context;
  const why = "`hostUsers` must be false to use `Unmasked`";
  return [
    ...checkId(`${path}.runAsUser`, context.runAsUser),
    ...checkId(`${path}.runAsGroup`, context.runAsGroup),
    ...checkOptional(`${path}.procMount`, procMount, ["Default", "Unmasked"]),
    ...(hostUsers && procMount === "Unmasked"
      ? [invalid(`${path}.procMount`, procMount, why)]
      : none),
    ...validateSeccomp(context.seccompProfile, `${path}.seccompProfile`),
    ...validateEscalation(context, path),
    ...validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`),
  ];
}

/** In a user namespace of its own a pod can have no other namespace of the host. */
export function validateHostUsers(spec: PodSpec, path: string): Errors {
  if (spec.hostUsers !== false) return none;
  const why = "when `hostUsers` is false";
  const devices = (["initContainers", "containers", "ephemeralContainers"] as const).flatMap(
    (list) =>
      eachAt(`${path}.${list}`, spec[list], ({ volumeDevices }, at) =>
        (volumeDevices?.length ?? 0) > 0 ? [forbidden(`${at}.volumeDevices`, why)] : none,
      ),
  );
  return [
    // Upstream spells these two as its Go fields.
    ...(spec.hostPID === true ? [forbidden(`${path}.HostPID`, why)] : none),
    ...(spec.hostIPC === true ? [forbidden(`${path}.HostIPC`, why)] : none),
    ...devices,
  ];
}
