import type { ResourceRequirements } from "../../../../api/core/v1.ts";
import { duplicate, forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { canonicalQuantity } from "../../../machinery/quantity.ts";
import {
  canOvercommit,
  isHugePages,
  quantityOf,
  validateContainerResourceName,
  validateQuantity,
} from "../quantities.ts";
import { eachAt, type Errors, none, notFound } from "../rules.ts";

type Amounts = Readonly<Record<string, string>>;

const validateAmounts = (amounts: Amounts, path: string): Errors =>
  Object.entries(amounts).flatMap(([name, quantity]) => [
    ...validateContainerResourceName(`${path}[${name}]`, name),
    ...validateQuantity(`${path}[${name}]`, name, quantity),
  ]);

/** A request may not exceed its limit; where nothing can be overcommitted, it is the limit. */
function compare(name: string, request: string, limits: Amounts, path: string): Errors {
  const limit = limits[name];
  if (limit === undefined)
    return canOvercommit(name)
      ? none
      : [required(`${path}.limits`, "Limit must be set for non overcommitable resources")];
  const [asked, most] = [quantityOf(request)?.nanos, quantityOf(limit)?.nanos];
  if (asked === undefined || most === undefined || asked === most) return none;
  const relation = canOvercommit(name) ? "less than or equal to" : "equal to";
  if (asked < most && canOvercommit(name)) return none;
  const why = `must be ${relation} ${name} limit of ${canonicalQuantity(limit)}`;
  return [invalid(`${path}.requests`, canonicalQuantity(request), why)];
}

export function validateResources(
  { limits = {}, requests = {}, claims }: ResourceRequirements,
  path: string,
  claimNames: ReadonlySet<string>,
): Errors {
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  const hasHuge = names.some(isHugePages);
  const hasComputed = names.includes("cpu") || names.includes("memory");
  const seen = new Set<string>();
  return [
    ...validateAmounts(limits, `${path}.limits`),
    ...validateAmounts(requests, `${path}.requests`),
    ...Object.entries(requests).flatMap(([name, request]) => compare(name, request, limits, path)),
    ...(hasHuge && !hasComputed ? [forbidden(path, "HugePages require cpu or memory")] : none),
    ...eachAt(`${path}.claims`, claims, ({ name, request = "" }, at) => {
      if (name === "") return [required(`${at}.name`)];
      const id = request === "" ? name : `${name}/${request}`;
      const isKnown = seen.has(id);
      seen.add(id);
      return [
        ...(isKnown ? [duplicate(at, id)] : none),
        ...(claimNames.has(name) ? none : [notFound(at, name)]),
      ];
    }),
  ];
}
