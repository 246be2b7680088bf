/** What the kubelet may say of a pod. */
import type { ContainerStatus, Pod, PodSpec } from "../../../../api/core/v1.ts";
import { forbidden, invalid } from "../../../machinery/field-error.ts";
import { dnsSubdomainComplaints } from "../../../machinery/names.ts";
import { isDualStack, validateAddress } from "../addresses.ts";
import { check, checkNotNegative, eachAt, type Errors, immutable, none } from "../rules.ts";

/** A container that ended stays so, in a pod that restarts none. */
function validateTransitions(
  now: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  path: string,
  spec: PodSpec | undefined,
): Errors {
  const policy = spec?.restartPolicy ?? "Always";
  if (policy === "Always") return none;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return (before ?? []).flatMap(({ name, state }, index) => {
    const ended = state?.terminated;
    if (ended === undefined) return none;
    if (containers.find((one) => one.name === name)?.restartPolicy !== undefined) return none;
    if (policy === "OnFailure" && ended.exitCode !== 0) return none;
    const current = now?.find((one) => one.name === name);
    return current !== undefined && current.state?.terminated === undefined
      ? [forbidden(`${path}[${index}].state`, "may not be transitioned to non-terminated state")]
      : none;
  });
}

function validateList(
  addresses: readonly string[],
  path: string,
  first: { readonly name: string; readonly value: string },
): Errors {
  if (addresses.length === 0) return none;
  const wrong = "may specify no more than one IP for each IP family";
  return [
    ...eachAt(path, addresses, (address, at) => validateAddress(at, address)),
    ...(addresses.length > 1 && !isDualStack(addresses) ? [invalid(path, addresses, wrong)] : none),
    ...(addresses[0] === first.value
      ? none
      : [invalid(`${path}[0].ip`, addresses[0], `must be equal to \`${first.name}\``)]),
  ];
}

export function validatePodStatus(pod: Pod, before: Pod): Errors {
  const status = pod.status ?? {};
  const old = before.status ?? {};
  const { nominatedNodeName: nominated = "", qosClass } = status;
  return [
    ...(nominated === "" || nominated === old.nominatedNodeName
      ? none
      : check("status.nominatedNodeName", nominated, dnsSubdomainComplaints)),
    ...checkNotNegative("status.observedGeneration", status.observedGeneration),
    ...(qosClass === old.qosClass ? none : [immutable("status.qosClass", qosClass)]),
    ...validateTransitions(
      status.containerStatuses,
      old.containerStatuses,
      "status.containerStatuses",
      before.spec,
    ),
    ...validateList(
      (status.podIPs ?? []).map(({ ip }) => ip),
      "status.podIPs",
      { name: "podIP", value: status.podIP ?? "" },
    ),
    ...validateList(
      (status.hostIPs ?? []).map(({ ip }) => ip),
      "status.hostIPs",
      { name: "hostIP", value: status.hostIP ?? "" },
    ),
  ];
}
