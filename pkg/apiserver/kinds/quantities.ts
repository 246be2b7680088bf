/** Amounts of resources, and the names that resources may have. */
import { invalid } from "../../machinery/field-error.ts";
import { qualifiedNameComplaints } from "../../machinery/names.ts";
import { parseQuantity, type ParsedQuantity } from "../../machinery/quantity.ts";
import { check, type Errors, none } from "./rules.ts";

const nano = 1_000_000_000n;
const hugePages = "hugepages-";

/** Names without a domain that a container may ask for. */
const containerResources: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
/** Those and what quotas and nodes count. */
const standardResources: ReadonlySet<string> = new Set([
  ...containerResources,
  "requests.cpu",
  "requests.memory",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "storage",
  "requests.storage",
  "services.nodeports",
  "services.loadbalancers",
]);

export const isHugePages = (name: string): boolean => name.startsWith(hugePages);
const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

/** Extended resources have a domain; "requests." before them is how quotas name them. */
const isExtended = (name: string): boolean =>
  !isNative(name) &&
  !name.startsWith("requests.") &&
  qualifiedNameComplaints(`requests.${name}`).length === 0;

/** CPU, memory and storage may be promised more than once; devices and huge pages may not. */
export const canOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);
const isCounted = (name: string): boolean => isExtended(name) || name === "pods";

export function validateContainerResourceName(path: string, name: string): Errors {
  const wrong = check(path, name, qualifiedNameComplaints);
  if (wrong.length > 0) return wrong;
  if (!name.includes("/")) {
    const huge = isHugePages(name);
    if (!standardResources.has(name) && !huge)
      return [
        invalid(path, name, "must be a standard resource type or fully qualified"),
        invalid(path, name, "must be a standard resource for containers"),
      ];
    return containerResources.has(name) || huge
      ? none
      : [invalid(path, name, "must be a standard resource for containers")];
  }
  return isNative(name) || isExtended(name)
    ? none
    : [invalid(path, name, "doesn't follow extended resource name standard")];
}

/** Undefined where the text is no quantity: the decoder has said so already. */
export function quantityOf(text: string | number): ParsedQuantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

/** Not negative; and whole, for what cannot be split. */
export function validateQuantity(path: string, name: string, text: string | number): Errors {
  const quantity = quantityOf(text);
  if (quantity === undefined) return [invalid(path, text, "must be a valid resource quantity")];
  const shown = String(text);
  if (quantity.nanos < 0n) return [invalid(path, shown, "must be greater than or equal to 0")];
  if (isCounted(name) && quantity.nanos % nano !== 0n)
    return [invalid(path, shown, "must be an integer")];
  return none;
}
