import type { EndpointSlice } from "../../api/discovery/v1.ts";

/** The key of the service whose endpoints a slice holds; its label says which: "namespace/name". */
export const sliceService = ({ metadata }: EndpointSlice): string =>
  `${metadata?.namespace}/${metadata?.labels?.["kubernetes.io/service-name"] ?? ""}`;

/** An informer's index of slices by that key: one function, so that all may share one informer. */
export const byService = "service";
export const sliceIndexes = {
  [byService]: (slice: EndpointSlice): readonly string[] => [sliceService(slice)],
} as const;
