import type { ConfigMap } from "../../../api/core/v1.ts";
import { configMaps as ref } from "../../../api/resources.ts";
import { type FieldError, forbidden, invalid } from "../../machinery/field-error.ts";
import { configKeyComplaints } from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn, numberColumn } from "./columns.ts";
import { base64Bytes, dataBytesMax, sameData, tooLong, validateKeys } from "./data.ts";

const keyCount = (data: object | undefined): number => Object.keys(data ?? {}).length;

function validateData({ data = {}, binaryData = {} }: ConfigMap): readonly FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(data)) {
    const at = `data[${key}]`;
    errors.push(...configKeyComplaints(key).map((why) => invalid(at, key, why)));
    if (Object.hasOwn(binaryData, key))
      errors.push(invalid(at, key, "duplicate of key present in binaryData"));
    bytes += Buffer.byteLength(value);
  }
  errors.push(...validateKeys("binaryData", binaryData));
  for (const value of Object.values(binaryData)) bytes += base64Bytes(value);
  return bytes > dataBytesMax ? [...errors, tooLong("", dataBytesMax)] : errors;
}

function validateImmutable(now: ConfigMap, before: ConfigMap): readonly FieldError[] {
  if (before.immutable !== true) return [];
  const why = "field is immutable when `immutable` is set";
  return [
    ...(now.immutable === true ? [] : [forbidden("immutable", why)]),
    ...(sameData(now.data, before.data) ? [] : [forbidden("data", why)]),
    ...(sameData(now.binaryData, before.binaryData) ? [] : [forbidden("binaryData", why)]),
  ];
}

export const configMaps: Resource<ConfigMap> = {
  ref,
  storagePrefix: "/registry/configmaps",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    {
      ...numberColumn("Data", (map) => keyCount(map.data) + keyCount(map.binaryData)),
      type: "string",
    },
    ageColumn,
  ],
  validate: (map, before) => [
    ...(before === undefined ? [] : validateImmutable(map, before)),
    ...validateData(map),
  ],
};
