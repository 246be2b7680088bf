import type { Pod } from "../../../../api/core/v1.ts";
import { type ParsedQuantity } from "../../../machinery/quantity.ts";
import { quantityOf } from "../quantities.ts";

const computed = ["cpu", "memory"] as const;
type Amounts = Readonly<Record<string, string>> | undefined;

const amount = (amounts: Amounts, name: string): bigint => {
  const parsed: ParsedQuantity | undefined = quantityOf(amounts?.[name] ?? "0");
  return parsed?.nanos ?? 0n;
};
const hasAny = (amounts: Amounts): boolean => computed.some((name) => amount(amounts, name) > 0n);

/**
 * Who is killed last when memory runs out: pods whose every container has limits for both CPU and
 * memory and asks for just that; then those that ask for something; then the rest.
 */
export function qosClassOf({ spec }: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const own = spec?.resources === undefined ? [] : [spec.resources];
  const all =
    own.length > 0
      ? own
      : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(
          ({ resources }) => resources ?? {},
        );
  if (!all.some(({ limits, requests }) => hasAny(limits) || hasAny(requests))) return "BestEffort";
  const isGuaranteed = all.every(({ limits, requests }) =>
    computed.every((name) => {
      const limit = amount(limits, name);
      return limit > 0n && (requests?.[name] === undefined || amount(requests, name) === limit);
    }),
  );
  return isGuaranteed ? "Guaranteed" : "Burstable";
}
