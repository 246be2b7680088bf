import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";

/** What /logs/ shows of the machine. */
const root = "/var/log";

/** A file of the node's log folder, or a listing of a folder in it. */
export async function nodeLogs(
  path: readonly string[],
  signal: AbortSignal,
): Promise<WireResponse> {
  const wanted = join(root, ...path);
  const real = await realpath(wanted).catch(() => undefined);
  if (real === undefined || (real !== root && !real.startsWith(`${root}/`)))
    throw new StatusError("NotFound", `no such log: ${wanted}`);
  const headers = { "content-type": "text/plain; charset=utf-8" };
  const found = await stat(real);
  if (found.isDirectory()) {
    const entries = await readdir(real, { withFileTypes: true });
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    return { status: 200, headers, body: Buffer.from(`${names.toSorted().join("\n")}\n`) };
  }
  if (!found.isFile()) throw new StatusError("NotFound", `no such log: ${wanted}`);
  return { status: 200, headers, body: createReadStream(real, { signal }) };
}
