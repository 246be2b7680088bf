import { scalarOf, type Compiled, type MessageDecoder } from "./protobuf-compiled.ts";
import type { Scalar } from "./protobuf-dialect.ts";
import { ProtobufReader } from "./protobuf-reader.ts";
import { messageOf, type FieldSchema, type MessageSchema } from "./schema.ts";

/** Values of one message in the order of its properties, those of embedded structs among them. */
type Slots = unknown[];
/** Reads one field, whose tag has been read. */
type DecodeField = (reader: ProtobufReader, slots: Slots, wireType: number) => void;
type ReadValue = (reader: ProtobufReader) => unknown;

function readScalar(scalar: Scalar): ReadValue {
  const { read, wireType } = scalar;
  if (wireType !== 2) return read;
  return (reader) => {
    let value: unknown;
    reader.within(() => {
      value = read(reader);
    });
    return value;
  };
}

function readMessage(compiled: Compiled, key: string): ReadValue {
  let decode: MessageDecoder | undefined;
  return (reader) => {
    decode ??= compiled.decoder(key);
    return decodeWithin(reader, decode);
  };
}

function decodeWithin(reader: ProtobufReader, decode: ReadValue): unknown {
  let value: unknown;
  reader.within(() => {
    value = decode(reader);
  });
  return value;
}

const readSingle = (compiled: Compiled, { type, isMessage }: FieldSchema): ReadValue =>
  isMessage ? readMessage(compiled, type) : readScalar(scalarOf(compiled, type));

/** Fields of a small message: calls `onField` with each number that has a reader in `fields`. */
function readFields(
  reader: ProtobufReader,
  onField: (number: number, wireType: number) => boolean,
): void {
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (!onField(tag >>> 3, tag & 7)) reader.skipField(tag & 7);
  }
}

/** A message whose only field is the repeated `items`. */
function readItems(single: ReadValue): ReadValue {
  return (reader) => {
    const items: unknown[] = [];
    reader.within(() =>
      readFields(reader, (number) => {
        if (number !== 1) return false;
        items.push(single(reader));
        return true;
      }),
    );
    return items;
  };
}

function decodeList(compiled: Compiled, field: FieldSchema, slot: number): DecodeField {
  const single = readSingle(compiled, field);
  if (field.wrapped) {
    const items = readItems(single);
    return (reader, slots) => {
      slots[slot] = items(reader);
    };
  }
  const scalar = field.isMessage ? undefined : scalarOf(compiled, field.type);
  const canBePacked = scalar !== undefined && scalar.wireType !== 2;
  return (reader, slots, wireType) => {
    const items = (slots[slot] ??= []) as unknown[];
    if (!canBePacked || wireType !== 2) {
      items.push(single(reader));
      return;
    }
    reader.within(() => {
      while (reader.position < reader.end) items.push(single(reader));
    });
  };
}

/** JSON may have a key "__proto__": an assignment would set the prototype instead. */
function setOwn(map: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") map[key] = value;
  else
    Object.defineProperty(map, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

function decodeMap(compiled: Compiled, field: FieldSchema, slot: number): DecodeField {
  const single = readSingle(compiled, field);
  const readEntry = field.shape === "map-of-lists" ? readItems(single) : single;
  const zero = field.isMessage ? {} : scalarOf(compiled, field.type).zero;
  const absent = field.shape === "map-of-lists" ? [] : zero;
  return (reader, slots) => {
    let key = "";
    let value: unknown = absent;
    reader.within(() =>
      readFields(reader, (number) => {
        if (number === 1) key = reader.string();
        else if (number === 2) value = readEntry(reader);
        return number === 1 || number === 2;
      }),
    );
    setOwn((slots[slot] ??= {}) as Record<string, unknown>, key, value ?? null);
  };
}

function decodeField(compiled: Compiled, field: FieldSchema, slot: number): DecodeField {
  if (field.inline) return decodeInline(compiled, field.type, slot);
  if (field.shape === "list") return decodeList(compiled, field, slot);
  if (field.shape !== "one") return decodeMap(compiled, field, slot);
  const read = readSingle(compiled, field);
  return (reader, slots) => {
    slots[slot] = read(reader);
  };
}

function decodeInline(compiled: Compiled, key: string, slot: number): DecodeField {
  const fields = fieldDecoders(compiled, messageOf(compiled.schema, key), slot);
  return (reader, slots) => reader.within(() => decodeInto(fields, reader, slots));
}

const slotCount = (compiled: Compiled, field: FieldSchema): number =>
  field.inline ? messageOf(compiled.schema, field.type).properties.size : 1;

/** By field number; slots are given in the order of properties, from `base` on. */
function fieldDecoders(
  compiled: Compiled,
  message: MessageSchema,
  base: number,
): readonly (DecodeField | undefined)[] {
  const decoders: (DecodeField | undefined)[] = [];
  let slot = base;
  for (const field of message.fields) {
    if (field.number > 0) decoders[field.number] = decodeField(compiled, field, slot);
    slot += slotCount(compiled, field);
  }
  return decoders;
}

function decodeInto(
  fields: readonly (DecodeField | undefined)[],
  reader: ProtobufReader,
  slots: Slots,
): void {
  while (reader.position < reader.end) {
    const tag = reader.varint();
    const decode = fields[tag >>> 3];
    if (decode === undefined) reader.skipField(tag & 7);
    else decode(reader, slots, tag & 7);
  }
}

interface Slot {
  readonly name: string;
  /** What JSON has where the wire had nothing. */
  readonly absent: () => unknown;
  /** True for a value that JSON leaves out. */
  readonly isOmitted: (value: unknown) => boolean;
}

const never = (): boolean => false;
const nothing = (): undefined => undefined;
const isEmptyObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Go's omitempty never leaves out a struct; omitzero does. */
function omission(compiled: Compiled, field: FieldSchema): Slot["isOmitted"] {
  if (!compiled.dialect.writesZeros || field.pointer || field.omit === "never") return never;
  if (field.shape !== "one") return never;
  if (!field.isMessage) return scalarOf(compiled, field.type).isZero;
  return field.omit === "zero" ? isEmptyObject : never;
}

function absence(compiled: Compiled, field: FieldSchema): Slot["absent"] {
  if (!compiled.dialect.writesZeros || field.pointer) return nothing;
  if (field.isMessage && field.shape === "one" && field.omit !== "zero") {
    let decode: MessageDecoder | undefined;
    const none = new ProtobufReader(new Uint8Array());
    return () => (decode ??= compiled.decoder(field.type))(none);
  }
  if (field.omit !== "never") return nothing;
  if (field.shape === "list") return () => [];
  if (field.shape !== "one") return () => ({});
  if (field.isMessage) return nothing;
  const { zero } = scalarOf(compiled, field.type);
  return () => zero;
}

export function compileDecoder(compiled: Compiled, message: MessageSchema): MessageDecoder {
  const slotsOf: readonly Slot[] = [...message.properties.values()].map((field) => ({
    name: field.name,
    absent: absence(compiled, field),
    isOmitted: omission(compiled, field),
  }));
  let fields: readonly (DecodeField | undefined)[] | undefined;
  return (reader) => {
    fields ??= fieldDecoders(compiled, message, 0);
    const slots: Slots = Array.from({ length: slotsOf.length });
    decodeInto(fields, reader, slots);
    const object: Record<string, unknown> = {};
    for (let index = 0; index < slotsOf.length; index += 1) {
      const slot = slotsOf[index] as Slot;
      const value = slots[index] ?? slot.absent();
      if (value !== undefined && !slot.isOmitted(value)) object[slot.name] = value;
    }
    return object;
  };
}
