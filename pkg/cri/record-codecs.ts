import type { ContainerConfig, PodSandboxConfig } from "../../api/cri/v1.ts";
import { criProtobuf } from "../machinery/cri-protobuf.ts";
import type { RecordCodec } from "./record-store.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";

/**
 * Records are JSON, but for CRI's own messages: those hold bytes and 64-bit numbers, and are kept
 * as they came over the wire.
 */
const encodeMessage = (key: string, message: object): string =>
  Buffer.from(criProtobuf.encode(key, message)).toString("base64");

const decodeMessage = <T>(key: string, text: unknown): T => {
  if (typeof text !== "string") throw new Error(`no ${key} in record`);
  return criProtobuf.decode<T>(key, Buffer.from(text, "base64"));
};

type Json = Readonly<Record<string, unknown>>;

function codec<T extends { readonly config: object }>(key: string): RecordCodec<T> {
  return {
    encode: (record) =>
      Buffer.from(JSON.stringify({ ...record, config: encodeMessage(key, record.config) })),
    decode: (bytes) => {
      const json = JSON.parse(Buffer.from(bytes).toString("utf8")) as Json;
      // Written by this file alone, by rename: what is whole has the shape of the record.
      return { ...json, config: decodeMessage<object>(key, json["config"]) } as unknown as T;
    },
  };
}

export const sandboxCodec: RecordCodec<SandboxRecord> = codec<
  SandboxRecord & { readonly config: PodSandboxConfig }
>("PodSandboxConfig");

export const containerCodec: RecordCodec<ContainerRecord> = codec<
  ContainerRecord & { readonly config: ContainerConfig }
>("ContainerConfig");
