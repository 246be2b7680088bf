/** What goes wrong on the way to the API server and back, by chance: seeded, so that it replays. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { isStream, type Transport, type WireRequest, type WireResponse } from "../base/wire.ts";

/** Chances between 0 and 1. Changed while the simulation runs, they count from then on. */
export interface Faults {
  /** The request never arrives. */
  lostRequest: number;
  /** The request is carried out, and the answer never comes back. */
  lostResponse: number;
  /** The server answers 500 without doing anything. */
  serverError: number;
  /** A watch breaks off at one of its events. */
  brokenWatch: number;
  /** Every request takes up to so many milliseconds. */
  delayMsMax: number;
}

export const noFaults = (): Faults => ({
  lostRequest: 0,
  lostResponse: 0,
  serverError: 0,
  brokenWatch: 0,
  delayMsMax: 0,
});

export interface FaultDoors {
  readonly clock: Clock;
  readonly random: Random;
}

const serverError = (): WireResponse => ({
  status: 500,
  headers: { "content-type": "application/json" },
  body: new TextEncoder().encode(
    JSON.stringify({
      kind: "Status",
      apiVersion: "v1",
      status: "Failure",
      message: "simulated failure",
      reason: "InternalError",
      code: 500,
    }),
  ),
});

/** The transport with these faults on its way. */
export const faultyTransport =
  (transport: Transport, faults: Faults, { clock, random }: FaultDoors): Transport =>
  async (request) => {
    const strikes = (chance: number): boolean => chance > 0 && random.fraction() < chance;
    if (faults.delayMsMax > 0)
      await clock.sleep(Math.round(random.fraction() * faults.delayMsMax), request.signal);
    if (strikes(faults.lostRequest)) throw new Error("simulated: the request was lost");
    if (strikes(faults.serverError)) return serverError();
    const response = await transport(request);
    if (strikes(faults.lostResponse)) throw new Error("simulated: the response was lost");
    return isWatch(request) && isStream(response.body)
      ? { ...response, body: breaking(response.body, () => strikes(faults.brokenWatch)) }
      : response;
  };

const isWatch = ({ path }: Pick<WireRequest, "path">): boolean => path.includes("watch=true");

async function* breaking(
  body: AsyncIterable<Uint8Array>,
  strikes: () => boolean,
): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    if (strikes()) throw new Error("simulated: the watch broke");
    yield piece;
  }
}
