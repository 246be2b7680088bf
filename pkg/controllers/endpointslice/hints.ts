import type { Service } from "../../../api/core/v1.ts";
import type { Endpoint } from "../../../api/discovery/v1.ts";

/**
 * Whom a ready endpoint is meant for, by the Service's trafficDistribution (KEP-4444, KEP-3015):
 * its own node, its own zone, or, with no hint at all, everybody. Proxies keep to it as long as
 * each has one that is near. Pure.
 */
export function hintsFor(
  { spec }: Service,
  { conditions, nodeName, zone }: Endpoint,
): Pick<Endpoint, "hints"> {
  if (conditions?.ready === false) return {};
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  switch (spec?.trafficDistribution) {
    case "PreferSameNode":
      if (nodeName === undefined) return {};
      return { hints: { forNodes: [{ name: nodeName }], ...forZones } };
    case "PreferSameZone":
    case "PreferClose":
      return zone === undefined ? {} : { hints: forZones };
    default:
      return {};
  }
}
