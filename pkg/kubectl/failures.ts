/**
 * What went wrong, in kubectl's words: whose fault it is, where, and what the server said. Pure.
 */
import { chainOf } from "../base/errors.ts";
import { StatusError } from "../machinery/status-error.ts";
import type { ApiResource } from "./resource-mapper.ts";

/** Several things went wrong, one behind the other; the rest was done. */
export class ManyFailures extends Error {
  override readonly name = "ManyFailures";
  readonly errors: readonly unknown[];
  constructor(errors: readonly unknown[]) {
    super(`${errors.length} failures`);
    this.errors = errors;
  }
}

/** Told as it is: upstream puts no "error:" before it. */
export class BareFailure extends Error {
  override readonly name = "BareFailure";
}

/** A server's refusal with what it was about; anything else as it is. */
export function whileDoing(error: unknown, doing: string): unknown {
  if (!(error instanceof StatusError)) return error;
  const { reason, message, details } = error;
  return new StatusError(reason, `${doing}: ${message}`, details);
}

/** A refused list says which selectors it was asked with. */
export function listFailure(
  error: unknown,
  { group, version, plural }: ApiResource,
  asked: { readonly selector: string | undefined; readonly "field-selector": string | undefined },
): unknown {
  if (!(error instanceof StatusError)) return error;
  if (error.reason !== "BadRequest" && error.reason !== "NotFound") return error;
  const resource = JSON.stringify(`${group}/${version}, Resource=${plural}`);
  const { selector = "", "field-selector": fields = "" } = asked;
  const doing =
    selector === "" && fields === ""
      ? `Unable to list ${resource}`
      : `Unable to find ${resource} that match label selector ${JSON.stringify(selector)}, ` +
        `field selector ${JSON.stringify(fields)}`;
  return whileDoing(error, doing);
}

const isRefusedConnection = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof StatusError) && /ECONNREFUSED/.test(chainOf(error));

/** An object that the server finds invalid: which fields, one a line when there are several. */
function invalidText({ message, details }: StatusError): string {
  const { kind = "", name = "", causes = [] } = details;
  const what = `The ${kind} ${JSON.stringify(name)} is invalid`;
  if (kind === "") return `The request is invalid: ${message}`;
  const texts = causes.map((cause) => {
    const field = cause.field ?? "";
    return field === "" ? cause.message : `${field}: ${cause.message}`;
  });
  if (texts.length === 0) return what;
  if (texts.length === 1) return `${what}: ${texts[0]}`;
  return `${what}: ${texts.map((text) => `\n* ${text}`).join("")}`;
}

/** The server of whom a connection was refused: "10.0.0.1:6443". */
const hostOf = (server: string): string => server.replace(/^https?:\/\//, "");

function messageOf(error: unknown, server: string): string | undefined {
  if (error instanceof StatusError)
    return error.message.startsWith("the server doesn't have")
      ? undefined
      : `Error from server (${error.reason}): ${error.message}`;
  if (isRefusedConnection(error))
    return `The connection to the server ${hostOf(server)} was refused - did you specify the right host or port?`;
  return undefined;
}

/** Lines for the error output, without the last line's end. */
export function describeFailure(error: unknown, server: string): string {
  if (error instanceof ManyFailures) {
    if (error.errors.length === 1) return describeFailure(error.errors[0], server);
    return error.errors.map((one) => messageOf(one, server) ?? chainOf(one)).join("\n");
  }
  if (error instanceof StatusError && error.reason === "Invalid") return invalidText(error);
  if (error instanceof BareFailure) return error.message;
  return (
    messageOf(error, server) ??
    `error: ${error instanceof StatusError ? error.message : chainOf(error)}`
  );
}

/** Does all, whatever becomes of one; what failed, when something did. */
export async function eachOf<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>,
): Promise<ManyFailures | undefined> {
  const errors: unknown[] = [];
  for (const item of items) await act(item).catch((error: unknown) => void errors.push(error));
  return errors.length === 0 ? undefined : new ManyFailures(errors);
}
