/** Machinery's errors about a resource, by its ref; and those that only a server makes. */
import type { ResourceRef } from "../../api/resource.ts";
import type { FieldError } from "../machinery/field-error.ts";
import * as status from "../machinery/status.ts";
import { StatusError } from "../machinery/status-error.ts";

type Named = Pick<ResourceRef, "group" | "plural">;

const resourceOf = ({ group, plural }: Named): status.Qualified => ({ group, name: plural });

/** pods, deployments.apps */
export const qualified = (ref: Named): string => status.qualifiedName(resourceOf(ref));

export const notFound = (ref: Named, name: string): StatusError =>
  status.notFound(resourceOf(ref), name);

export const alreadyExists = (ref: Named, name: string): StatusError =>
  status.alreadyExists(resourceOf(ref), name);

/** `because` absent: another write came first. */
export const conflict = (ref: Named, name: string, because?: string): StatusError =>
  status.conflict(resourceOf(ref), name, because);

export const forbiddenObject = (ref: Named, name: string, because: string): StatusError =>
  status.forbidden(resourceOf(ref), name, because);

export const methodNotSupported = (ref: Named, verb: string): StatusError =>
  status.methodNotSupported(resourceOf(ref), verb);

/** All that is wrong with an object, as one 422. */
export const invalidObject = (
  { group, kind }: Pick<ResourceRef, "group" | "kind">,
  name: string,
  errors: readonly FieldError[],
): StatusError => status.invalid({ group, name: kind }, name, errors);

export const { badRequest, expired } = status;

/** Nothing is served under this path. */
export const unknownPath = (): StatusError =>
  new StatusError("NotFound", "the server could not find the requested resource");

/** A read that asks for the future. The cause tells clients to wait and not to list again. */
export const tooLargeVersion = (wanted: number, current: number): StatusError =>
  new StatusError(
    "Timeout",
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      retryAfterSeconds: 1,
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    },
  );
