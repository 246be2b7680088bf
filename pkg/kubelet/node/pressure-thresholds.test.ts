import { expect, it } from "vitest";
import { pressureThresholds } from "./pressure-thresholds.ts";

const machine = { memoryBytes: 4 * 2 ** 30, diskBytes: 1_000_000 };

it("pressure begins where evictionHard says, in amounts or in percent", () => {
  expect(pressureThresholds(machine)).toEqual({
    memoryAvailableBytesMin: 100 * 2 ** 20,
    diskAvailableBytesMin: 100_000,
    inodesFreeShareMin: 0.05,
    processesShareMax: 0.95,
  });
  const given = {
    "memory.available": "25%",
    "nodefs.available": "3k",
    "nodefs.inodesFree": "1%",
  };
  expect(pressureThresholds(machine, given)).toMatchObject({
    memoryAvailableBytesMin: 2 ** 30,
    diskAvailableBytesMin: 3_000,
    inodesFreeShareMin: 0.01,
  });
});
