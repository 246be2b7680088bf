/** A registry of images on a machine: Debian's docker-registry, filled from an OCI layout. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./test-bed.ts";
import type { TsadmBed } from "./tsadm-bed.ts";

export const registryPort = 5000;
const own = `http://127.0.0.1:${registryPort}`;

interface Index {
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/**
 * Starts it on the machine, plain HTTP, and puts all images of the archive there, under their names
 * without the host. It ends with the machine. `folder`: one that machines see too.
 */
export async function startRegistry(
  bed: TsadmBed,
  number: number,
  archive: string,
  folder: string,
): Promise<void> {
  const layout = join(folder, "layout");
  mkdirSync(layout, { recursive: true });
  execFileSync("tar", ["-xf", archive, "-C", layout]);
  const config = join(folder, "registry.yaml");
  const storage = { filesystem: { rootdirectory: join(folder, "registry") } };
  const http = { addr: `:${registryPort}` };
  writeFileSync(config, JSON.stringify({ version: 0.1, storage, http, log: { level: "error" } }));
  bed.run(number, "sh", "-c", `docker-registry serve ${config} >/dev/null 2>&1 &`);
  const answers = () => bed.on(number, ["curl", "-sf", `${own}/v2/`]).code;
  await eventually("the registry", answers, (code) => code === 0);
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as Index;
  for (const { mediaType, digest, annotations } of index.manifests) {
    const name = annotations["io.containerd.image.name"] ?? "";
    const [repository = "", tag = ""] = name.replace(/^[^/]*\//, "").split(":");
    const push = pushScript(layout, repository);
    const manifest = JSON.parse(readFileSync(join(layout, blobPath(digest)), "utf8")) as {
      readonly config: { readonly digest: string };
      readonly layers: readonly { readonly digest: string }[];
    };
    for (const blob of [manifest.config, ...manifest.layers]) bed.run(number, ...push(blob.digest));
    const target = `${own}/v2/${repository}/manifests/${tag}`;
    const type = `content-type: ${mediaType}`;
    bed.run(number, "curl", "-sf", "-H", type, "-T", join(layout, blobPath(digest)), target);
  }
}

const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

/** An upload in two steps, as the distribution specification has it. */
const pushScript =
  (layout: string, repository: string) =>
  (digest: string): readonly string[] => {
    const start = `curl -sfi -X POST ${own}/v2/${repository}/blobs/uploads/`;
    const place = `$(${start} | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p')`;
    return [
      "sh",
      "-ec",
      `place="${place}"; curl -sf -T ${join(layout, blobPath(digest))} "$place&digest=${digest}"`,
    ];
  };
