/**
 * pkg/cri is a node's container runtime as Kubernetes sees it: CRI v1 over sandboxes, containers
 * and images. It plans and keeps records; processes belong to the supervisor, so that this daemon
 * may be killed at any instant and go on where its records say. It never talks to the API server.
 */
import type { CriService } from "../../api/cri/v1.ts";
import { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { CriEvents } from "./events.ts";
import { createImageService } from "./image-service.ts";
import { createRuntimeService } from "./runtime-service.ts";
import { Sandboxes } from "./sandboxes.ts";
import { StatsReader } from "./stats.ts";
import { openStreaming, type StreamingServer } from "./streaming-server.ts";

export interface Cri extends AsyncDisposable {
  readonly service: CriService;
}

/** Reads the records, brings them in line with what runs, and serves from then on. */
export async function createCri(context: CriContext): Promise<Cri> {
  const events = new CriEvents();
  const sandboxes = await Sandboxes.open(context);
  const sandboxIds = new Set(sandboxes.list().map(({ id }) => id));
  const containers = await Containers.open({ context, events, sandboxIds });
  const stats = new StatsReader(context);
  const streaming: StreamingServer = await openStreaming({ context, containers, sandboxes });
  const parts = { context, sandboxes, containers, events, stats, streaming };
  return {
    service: { ...createRuntimeService(parts), ...createImageService(context) },
    [Symbol.asyncDispose]: async () => await streaming.close(),
  };
}
