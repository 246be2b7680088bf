/**
 * Kubernetes' binary containers around messages that are ready: the envelope of an object, a list
 * of items, a watch's frame. Field numbers are those of runtime.Unknown, ListMeta and WatchEvent.
 */
import type { KubeObject } from "../../../api/resource.ts";
import { toStatus } from "../../machinery/status.ts";
import type { StatusError } from "../../machinery/status-error.ts";
import { kubernetesProtobuf } from "../../machinery/kube-protobuf.ts";
import type { ListPage } from "./rendering.ts";

const magic = Buffer.from("k8s\0", "latin1");
/** Field numbers with the wire type "bytes". */
const field = (number: number): number => (number << 3) | 2;

/** Base-128, least significant group first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A field that holds bytes: text, or a message. */
const bytesField = (number: number, value: Uint8Array): readonly Uint8Array[] => [
  Buffer.from([field(number)]),
  varint(value.length),
  value,
];

/** "k8s\0" and runtime.Unknown around one message. */
export function protobufEnvelope(kind: string, apiVersion: string, raw: Uint8Array): Buffer {
  const type = Buffer.concat([
    ...bytesField(1, Buffer.from(apiVersion)),
    ...bytesField(2, Buffer.from(kind)),
  ]);
  const nothing = Buffer.alloc(0);
  return Buffer.concat([
    magic,
    ...bytesField(1, type),
    ...bytesField(2, raw),
    ...bytesField(3, nothing),
    ...bytesField(4, nothing),
  ]);
}

/** A list's message: every …List has ListMeta as field 1 and its items as field 2. */
export function protobufList(page: ListPage, items: readonly Uint8Array[]): Buffer {
  const { revision, continueFrom, remaining = 0 } = page;
  const metadata = kubernetesProtobuf.encodeMessage("meta.v1.ListMeta", {
    resourceVersion: String(revision),
    ...(continueFrom === "" ? {} : { continue: continueFrom }),
    ...(remaining === 0 ? {} : { remainingItemCount: remaining }),
  });
  const parts = [...bytesField(1, metadata)];
  for (const item of items) parts.push(...bytesField(2, item));
  return Buffer.concat(parts);
}

/** Four bytes of length, then a WatchEvent whose object is a whole envelope. */
export function protobufFrame(type: string, object: Uint8Array): Buffer {
  const extension = Buffer.concat(bytesField(1, object));
  const event = Buffer.concat([...bytesField(1, Buffer.from(type)), ...bytesField(2, extension)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(event.length);
  return Buffer.concat([length, event]);
}

export const protobufFailure = (error: StatusError): Buffer =>
  protobufFrame("ERROR", kubernetesProtobuf.encode(toStatus(error) as KubeObject));
