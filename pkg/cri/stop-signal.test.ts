import { expect, it } from "vitest";
import { Signal } from "../../api/cri/v1.ts";
import { stopSignalOf, wireSignal } from "./stop-signal.ts";

it.each([
  [undefined, "", 15],
  [undefined, "SIGQUIT", 3],
  [undefined, "9", 9],
  [undefined, "nonsense", 15],
  [Signal.SIGNAL_RUNTIME_DEFAULT, "SIGQUIT", 3],
  [Signal.SIGNAL_SIGUSR1, "SIGQUIT", 10],
  [Signal.SIGNAL_SIGRTMINPLUS3, "", 37],
  [Signal.SIGNAL_SIGRTMAXMINUS1, "", 63],
])("%s over %j is %i", (asked, image, number) => {
  expect(stopSignalOf(asked, image)).toBe(number);
});

it("names numbers for the wire", () => {
  expect(wireSignal(15)).toBe(Signal.SIGNAL_SIGTERM);
  expect(wireSignal(3)).toBe(Signal.SIGNAL_SIGQUIT);
});
