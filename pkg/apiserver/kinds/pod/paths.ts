/** Paths inside volumes and containers. */
import { invalid } from "../../../machinery/field-error.ts";
import { type Errors, none } from "../rules.ts";

export const checkNoBacksteps = (path: string, target: string): Errors =>
  target.split("/").includes("..") ? [invalid(path, target, "must not contain '..'")] : none;

/** Relative, and never up. */
export const checkLocalPath = (path: string, target: string): Errors => [
  ...(target.startsWith("/") ? [invalid(path, target, "must be a relative path")] : none),
  ...checkNoBacksteps(path, target),
];

/** Names that begin with ".." are the kubelet's, which swaps a volume's content by such a link. */
export const checkUnreservedPath = (path: string, target: string): Errors => [
  ...checkLocalPath(path, target),
  ...(target.startsWith("..") && !target.split("/").includes("..")
    ? [invalid(path, target, "must not start with '..'")]
    : none),
];

export function checkFileMode(path: string, mode: number | undefined): Errors {
  const why = "must be a number between 0 and 0777 (octal), both inclusive";
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? none : [invalid(path, mode, why)];
}
