/** What ConfigMaps and Secrets have in common. */
import { type FieldError, invalid } from "../../machinery/field-error.ts";
import { configKeyComplaints } from "../../machinery/names.ts";

/** Sum of all values: an object must fit into etcd with room to spare. */
export const dataBytesMax = 1024 * 1024;

type Data = Readonly<Record<string, string>>;

export const validateKeys = (path: string, data: Data): readonly FieldError[] =>
  Object.keys(data).flatMap((key) =>
    configKeyComplaints(key).map((why) => invalid(`${path}[${key}]`, key, why)),
  );

/** Length of what a base64 text stands for. */
export function base64Bytes(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

export const tooLong = (path: string, bytesMax: number): FieldError => ({
  type: "FieldValueTooLong",
  path,
  detail: `may not be more than ${bytesMax} bytes`,
});

export function sameData(a: Data = {}, b: Data = {}): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}
