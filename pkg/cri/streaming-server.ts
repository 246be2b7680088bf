import type { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { unimplemented } from "./cri-error.ts";
import type { Sandboxes } from "./sandboxes.ts";
import type { Streaming } from "./streaming.ts";

export interface StreamingServer extends Streaming {
  close(): Promise<void>;
}
export interface StreamingParts {
  readonly context: CriContext;
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
}
export async function openStreaming(_parts: StreamingParts): Promise<StreamingServer> {
  const no = (): string => {
    throw unimplemented("streaming");
  };
  return { exec: no, attach: no, portForward: no, close: async () => {} };
}
