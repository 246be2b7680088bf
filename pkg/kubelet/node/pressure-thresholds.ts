import { quantityValue } from "../../machinery/quantity.ts";
import type { Machine } from "./machine.ts";

/** Beyond these the node is under pressure. */
export interface PressureThresholds {
  readonly memoryAvailableBytesMin: number;
  readonly diskAvailableBytesMin: number;
  readonly inodesFreeShareMin: number;
  readonly processesShareMax: number;
}

/** As upstream's eviction has them where nobody says otherwise. */
const usual: Readonly<Record<string, string>> = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
};

/**
 * evictionHard of a KubeletConfiguration, as amounts of this machine: a quantity, or a percentage
 * of the whole. Inodes are told in percent. Signals that are not given are as usual.
 */
export function pressureThresholds(
  { memoryBytes, diskBytes }: Pick<Machine, "memoryBytes" | "diskBytes">,
  evictionHard: Readonly<Record<string, string>> = {},
): PressureThresholds {
  const threshold = (signal: string): string => evictionHard[signal] ?? usual[signal] ?? "0";
  const amount = (signal: string, whole: number): number => {
    const text = threshold(signal);
    return text.endsWith("%") ? whole * share(text) : quantityValue(text);
  };
  return {
    memoryAvailableBytesMin: amount("memory.available", memoryBytes),
    diskAvailableBytesMin: amount("nodefs.available", diskBytes),
    inodesFreeShareMin: share(threshold("nodefs.inodesFree")),
    processesShareMax: 0.95,
  };
}

const share = (percentage: string): number => Number(percentage.replace("%", "")) / 100;
