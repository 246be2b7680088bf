import type { AttachRequest, ExecRequest, PortForwardRequest } from "../../api/cri/v1.ts";

/** Hands out the one-time URLs at which exec, attach and port-forward are streamed. */
export interface Streaming {
  exec(request: ExecRequest): string;
  attach(request: AttachRequest): string;
  portForward(request: PortForwardRequest): string;
}
