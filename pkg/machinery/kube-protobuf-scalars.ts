/** Scalars of Kubernetes' protobuf: each is one value in JSON, and some a message on the wire. */
import type { MessageTable } from "../../api/message.ts";
import type { Dialect, Scalar } from "./protobuf-dialect.ts";
import { number64, protobufScalars, scalar } from "./protobuf-scalars.ts";
import { ProtobufError, type ProtobufReader } from "./protobuf-reader.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

const textDecoder = new TextDecoder("utf-8", { fatal: true });

/** Reads a small message's fields up to the reader's end. */
function eachField(reader: ProtobufReader, read: (number: number) => boolean): void {
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (!read(tag >>> 3)) reader.skipField(tag & 7);
  }
}

function writeText(writer: ProtobufWriter, tag: number, text: string): void {
  const before = writer.length;
  writer.string(text);
  writer.varint(writer.length - before);
  writer.varint(tag);
}

const quantity = scalar<string | number>({
  wireType: 2,
  zero: "0",
  isZero: () => false,
  write: (writer, value) => writeText(writer, 0x0a, String(value)),
  read: (reader) => {
    let text = "0";
    eachField(reader, (number) => {
      if (number === 1) text = reader.string();
      return number === 1;
    });
    return text;
  },
});

const intOrString = scalar<string | number>({
  wireType: 2,
  zero: 0,
  isZero: () => false,
  write: (writer, value) => {
    const isText = typeof value === "string";
    writeText(writer, 0x1a, isText ? value : "");
    writer.signed(isText ? 0 : value);
    writer.varint(0x10);
    writer.varint(isText ? 1 : 0);
    writer.varint(0x08);
  },
  read: (reader) => {
    let isText = false;
    let number = 0;
    let text = "";
    eachField(reader, (field) => {
      if (field === 1) isText = reader.varint() === 1;
      else if (field === 2) number = reader.varint() | 0;
      else if (field === 3) text = reader.string();
      return field >= 1 && field <= 3;
    });
    return isText ? text : number;
  },
});

/** Seconds and nanoseconds of an RFC 3339 time. */
function parseTime(text: string): { readonly seconds: number; readonly nanos: number } {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new ProtobufError(`not a time: ${JSON.stringify(text)}`);
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? "";
  return {
    seconds: Math.floor(ms / 1000),
    nanos: Number(fraction.padEnd(9, "0").slice(0, 9)),
  };
}

const secondsText = (seconds: number): string => {
  const time = new Date(seconds * 1000);
  if (Number.isNaN(time.getTime())) throw new ProtobufError(`not a time: ${seconds}`);
  return time.toISOString().slice(0, 19);
};

/**
 * An absent time is an empty message; Kubernetes keeps no fraction in Time, and micros in
 * MicroTime.
 */
function timestamp(
  kept: (nanos: number) => number,
  format: (seconds: number, nanos: number) => string,
): Scalar {
  return {
    wireType: 2,
    // What JSON says of a time that must be there and is not.
    zero: null,
    isZero: (value) => value === null || value === "",
    write: (writer, value: string | null) => {
      if (value === null || value === "") return;
      const { seconds, nanos } = parseTime(value);
      writer.varint(kept(nanos));
      writer.varint(0x10);
      writer.signed(seconds);
      writer.varint(0x08);
    },
    read: (reader) => {
      if (reader.position === reader.end) return undefined;
      let seconds = 0;
      let nanos = 0;
      eachField(reader, (number) => {
        if (number === 1) seconds = reader.signed();
        else if (number === 2) nanos = reader.varint();
        return number === 1 || number === 2;
      });
      return format(seconds, nanos);
    },
  };
}

const time = timestamp(
  () => 0,
  (seconds) => `${secondsText(seconds)}Z`,
);
const microTime = timestamp(
  (nanos) => nanos - (nanos % 1000),
  (seconds, nanos) =>
    `${secondsText(seconds)}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`,
);

/** JSON inside a message with one bytes field; what is no JSON (another envelope) stays bytes. */
function parseRaw(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(textDecoder.decode(bytes));
  } catch {
    return bytes;
  }
}
const rawJson: Scalar = {
  wireType: 2,
  zero: undefined,
  isZero: (value) => value === undefined,
  write: (writer, value: unknown) => {
    if (value === undefined) return;
    const before = writer.length;
    if (value instanceof Uint8Array) writer.bytes(value);
    else writer.string(JSON.stringify(value));
    writer.varint(writer.length - before);
    writer.varint(0x0a);
  },
  read: (reader) => {
    let value: unknown;
    eachField(reader, (number) => {
      if (number === 1)
        reader.within(() => {
          value = parseRaw(reader.rest());
        });
      return number === 1;
    });
    return value;
  },
};

/** runtime.Unknown: JSON shows what it carries. */
const unknown: Scalar = {
  ...rawJson,
  write: (writer, value: unknown) => {
    writeText(writer, 0x22, "");
    writeText(writer, 0x1a, "");
    if (value !== undefined) writeText(writer, 0x12, JSON.stringify(value));
    writeText(writer, 0x0a, "");
  },
  read: (reader) => {
    let value: unknown;
    eachField(reader, (number) => {
      if (number === 2)
        reader.within(() => {
          value = parseRaw(reader.rest());
        });
      return number === 2;
    });
    return value;
  },
};

const base64 = scalar<string>({
  wireType: 2,
  zero: "",
  write: (writer, value) => writer.bytes(Uint8Array.fromBase64(value)),
  read: (reader) => reader.rest().toBase64(),
});

export const kubernetesScalars: Readonly<Record<string, Scalar>> = {
  ...protobufScalars,
  bytes: base64,
  int64: number64,
  uint64: number64,
  quantity,
  intOrString,
  time,
  microTime,
  rawExtension: rawJson,
  unknown,
  fieldsV1: rawJson,
  json: rawJson,
};

const isList = Array.isArray;
/** The fields of CRD schemas that are a schema or something simpler. */
const unions: Dialect["unions"] = {
  schemaOrArray: {
    message: "JSONSchemaPropsOrArray",
    toWire: (value) => (isList(value) ? { jSONSchemas: value } : { schema: value }),
    fromWire: ({ schema, jSONSchemas }) => (isList(jSONSchemas) ? jSONSchemas : schema),
  },
  schemaOrBool: {
    message: "JSONSchemaPropsOrBool",
    toWire: (value) =>
      typeof value === "boolean" ? { allows: value } : { allows: true, schema: value },
    fromWire: ({ allows, schema }) => schema ?? allows ?? false,
  },
  schemaOrStrings: {
    message: "JSONSchemaPropsOrStringArray",
    toWire: (value) => (isList(value) ? { property: value } : { schema: value }),
    fromWire: ({ schema, property }) => (isList(property) ? property : schema),
  },
};

/** Their messages, which exist on the wire only. */
export const unionMessages: MessageTable = {
  JSONSchemaPropsOrArray: `
    schema 1 apiextensions.v1.JSONSchemaProps *o
    jSONSchemas 2 []apiextensions.v1.JSONSchemaProps o
  `,
  JSONSchemaPropsOrBool: `
    allows 1 bool o
    schema 2 apiextensions.v1.JSONSchemaProps *o
  `,
  JSONSchemaPropsOrStringArray: `
    schema 1 apiextensions.v1.JSONSchemaProps *o
    property 2 []string o
  `,
};

/** Kubernetes' proto2 as gogo writes it: int64 is a number, bytes base64, times RFC 3339. */
export const kubernetesDialect: Dialect = {
  scalars: kubernetesScalars,
  writesZeros: true,
  packs: false,
  nullable: new Set(["bytes"]),
  unions,
};
