/** What strategic merge asks of the schema, and the names of its directives. */
import { isFields } from "./fields.ts";
import type { FieldSchema, MessageSchema, Schema } from "./schema.ts";

export const directive = "$patch";
export const retainKeys = "$retainKeys";
export const deleteFromPrimitiveList = "$deleteFromPrimitiveList/";
export const setElementOrder = "$setElementOrder/";

/** A place in the schema; undefined where the schema knows nothing (RawExtension, labels). */
export interface Place {
  readonly schema: Schema;
  readonly message: MessageSchema | undefined;
}

export const placeOf = (schema: Schema, key: string): Place => ({
  schema,
  message: schema.message(key),
});

export const fieldAt = ({ message }: Place, name: string): FieldSchema | undefined =>
  message?.properties.get(name);

/** Below a field: the message of its value, of its items or of the values of its map. */
export function below({ schema }: Place, field: FieldSchema | undefined): Place {
  const isStruct = field?.isMessage === true && field.shape !== "map";
  return { schema, message: isStruct ? schema.message(field.type) : undefined };
}

export const merges = (field: FieldSchema | undefined): boolean =>
  field?.patchStrategies.includes("merge") === true;
export const replaces = (field: FieldSchema | undefined): boolean =>
  field?.patchStrategies.includes("replace") === true;
export const retains = (field: FieldSchema | undefined): boolean =>
  field?.patchStrategies.includes("retainKeys") === true;

/** Two elements are the same when their merge keys print alike: 80 and "80" are. */
export const keyText = (item: unknown, mergeKey: string | undefined): string =>
  String(mergeKey !== undefined && isFields(item) ? item[mergeKey] : item);
