import { UsageError } from "../base/flags.ts";
import type { ApiRequest } from "./api.ts";
import type { Kubectl } from "./command.ts";

/** --raw of create, replace and delete: one file to one path, and what the server says as it is. */
export async function sendRaw(
  { api, files, terminal }: Kubectl,
  method: "POST" | "PUT" | "DELETE",
  path: string,
  filenames: readonly string[],
): Promise<number> {
  const [file] = filenames;
  if (file === undefined && method !== "DELETE")
    throw new UsageError("must specify one of -f and -k");
  if (filenames.length > 1) throw new UsageError("--raw can only use a single local file or stdin");
  if (file !== undefined && /^https?:\/\//.test(file))
    throw new UsageError("--raw cannot read from a url");
  const text =
    file === undefined ? undefined : await (file === "-" ? files.stdin() : files.readText(file));
  const request: ApiRequest = { method, path, accept: "*/*" };
  const asked = text === undefined ? request : { ...request, text };
  for await (const piece of await api.stream(asked)) await terminal.write(1, piece);
  return 0;
}
