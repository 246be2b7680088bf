/** /scale: how many replicas, the same question for every kind that has them. */
import type { Scale } from "../../../api/autoscaling/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import { invalid } from "../../machinery/field-error.ts";
import { kubernetesDecoder } from "../../machinery/kubernetes-decoder.ts";
import type { ApiRequest } from "../api-request.ts";
import { invalidObject, unknownPath } from "../refusals.ts";
import { answerObject } from "../rendering/choose-rendering.ts";
import type { Resource } from "../resource.ts";
import { decodeBody } from "../serve/bodies.ts";
import { placeOf } from "../serve/place.ts";
import { parsePatch } from "../serve/serve-patch.ts";
import type { Verbs } from "../serve/serve-verb.ts";
import { writeContextOf } from "../serve/serve-writes.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { objectMode, type UpdateMode, updateObject, type Wanted } from "../store/update.ts";

const scaleRef = {
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  schema: "autoscaling.v1.Scale",
} as const;

type ScaleOf = NonNullable<Resource["scale"]>;

function scaleOf({ resource }: ResourceStore): ScaleOf {
  if (resource.scale === undefined) throw unknownPath();
  return resource.scale;
}

export function toScale(object: KubeObject, scale: ScaleOf): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: JSON.parse(
      JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp }),
    ) as NonNullable<Scale["metadata"]>,
    spec: { replicas: scale.replicas(object) },
    status: { replicas: scale.statusReplicas(object), selector: scale.selector(object) },
  };
}

const mode: UpdateMode = { ...objectMode, subresource: "scale" };

/** The object with what the Scale wants; its resourceVersion, if any, is that of the object. */
function scaled(object: KubeObject, wanted: Scale, scale: ScaleOf): KubeObject {
  const replicas = wanted.spec?.replicas ?? 0;
  if (replicas < 0) {
    const why = "must be greater than or equal to 0";
    const name = object.metadata?.name ?? "";
    throw invalidObject(scaleRef, name, [invalid("spec.replicas", replicas, why)]);
  }
  const { resourceVersion = "" } = wanted.metadata ?? {};
  const next = scale.scaled(object, replicas);
  return { ...next, metadata: { ...next.metadata, resourceVersion } };
}

async function change(
  store: ResourceStore,
  request: ApiRequest,
  wanted: Wanted,
): Promise<WireResponse> {
  const target = { ...placeOf(store, request), mode, wanted };
  const { entry } = await updateObject(store, target, writeContextOf(request));
  return answerObject(request, toScale(store.objectOf(entry), scaleOf(store)));
}

export const scaleVerbs: Verbs = {
  get: async (store, request) => {
    const entry = await store.readCurrent(placeOf(store, request), request.signal);
    return answerObject(request, toScale(store.objectOf(entry), scaleOf(store)));
  },
  update: async (store, request) => {
    const scale = scaleOf(store);
    const wanted = decodeBody<Scale>(request, scaleRef);
    return change(store, request, (current) => scaled(current, wanted, scale));
  },
  patch: async (store, request) => {
    const scale = scaleOf(store);
    const { apply } = parsePatch(request);
    return change(store, request, (current) => {
      const patched = apply({ ...toScale(current, scale) }, scaleRef.schema);
      const { object } = kubernetesDecoder.decode<Scale>(scaleRef.schema, patched);
      return scaled(current, object, scale);
    });
  },
};
