/** IP addresses in fields, in upstream's words. */
import { isIP, isIPv4 } from "node:net";
import { type FieldError, invalid } from "../../machinery/field-error.ts";

export const isIPv6Family = (address: string): boolean => isIP(address) === 6;

export const validateAddress = (path: string, address: string): readonly FieldError[] =>
  isIP(address) !== 0
    ? []
    : [invalid(path, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];

export function validateCidr(path: string, cidr: string): readonly FieldError[] {
  const [address = "", bits = "", ...more] = cidr.split("/");
  const isGood =
    more.length === 0 &&
    /^(0|[1-9]\d{0,2})$/.test(bits) &&
    isIP(address) !== 0 &&
    Number(bits) <= (isIPv4(address) ? 32 : 128);
  const why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
  return isGood ? [] : [invalid(path, cidr, why)];
}

/** True for exactly one address of each family. */
export const isDualStack = (addresses: readonly string[]): boolean =>
  addresses.length === 2 && new Set(addresses.map((one) => isIP(one))).size === 2;

const special: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/^127\.|^::1$/, "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
  [
    /^169\.254\.|^fe[89ab][\da-f]:/i,
    "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
  ],
  [
    /^224\.0\.0\.|^ff02:/i,
    "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
  ],
];

/** Addresses that no endpoint can have: it must be reachable from other machines. */
export function validateEndpointAddress(path: string, address: string): readonly FieldError[] {
  if (isIP(address) === 0) return [invalid(path, address, "must be a valid IP address")];
  if (address === "0.0.0.0" || address === "::")
    return [invalid(path, address, `may not be unspecified (${address})`)];
  return special
    .filter(([pattern]) => pattern.test(address))
    .map(([, why]) => invalid(path, address, why));
}
