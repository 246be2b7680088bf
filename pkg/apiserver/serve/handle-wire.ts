import type { WireRequest, WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { type ApiHandler, ApiRequest } from "../api-request.ts";
import { statusAnswer } from "../../serving/status-answer.ts";

/** Where a wire's request enters the chain; a path that cannot be read goes no further. */
export function handleWire(handle: ApiHandler, wire: WireRequest): Promise<WireResponse> {
  let request: ApiRequest;
  try {
    request = new ApiRequest(wire);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return Promise.resolve(statusAnswer(new StatusError("BadRequest", error.message)));
  }
  return handle(request);
}
