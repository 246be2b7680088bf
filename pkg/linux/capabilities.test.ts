import { expect, it } from "vitest";
import {
  capabilitiesOf,
  capabilityMask,
  defaultCapabilities,
  parseCapabilities,
} from "./capabilities.ts";

it("gives the default set the mask that /proc shows of a container", () => {
  expect(capabilityMask(defaultCapabilities).toString(16)).toBe("a80425fb");
});

it("goes there and back", () => {
  expect(capabilityMask(capabilitiesOf(0x1ff_ffff_ffffn))).toBe(0x1ff_ffff_ffffn);
});

it("reads a process's status", () => {
  expect(parseCapabilities("Name:\tx\nCapPrm:\t000001fffeffffff\n", "CapPrm")).toBe(
    0x1ff_feff_ffffn,
  );
});
