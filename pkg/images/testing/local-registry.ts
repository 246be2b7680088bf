import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Buffer } from "node:buffer";
import { mediaTypes } from "../../../api/oci/image.ts";
import type { Images, StoredImage } from "../images.ts";
import { parseManifest } from "../manifest.ts";

/** Debian's docker-registry on a free loopback port, with a folder of its own. */
export interface LocalRegistry extends AsyncDisposable {
  /** 127.0.0.1:5000 */
  readonly host: string;
  /** Uploads an image under another name: repository and tag. */
  push(images: Images, image: StoredImage, repository: string, tag: string): Promise<string>;
  /** Puts a document where a manifest stands. Returns its digest. */
  putManifest(repository: string, tag: string, type: string, body: Uint8Array): Promise<string>;
}

const startMsMax = 10_000;

export async function startLocalRegistry(): Promise<LocalRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "tskube-registry-"));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  writeFileSync(join(folder, "config.yml"), config(folder, host));
  const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
    stdio: "ignore",
  });
  await answers(`http://${host}/v2/`);
  const put = async (
    repository: string,
    tag: string,
    type: string,
    body: Uint8Array,
  ): Promise<string> => {
    const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
      method: "PUT",
      headers: { "content-type": type },
      body: Buffer.from(body),
    });
    if (response.status !== 201) throw new Error(`put manifest: ${await response.text()}`);
    return response.headers.get("docker-content-digest") ?? "";
  };
  return {
    host,
    putManifest: put,
    push: async (images, image, repository, tag) => {
      const bytes = await images.content.read(image.manifest);
      const manifest = parseManifest(bytes, mediaTypes.manifest);
      if (manifest.is === "index") throw new Error("an image's manifest is no index");
      for (const { digest } of [manifest.config, ...manifest.layers]) {
        await upload(host, repository, digest, await images.content.read(digest));
      }
      return await put(repository, tag, mediaTypes.manifest, bytes);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const config = (folder: string, host: string): string => `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${folder}/data } }
http: { addr: "${host}" }
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Asks until it answers: the registry tells nobody when it serves. */
async function answers(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(startMsMax);
  for (;;) {
    const isUp = await fetch(url, { signal: deadline }).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    deadline.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function upload(
  host: string,
  repository: string,
  digest: string,
  bytes: Uint8Array,
): Promise<void> {
  const begin = `http://${host}/v2/${repository}/blobs/uploads/`;
  const begun = await fetch(begin, { method: "POST" });
  const location = new URL(begun.headers.get("location") ?? "", begin);
  location.searchParams.set("digest", digest);
  const body = Buffer.from(bytes);
  const done = await fetch(location, { method: "PUT", body });
  if (done.status !== 201) throw new Error(`upload ${digest}: ${await done.text()}`);
}
