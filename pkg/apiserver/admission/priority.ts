/** A pod's priority is that of its class: of the one that it names, or of the default one. */
import type { Pod } from "../../../api/core/v1.ts";
import { priorityClasses } from "../../../api/resources.ts";
import type { PriorityClass } from "../../../api/scheduling/v1.ts";
import { systemPriorityClasses } from "../kinds/priority-class.ts";
import { forbiddenObject } from "../refusals.ts";
import type { Admission, AdmissionPlugin } from "./admission.ts";

/** Of several defaults, which two writes at once can make, the lowest counts. */
const defaultClass = ({ objects }: Admission): PriorityClass | undefined =>
  objects
    .list(priorityClasses)
    .filter(({ globalDefault }) => globalDefault === true)
    .toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];

async function classOf(admission: Admission, name: string): Promise<PriorityClass | undefined> {
  if (name === "") return defaultClass(admission);
  const { objects, resource, signal } = admission;
  const found =
    objects.get(priorityClasses, { name }) ??
    // Pods of the system come before the server has written its classes down.
    systemPriorityClasses.find(({ metadata }) => metadata?.name === name) ??
    (await objects.read(priorityClasses, { name }, signal));
  if (found !== undefined) return found;
  const why = `no PriorityClass with name ${name} was found`;
  throw forbiddenObject(resource.ref, admission.name, why);
}

async function onCreate(admission: Admission): Promise<Pod> {
  const pod = admission.object as Pod;
  const given = pod.spec?.priorityClassName ?? "";
  const found = await classOf(admission, given);
  const priority = found?.value ?? 0;
  const preemptionPolicy = found?.preemptionPolicy ?? "PreemptLowerPriority";
  const refuse = (what: string): never => {
    const why = `the ${what} from the given PriorityClass name`;
    throw forbiddenObject(admission.resource.ref, admission.name, why);
  };
  const own = pod.spec?.priority;
  const controller = "must not be provided in pod spec; priority admission controller computed";
  if (own !== undefined && own !== priority) {
    refuse(`integer value of priority (${own}) ${controller} ${priority}`);
  }
  const policy = pod.spec?.preemptionPolicy;
  if (policy !== undefined && found !== undefined && policy !== preemptionPolicy) {
    refuse(`string value of PreemptionPolicy (${policy}) ${controller} ${preemptionPolicy}`);
  }
  const name = given === "" ? found?.metadata?.name : given;
  const spec = {
    ...pod.spec,
    ...(name === undefined ? {} : { priorityClassName: name }),
    priority,
    preemptionPolicy: policy ?? preemptionPolicy,
  };
  return { ...pod, spec } as Pod;
}

/** What was worked out once stays where an update leaves it out. */
function onUpdate({ object, before }: Admission): Pod | undefined {
  const [pod, old] = [object as Pod, before as Pod | undefined];
  const { priority, preemptionPolicy } = old?.spec ?? {};
  const kept = {
    ...(pod.spec?.priority === undefined && priority !== undefined ? { priority } : {}),
    ...(pod.spec?.preemptionPolicy === undefined && preemptionPolicy !== undefined
      ? { preemptionPolicy }
      : {}),
  };
  if (Object.keys(kept).length === 0) return undefined;
  return { ...pod, spec: { ...pod.spec, ...kept } } as Pod;
}

function checkOnlyDefault({ object, objects, name, resource }: Admission): void {
  if ((object as PriorityClass).globalDefault !== true) return;
  const other = objects
    .list(priorityClasses)
    .find((one) => one.globalDefault === true && one.metadata?.name !== name);
  if (other === undefined) return;
  const why =
    `PriorityClass ${other.metadata?.name ?? ""} is already marked as default. ` +
    "Only one default can exist";
  throw forbiddenObject(resource.ref, name, why);
}

export const priority: AdmissionPlugin = {
  name: "Priority",
  verbs: ["create", "update"],
  resources: ["pods", "priorityclasses.scheduling.k8s.io"],
  admit: (admission) => {
    if (admission.resource.ref.kind !== "Pod" || admission.subresource !== "") return undefined;
    return admission.verb === "create" ? onCreate(admission) : onUpdate(admission);
  },
  validate: (admission) => {
    if (admission.resource.ref.kind === "PriorityClass") checkOnlyDefault(admission);
  },
};
