import { randomBytes, randomUUID } from "node:crypto";
import { randomFrom, type Random } from "./random.ts";

/** The kernel's randomness. UUIDs come from it directly: they must be unguessable. */
export const systemRandom: Random = {
  ...randomFrom(() => randomBytes(6).readUIntBE(0, 6) / 2 ** 48),
  uuid: () => randomUUID(),
};
