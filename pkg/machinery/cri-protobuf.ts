import { criMessages } from "../../api/cri/v1.ts";
import { ProtobufCodec } from "./protobuf.ts";
import { proto3 } from "./protobuf-scalars.ts";
import { schemaOfTable } from "./schema.ts";

/** Encodes and decodes CRI's messages by their names in api/cri/v1.ts. */
export const criProtobuf = new ProtobufCodec(schemaOfTable(criMessages), proto3);
