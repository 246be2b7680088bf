import { scalarOf, type Compiled, type Encode } from "./protobuf-compiled.ts";
import type { Fields, Scalar } from "./protobuf-dialect.ts";
import { ProtobufError } from "./protobuf-reader.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";
import type { FieldSchema, MessageSchema } from "./schema.ts";

type EncodeField = Encode;
/** Writes one value with its tag. */
type EncodeValue = (writer: ProtobufWriter, value: unknown) => void;

/** An absent value that must be written, and a null in a map (a zero time), is the zero. */
function encodeScalar(scalar: Scalar, tag: number): EncodeValue {
  const { zero } = scalar;
  if (scalar.wireType !== 2)
    return (writer, value) => {
      scalar.write(writer, (value ?? zero) as never);
      writer.varint(tag);
    };
  return (writer, value) => {
    const before = writer.length;
    scalar.write(writer, (value ?? zero) as never);
    writer.varint(writer.length - before);
    writer.varint(tag);
  };
}

/** The encoder is looked up when first used, for messages may contain themselves. */
function encodeMessage(compiled: Compiled, key: string, tag: number): EncodeValue {
  let encode: Encode | undefined;
  return (writer, value) => {
    if (typeof value !== "object" || value === null)
      throw new ProtobufError(`${key}: not an object: ${JSON.stringify(value)}`);
    encode ??= compiled.encoder(key);
    const before = writer.length;
    encode(writer, value as Fields);
    writer.varint(writer.length - before);
    writer.varint(tag);
  };
}

function encodeSingle(
  compiled: Compiled,
  { type, isMessage }: FieldSchema,
  number: number,
): EncodeValue {
  if (isMessage) return encodeMessage(compiled, type, number * 8 + 2);
  const scalar = scalarOf(compiled, type);
  return encodeScalar(scalar, number * 8 + scalar.wireType);
}

function asList(field: FieldSchema, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ProtobufError(`${field.name}: not a list: ${JSON.stringify(value)}`);
}

function encodeEach(field: FieldSchema, encode: EncodeValue): EncodeValue {
  return (writer, value) => {
    const items = asList(field, value);
    for (let index = items.length - 1; index >= 0; index -= 1) encode(writer, items[index]);
  };
}

function encodePacked(field: FieldSchema, scalar: Scalar): EncodeValue {
  const tag = field.number * 8 + 2;
  return (writer, value) => {
    const items = asList(field, value);
    if (items.length === 0) return;
    const before = writer.length;
    for (let index = items.length - 1; index >= 0; index -= 1)
      scalar.write(writer, items[index] as never);
    writer.varint(writer.length - before);
    writer.varint(tag);
  };
}

function encodeWrapped(inner: EncodeValue, tag: number): EncodeValue {
  return (writer, value) => {
    const before = writer.length;
    inner(writer, value);
    writer.varint(writer.length - before);
    writer.varint(tag);
  };
}

const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function encodeMap(field: FieldSchema, encode: EncodeValue, writesKey: EncodeValue): EncodeValue {
  const tag = field.number * 8 + 2;
  return (writer, value) => {
    if (typeof value !== "object" || value === null)
      throw new ProtobufError(`${field.name}: not an object: ${JSON.stringify(value)}`);
    const map = value as Fields;
    const keys = Object.keys(map).sort(byCodeUnits);
    for (let index = keys.length - 1; index >= 0; index -= 1) {
      const key = keys[index] ?? "";
      const before = writer.length;
      encode(writer, map[key]);
      writesKey(writer, key);
      writer.varint(writer.length - before);
      writer.varint(tag);
    }
  };
}

function encodeList(compiled: Compiled, field: FieldSchema): EncodeValue {
  const scalar = field.isMessage ? undefined : scalarOf(compiled, field.type);
  if (compiled.dialect.packs && scalar !== undefined && scalar.wireType !== 2)
    return encodePacked(field, scalar);
  if (!field.wrapped) return encodeEach(field, encodeSingle(compiled, field, field.number));
  return encodeWrapped(encodeEach(field, encodeSingle(compiled, field, 1)), field.number * 8 + 2);
}

function encodeMany(compiled: Compiled, field: FieldSchema): EncodeValue {
  if (field.shape === "list") return encodeList(compiled, field);
  const key = encodeScalar(scalarOf(compiled, "string"), 8 + 2);
  if (field.shape === "map") return encodeMap(field, encodeSingle(compiled, field, 2), key);
  const items = encodeWrapped(encodeEach(field, encodeSingle(compiled, field, 1)), 16 + 2);
  return encodeMap(field, items, key);
}

/** True where gogo writes something although the object has nothing. */
const isAlwaysWritten = ({ dialect }: Compiled, field: FieldSchema): boolean =>
  dialect.writesZeros && !field.pointer && !dialect.nullable.has(field.type);

const empty: Fields = {};

function encodePlain(compiled: Compiled, field: FieldSchema): EncodeField {
  const { name } = field;
  const encode = encodeSingle(compiled, field, field.number);
  if (isAlwaysWritten(compiled, field)) {
    const absent = field.isMessage ? empty : undefined;
    return (writer, object) => encode(writer, object[name] ?? absent);
  }
  const dropsZero = !compiled.dialect.writesZeros && !field.presence && !field.isMessage;
  const isDropped = dropsZero ? scalarOf(compiled, field.type).isZero : () => false;
  return (writer, object) => {
    const value = object[name];
    if (value !== undefined && value !== null && !isDropped(value)) encode(writer, value);
  };
}

function encodeField(compiled: Compiled, field: FieldSchema): EncodeField {
  if (field.inline) {
    const encode = encodeMessage(compiled, field.type, field.number * 8 + 2);
    return encode as EncodeField;
  }
  if (field.shape === "one") return encodePlain(compiled, field);
  const { name } = field;
  const encode = encodeMany(compiled, field);
  return (writer, object) => {
    const value = object[name];
    if (value !== undefined && value !== null) encode(writer, value);
  };
}

export function compileEncoder(compiled: Compiled, message: MessageSchema): Encode {
  const fields = message.fields
    .filter(({ number }) => number > 0)
    .sort((a, b) => b.number - a.number)
    .map((field) => encodeField(compiled, field));
  return (writer, value) => {
    for (const encode of fields) encode(writer, value);
  };
}
