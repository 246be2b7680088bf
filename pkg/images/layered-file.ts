import { lstatSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { opaqueXattr, type LayerKernel } from "./layer-kernel.ts";

const linksMax = 40;
/** /etc/passwd of a large directory service; a container's is a few kilobytes. */
const fileBytesMax = 16 * 1024 * 1024;

/**
 * Reads a file as a container would see it, without mounting anything: the lower folders are
 * searched from the top, whiteouts and opaque folders hide what lies below, and symbolic links are
 * resolved inside the merged tree. Undefined when there is no such regular file.
 */
export function readLayeredFile(
  lower: readonly string[],
  path: string,
  kernel: Pick<LayerKernel, "getXattr">,
): Uint8Array | undefined {
  const left = path.split("/").filter((component) => component !== "");
  let inside: (readonly string[])[] = [];
  let folders = lower;
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === ".") continue;
    if (name === "..") {
      folders = inside.pop() ?? lower;
      continue;
    }
    const found = lookUp(folders, name, kernel);
    if (found.is === "nothing") return undefined;
    if (found.is === "link") {
      if (++links > linksMax) return undefined;
      left.unshift(...found.target.split("/").filter((component) => component !== ""));
      if (found.target.startsWith("/")) [inside, folders] = [[], lower];
    } else if (found.is === "file") {
      return left.length === 0 ? readBounded(found.path) : undefined;
    } else {
      inside.push(folders);
      folders = found.folders;
    }
  }
  return undefined;
}

type Found =
  | { readonly is: "nothing" }
  | { readonly is: "file"; readonly path: string }
  | { readonly is: "link"; readonly target: string }
  | { readonly is: "folder"; readonly folders: readonly string[] };

function lookUp(
  folders: readonly string[],
  name: string,
  kernel: Pick<LayerKernel, "getXattr">,
): Found {
  const merged: string[] = [];
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    const there: Stats | undefined = lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined) continue;
    if (!there.isDirectory()) {
      if (merged.length > 0) break;
      if (there.isSymbolicLink()) return { is: "link", target: readlinkSync(path) };
      return there.isFile() ? { is: "file", path } : { is: "nothing" };
    }
    merged.push(path);
    if (kernel.getXattr(path, opaqueXattr)?.[0] === 0x79) break; // "y"
  }
  return merged.length === 0 ? { is: "nothing" } : { is: "folder", folders: merged };
}

function readBounded(path: string): Uint8Array {
  const { size } = lstatSync(path);
  if (size > fileBytesMax) throw new Error(`${path} is larger than ${fileBytesMax} bytes`);
  return readFileSync(path);
}
