/** pods/binding, and bindings: the scheduler's decision, written once and for all. */
import type { Binding, Pod, PodCondition } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { rfc3339 } from "../../base/clock.ts";
import { required } from "../../machinery/field-error.ts";
import type { ApiRequest } from "../api-request.ts";
import { conflict, invalidObject } from "../refusals.ts";
import { answerObject } from "../rendering/choose-rendering.ts";
import { success } from "../serve/answers.ts";
import { decodeBody } from "../serve/bodies.ts";
import type { ServeVerb } from "../serve/serve-verb.ts";
import { writeContextOf } from "../serve/serve-writes.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { type UpdateMode, updateObject } from "../store/update.ts";

export const bindingRef = {
  group: "",
  version: "v1",
  kind: "Binding",
  schema: "core.v1.Binding",
} as const;

const bindingResource = { group: "", plural: "pods/binding" } as const;

/** The server itself writes here: what it changes is right. */
const mode: UpdateMode = {
  subresource: "binding",
  keepsGeneration: true,
  prepare: (_resource, sent) => sent,
  validate: () => [],
};

/** The pod on its node. Throws StatusError "Conflict" when it cannot go there any more. */
export function bound(pod: Pod, binding: Binding, nowMs: number): Pod {
  const name = pod.metadata?.name ?? "";
  const node = binding.target.name ?? "";
  const refuse = (why: string) => conflict(bindingResource, name, why);
  const uid = binding.metadata?.uid ?? "";
  if (uid !== "" && uid !== pod.metadata?.uid) {
    throw refuse(
      `Precondition failed: UID in precondition: ${uid}, ` +
        `UID in object meta: ${pod.metadata?.uid ?? ""}`,
    );
  }
  if (pod.metadata?.deletionTimestamp !== undefined) {
    throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const current = pod.spec?.nodeName ?? "";
  if (current !== "") throw refuse(`pod ${name} is already assigned to node "${current}"`);
  if ((pod.spec?.schedulingGates?.length ?? 0) > 0) {
    throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
  }
  const annotations = binding.metadata?.annotations;
  // A place that was promised is taken now, or no longer wanted (KEP-5278).
  const { nominatedNodeName: _promised, ...status } = pod.status ?? {};
  return {
    ...pod,
    metadata:
      annotations === undefined
        ? pod.metadata
        : { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...annotations } },
    spec: { ...pod.spec, nodeName: node },
    status: { ...status, conditions: scheduled(status.conditions ?? [], nowMs) },
  } as Pod;
}

function scheduled(conditions: readonly PodCondition[], nowMs: number): readonly PodCondition[] {
  const condition: PodCondition = {
    type: "PodScheduled",
    status: "True",
    lastTransitionTime: rfc3339(nowMs),
  };
  return [...conditions.filter(({ type }) => type !== condition.type), condition];
}

export const serveBinding: ServeVerb = async (store, request) => {
  const binding = decodeBody<Binding>(request, bindingRef);
  return bind(store, request, binding, request.info.name);
};

export async function bind(
  store: ResourceStore,
  request: ApiRequest,
  binding: Binding,
  name: string,
) {
  if ((binding.target?.name ?? "") === "") {
    throw invalidObject(bindingRef, name, [required("target.name")]);
  }
  const { namespace } = request.info;
  const wanted = (current: KubeObject): KubeObject =>
    bound(current as Pod, binding, store.parts.clock.now());
  await updateObject(store, { namespace, name, mode, wanted }, writeContextOf(request));
  const { details: _details, ...status } = success({});
  return answerObject(request, status, 201);
}
