/** What is sent in place of what is there. Pure. */
import type { KubeObject } from "../../api/resource.ts";

/** A manifest without a resource version replaces whatever is there: it takes the present one's. */
export function withPresentVersion<T extends KubeObject>(manifest: T, present: KubeObject): T {
  if ((manifest.metadata?.resourceVersion ?? "") !== "") return manifest;
  const resourceVersion = present.metadata?.resourceVersion;
  const version = resourceVersion === undefined ? {} : { resourceVersion };
  return { ...manifest, metadata: { ...manifest.metadata, ...version } };
}
