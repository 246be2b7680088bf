/** Objects in storage that we did not write: upstream's protobuf, or JSON in another order. */
import type { KubeObject } from "../../../api/resource.ts";
import { kubernetesProtobuf, startsWithMagic } from "../../machinery/kube-protobuf.ts";
import type { Resource } from "../resource.ts";

/** Throws ProtobufError or SyntaxError. */
export function decodeForeign(resource: Resource, value: Uint8Array): KubeObject {
  const object = startsWithMagic(value)
    ? kubernetesProtobuf.decode(value)
    : (JSON.parse(Buffer.from(value).toString()) as KubeObject);
  const own = resource.fromStored?.(object) ?? object;
  return resource.defaults?.(own) ?? own;
}
