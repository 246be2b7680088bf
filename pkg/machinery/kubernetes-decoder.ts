import { Decoder } from "./decode.ts";
import { kubernetesSchema } from "./schema.ts";

/**
 * The decoder of all built-in kinds:
 * `kubernetesDecoder.decode<Pod>("core.v1.Pod", JSON.parse(text))`.
 */
export const kubernetesDecoder = new Decoder(kubernetesSchema);
