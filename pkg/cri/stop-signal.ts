import { Signal } from "../../api/cri/v1.ts";
import { signalNumber } from "../linux/constants.ts";

const sigterm = 15;

/** The pod's choice, else the image's, else SIGTERM. */
export function stopSignalOf(asked: Signal | undefined, image: string): number {
  if (asked !== undefined && asked !== Signal.SIGNAL_RUNTIME_DEFAULT) {
    const name = Object.entries(Signal).find(([, value]) => value === asked)?.[0] ?? "";
    return signalNumber(wireName(name)) ?? sigterm;
  }
  return signalNumber(image) ?? sigterm;
}

/** SIGNAL_SIGRTMINPLUS3 is SIGRTMIN+3. */
const wireName = (name: string): string =>
  name.replace("SIGNAL_", "").replace("PLUS", "+").replace("MINUS", "-");

/** CRI's name of a signal, for a container's status. */
export function wireSignal(number: number): Signal {
  const found = Object.entries(Signal).find(
    ([name, value]) => value !== 0 && signalNumber(wireName(name)) === number,
  );
  return found?.[1] ?? Signal.SIGNAL_RUNTIME_DEFAULT;
}
