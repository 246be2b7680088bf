/** JSON with line breaks, for people: with ?pretty=true, or to a browser, curl or wget. */
import { isStream, type WireBody, type WireResponse } from "../../base/wire.ts";
import { formatJson } from "../../machinery/json.ts";
import type { ApiFilter, ApiRequest } from "../api-request.ts";

const readByPeople = /^(curl|Wget|Mozilla\/5\.0)/;

function wantsPretty({ query, info, wire }: ApiRequest): boolean {
  if (info.verb === "watch") return false;
  const asked = query.get("pretty");
  if (asked !== null) return asked === "" || asked === "true" || asked === "1";
  return readByPeople.test(wire.headers["user-agent"] ?? "");
}

export const withPretty: ApiFilter = (next) => async (request) => {
  const response = await next(request);
  if (!wantsPretty(request)) return response;
  return response.headers["content-type"] === "application/json" ? pretty(response) : response;
};

async function pretty({ status, headers, body }: WireResponse): Promise<WireResponse> {
  const value = JSON.parse(Buffer.concat(await piecesOf(body)).toString()) as unknown;
  return { status, headers, body: Buffer.from(formatJson(value)) };
}

async function piecesOf(body: WireBody): Promise<readonly Uint8Array[]> {
  if (body instanceof Uint8Array) return [body];
  if (!isStream(body)) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return pieces;
}
