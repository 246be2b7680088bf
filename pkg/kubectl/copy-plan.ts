/** What `cp` copies from where to where. Pure. */
import { UsageError } from "../base/flags.ts";

export interface CopySpec {
  /** Undefined: a path of this machine. */
  readonly pod: string | undefined;
  readonly namespace: string | undefined;
  readonly path: string;
}

/** "pod:path", "namespace/pod:path", or a path of this machine. Throws UsageError. */
export function parseCopySpec(word: string): CopySpec {
  const at = word.indexOf(":");
  if (at < 0) return { pod: undefined, namespace: undefined, path: word };
  if (at === 0)
    throw new UsageError("filespec must match the canonical format: [[namespace/]pod:]file/path");
  const [first = "", second, ...more] = word.slice(0, at).split("/");
  const path = word.slice(at + 1);
  if (second === undefined) return { pod: first, namespace: undefined, path };
  if (more.length > 0 || first === "" || second === "")
    throw new UsageError("filespec must match the canonical format: [[namespace/]pod:]file/path");
  return { pod: second, namespace: first, path };
}

/** Without "." and "..", which may not lead out of where it begins. */
function cleaned(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

export const baseName = (path: string): string => cleaned(path).split("/").at(-1) ?? "";
export function folderName(path: string): string {
  const clean = cleaned(path);
  const at = clean.lastIndexOf("/");
  const folder = at < 0 ? "" : clean.slice(0, at);
  return path.startsWith("/") ? `/${folder}` : folder === "" ? "." : folder;
}

/**
 * Where a member of the source's archive goes below the destination: "" is the destination itself.
 * Undefined: it lies outside, as no honest archive has it.
 */
export function placeInside(source: string, member: string): string | undefined {
  if (member.split("/").includes("..")) return undefined;
  const [root, name] = [cleaned(source), cleaned(member)];
  if (root === "" || name === root) return name === root ? "" : name;
  return name.startsWith(`${root}/`) ? name.slice(root.length + 1) : undefined;
}
