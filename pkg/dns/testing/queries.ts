import { encodeQuery } from "../message.ts";

/**
 * A query under an id, in upper and lower case as given, with an OPT record where `edns` says so.
 */
export function queryFor(
  name: string,
  type: number,
  { id = 0x1234, edns }: { readonly id?: number; readonly edns?: number } = {},
): Buffer {
  const plain = Buffer.from(encodeQuery(name, type));
  plain.writeUInt16BE(id, 0);
  if (edns === undefined) return plain;
  plain[11] = 1;
  return Buffer.concat([plain, Uint8Array.of(0, 0, 41, edns >>> 8, edns & 0xff, 0, 0, 0, 0, 0, 0)]);
}

/**
 * What a test reads of an answer: "id code answers+authority+additional", and TC where it is set.
 */
export const headerOf = (answer: Uint8Array): string => {
  const bytes = Buffer.from(answer);
  const counts = [6, 8, 10].map((at) => bytes.readUInt16BE(at)).join("+");
  const truncated = ((bytes[2] ?? 0) & 0x02) === 0 ? "" : " TC";
  return `${bytes.readUInt16BE(0).toString(16)} ${(bytes[3] ?? 0) & 0x0f} ${counts}${truncated}`;
};
