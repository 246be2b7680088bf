import type { Linux, Process, Spec } from "../../api/oci/runtime.ts";

/**
 * What the tape cannot do and must not pretend to have done. Throws with the field's name. A field
 * that asks for nothing (an empty list, the machine's own personality) is as good as absent.
 */
export function refuseUnsupported(spec: Spec): void {
  const { process, linux = {} } = spec;
  if (process === undefined) throw new Error("process is missing");
  if (!process.cwd.startsWith("/")) throw new Error("process.cwd is not an absolute path");
  if (linux.namespaces?.some(({ type }) => type === "time") === true)
    refuse('linux.namespaces of type "time"');
  const user = linux.namespaces?.find(({ type }) => type === "user");
  if (user !== undefined && user.path === undefined)
    refuse('a new one in linux.namespaces of type "user"');
  if (user === undefined)
    for (const field of ["uidMappings", "gidMappings"] as const)
      refuseWhere(asksFor(linux[field]), `linux.${field}`);
  for (const [stage, hooks] of Object.entries(spec.hooks ?? {}))
    refuseWhere(asksFor(hooks), `hooks.${stage}`);
  for (const field of linuxFields) refuseWhere(asksFor(linux[field]), `linux.${field}`);
  const { domain = "LINUX", flags } = linux.personality ?? {};
  refuseWhere(domain !== "LINUX" || asksFor(flags), "linux.personality");
  refuseWhere(asksFor(linux.seccomp?.listenerPath), "linux.seccomp.listenerPath");
  refuseUnsupportedProcess(process);
}

/** The same for one process: those of an exec ask for it themselves. */
export function refuseUnsupportedProcess(process: Process): void {
  for (const field of processFields) refuseWhere(asksFor(process[field]), `process.${field}`);
}

const linuxFields = [
  "netDevices",
  "mountLabel",
  "intelRdt",
  "memoryPolicy",
  "timeOffsets",
] as const satisfies readonly (keyof Linux)[];

const processFields = [
  "apparmorProfile",
  "selinuxLabel",
  "scheduler",
  "ioPriority",
  "execCPUAffinity",
] as const satisfies readonly (keyof Process)[];

const asksFor = (value: unknown): boolean =>
  typeof value === "object" && value !== null
    ? Object.keys(value).length > 0
    : value !== undefined && value !== null && value !== "";

function refuseWhere(isAsked: boolean, field: string): void {
  if (isAsked) refuse(field);
}

const refuse = (field: string): never => {
  throw new Error(`${field} is not supported`);
};
