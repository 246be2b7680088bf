/** The process of a container's spec: what runs, as whom, with which powers. Pure. */
import { SupplementalGroupsPolicy } from "../../api/cri/v1.ts";
import type { Capabilities, Process } from "../../api/oci/runtime.ts";
import { defaultCapabilities } from "../linux/capabilities.ts";
import { invalid } from "./cri-error.ts";
import type { SpecInput } from "./spec-input.ts";

const decoder = new TextDecoder();
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function planProcess(input: SpecInput): Process {
  const { config, image } = input;
  const security = config.linux?.securityContext ?? {};
  const oomScoreAdj = config.linux?.resources?.oomScoreAdj;
  return {
    terminal: config.tty ?? false,
    user: { uid: input.user.uid, gid: input.user.gid, additionalGids: planGroups(input) },
    args: planArgs(input),
    env: planEnv(input),
    cwd: config.workingDir || image.config.workingDir || "/",
    capabilities: planCapabilities(input),
    noNewPrivileges: security.noNewPrivs ?? false,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj: Number(oomScoreAdj) }),
  };
}

/** Kubernetes' rule: a command replaces entrypoint and arguments, arguments replace only theirs. */
export function planArgs({
  config,
  image,
}: Pick<SpecInput, "config" | "image">): readonly string[] {
  const { command = [], args = [] } = config;
  const { entrypoint, cmd } = image.config;
  const planned =
    command.length > 0 ? [...command, ...args] : [...entrypoint, ...(args.length > 0 ? args : cmd)];
  if (planned.length === 0) throw invalid("no command specified, and the image names none");
  return planned;
}

/** Later settings of a name win: defaults, the image's, the container's. */
export function planEnv({ config, image, sandbox, user, host }: SpecInput): readonly string[] {
  const variables = new Map<string, string>();
  variables.set("PATH", defaultPath);
  variables.set("HOSTNAME", sandbox.hostname || host.hostname);
  if (config.tty === true) variables.set("TERM", "xterm");
  variables.set("HOME", user.home);
  for (const variable of image.config.env) {
    const equals = variable.indexOf("=");
    if (equals > 0) variables.set(variable.slice(0, equals), variable.slice(equals + 1));
  }
  for (const { key = "", value } of config.envs ?? []) {
    variables.set(key, decoder.decode(value));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

/**
 * Groups beside the primary one, which is named too: a process that drops it must not keep it by
 * chance (GHSA-hmfx-3pcx-653p).
 */
export function planGroups({
  config,
  user,
}: Pick<SpecInput, "config" | "user">): readonly number[] {
  const security = config.linux?.securityContext ?? {};
  const isStrict = security.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict;
  const asked = (security.supplementalGroups ?? []).map(Number);
  return [...new Set([user.gid, ...(isStrict ? [] : user.memberOf), ...asked])];
}

export function planCapabilities({
  config,
  host,
}: Pick<SpecInput, "config" | "host">): Capabilities {
  const security = config.linux?.securityContext ?? {};
  if (security.privileged === true) {
    const all = host.allCapabilities;
    return { bounding: all, effective: all, permitted: all, inheritable: [], ambient: [] };
  }
  const {
    addCapabilities = [],
    dropCapabilities = [],
    addAmbientCapabilities = [],
  } = security.capabilities ?? {};
  const isAll = (name: string): boolean => name.toUpperCase() === "ALL";
  const kept = new Set<string>(dropCapabilities.some(isAll) ? [] : defaultCapabilities);
  if (addCapabilities.some(isAll)) for (const name of host.allCapabilities) kept.add(name);
  // Additions count against "drop: ALL", and single drops against "add: ALL".
  const adds = [...addCapabilities, ...addAmbientCapabilities].filter((name) => !isAll(name));
  for (const name of adds.map(capabilityName)) kept.add(name);
  for (const name of dropCapabilities.filter((each) => !isAll(each)).map(capabilityName)) {
    if (!adds.map(capabilityName).includes(name)) kept.delete(name);
  }
  const set = [...kept];
  const ambient = addAmbientCapabilities.filter((name) => !isAll(name)).map(capabilityName);
  return { bounding: set, effective: set, permitted: set, inheritable: ambient, ambient };
}

const capabilityName = (name: string): string => {
  const upper = name.toUpperCase();
  return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
};
