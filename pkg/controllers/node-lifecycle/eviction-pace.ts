/** Lets so many nodes of a zone be tainted in a second, evenly: no burst, as upstream's limiter. */
export class EvictionPace {
  readonly #nextMs = new Map<string, number>();

  /**
   * Milliseconds until a node of the zone may be tainted; 0: now, and its turn is taken. Undefined:
   * nobody may while the rate is 0.
   */
  take(zone: string, perSecond: number, nowMs: number): number | undefined {
    if (perSecond === 0) return undefined;
    const waitMs = Math.max(0, (this.#nextMs.get(zone) ?? 0) - nowMs);
    if (waitMs === 0) this.#nextMs.set(zone, nowMs + 1_000 / perSecond);
    return waitMs;
  }
}
