import { createServer, type Server, type ServerResponse } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mediaTypes } from "../../api/oci/image.ts";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { buildImage, noDefaults, type LayerMember } from "./build-image.ts";
import { Images, type PullProgress, type StoredImage } from "./images.ts";
import { linuxLayerKernel } from "./linux-layer-kernel.ts";
import { pullImage } from "./pull-image.ts";
import type { RegistriesConfig } from "./registry-plan.ts";
import { createRegistryTransport } from "./registry-transport.ts";
import { plainEntry } from "./tar-writer.ts";
import { startLocalRegistry, type LocalRegistry } from "./testing/local-registry.ts";

const root = mkdtempSync(join(tmpdir(), "tskube-pull-"));
const transport = createRegistryTransport();
let opened = 0;
const open = async (registries?: RegistriesConfig): Promise<Images> =>
  await Images.open({
    root: join(root, String(opened++)),
    kernel: linuxLayerKernel(systemKernel()),
    clock: { ...systemClock, sleep: async () => {} },
    random: systemRandom,
    logger: silentLogger,
    transport,
    platform: { os: "linux", architecture: "amd64" },
    ...(registries === undefined ? {} : { registries }),
  });

async function* layer(name: string, bytes: number): AsyncGenerator<LayerMember> {
  const content = Buffer.alloc(bytes, name);
  yield { entry: { ...plainEntry, path: name, size: bytes }, content };
}

let registry: LocalRegistry;
let source: Images;
let image: StoredImage;

beforeAll(async () => {
  registry = await startLocalRegistry();
  source = await open();
  image = await buildImage(source, {
    name: "source",
    config: { ...noDefaults, cmd: ["sh"] },
    layers: [layer("one", 100_000), layer("two", 10), layer("three", 3), layer("four", 4)],
  });
  await registry.push(source, image, "team/app", "v1");
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  transport[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

describe("pullImage from Debian's docker-registry", () => {
  it("pulls by tag, tells progress, names by tag and digest, and pulls by digest", async () => {
    const images = await open();
    const seen: PullProgress[] = [];
    const onProgress = (progress: PullProgress): void => void seen.push(progress);
    const pulled = await pullImage(images, `${registry.host}/team/app:v1`, { onProgress });
    expect(pulled.id).toBe(image.id);
    expect(pulled.tags).toEqual([`${registry.host}/team/app:v1`]);
    expect(pulled.digests).toEqual([`${registry.host}/team/app@${image.manifest}`]);
    expect(seen.filter(({ at }) => at === "done")).toHaveLength(4);
    expect(images.readFile(pulled, "/two")).toHaveLength(10);
    const again = await open();
    const byDigest = await pullImage(again, pulled.digests[0] ?? "");
    expect(byDigest).toMatchObject({ id: image.id, tags: [] });
  });

  it("chooses the platform out of an index, whose digest names the image", async () => {
    const size = (await source.content.size(image.manifest)) ?? 0;
    const descriptor = { mediaType: mediaTypes.manifest, digest: image.manifest, size };
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.index,
      manifests: [
        { ...descriptor, platform: { os: "linux", architecture: "amd64" } },
        { ...descriptor, platform: { os: "linux", architecture: "arm64" } },
      ],
    });
    const body = Buffer.from(index);
    const digest = await registry.putManifest("team/app", "multi", mediaTypes.index, body);
    const pulled = await pullImage(await open(), `${registry.host}/team/app:multi`);
    expect(pulled.id).toBe(image.id);
    expect(pulled.digests).toEqual([`${registry.host}/team/app@${digest}`]);
  });

  it("prefers a mirror, and falls back to the registry where the mirror has nothing", async () => {
    const mirrored = await open({ mirrors: { "docker.io": [`http://${registry.host}`] } });
    const pulled = await pullImage(mirrored, "docker.io/team/app:v1");
    expect(pulled.tags).toEqual(["docker.io/team/app:v1"]);
    const mirrors = { [registry.host]: ["http://127.0.0.1:1"] };
    const direct = await pullImage(await open({ mirrors }), `${registry.host}/team/app:v1`);
    expect(direct.id).toBe(image.id);
  });

  it("says that an image is not there", async () => {
    const missing = pullImage(await open(), `${registry.host}/team/none:v1`);
    await expect(missing).rejects.toMatchObject({ isMissing: true });
  });
});

/** A registry in front of the real one that wants tokens, breaks downloads, and lies. */
interface Trouble {
  server: Server;
  host: string;
  broken: number;
  tokens: string[];
  lie: boolean;
}

async function startTrouble(): Promise<Trouble> {
  const trouble: Trouble = { server: createServer(), host: "", broken: 0, tokens: [], lie: false };
  trouble.server.on("request", (request, response: ServerResponse) => {
    void answer(trouble, request.url ?? "", request.headers, response);
  });
  await new Promise<void>((resolve) => trouble.server.listen(0, "127.0.0.1", resolve));
  trouble.host = `127.0.0.1:${(trouble.server.address() as AddressInfo).port}`;
  return trouble;
}

async function answer(
  trouble: Trouble,
  url: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  response: ServerResponse,
): Promise<void> {
  if (url.startsWith("/token")) {
    trouble.tokens.push(`${String(headers["authorization"])} ${url}`);
    response.end(JSON.stringify({ token: "secret" }));
    return;
  }
  if (headers["authorization"] !== "Bearer secret") {
    const realm = `http://${trouble.host}/token`;
    const challenge = `Bearer realm="${realm}",service="trouble",scope="repository:team/app:pull"`;
    response.writeHead(401, { "www-authenticate": challenge }).end();
    return;
  }
  const range = String(headers["range"] ?? "");
  const forwarded = await fetch(`http://${registry.host}${url}`, {
    headers: { accept: String(headers["accept"] ?? "*/*"), ...(range === "" ? {} : { range }) },
  });
  const body = Buffer.from(await forwarded.arrayBuffer());
  const isBlob = url.includes("/blobs/");
  if (trouble.lie && isBlob) body.reverse();
  const type = forwarded.headers.get("content-type") ?? "";
  response.writeHead(forwarded.status, { "content-type": type, "content-length": body.length });
  if (isBlob && trouble.broken > 0 && body.length > 20) {
    trouble.broken--;
    response.write(body.subarray(0, 10), () => response.destroy());
    return;
  }
  response.end(body);
}

describe("pullImage from a registry with troubles", () => {
  let trouble: Trouble;
  beforeAll(async () => {
    trouble = await startTrouble();
  });
  afterAll(() => {
    trouble.server.closeAllConnections();
    trouble.server.close();
  });

  it("fetches a token with the login, and resumes broken downloads", async () => {
    trouble.broken = 3;
    const login = { username: "me", password: "pass" };
    const pulled = await pullImage(await open(), `${trouble.host}/team/app:v1`, { login });
    expect(pulled.id).toBe(image.id);
    expect(trouble.broken).toBe(0);
    const basic = Buffer.from("me:pass").toString("base64");
    expect(trouble.tokens[0]).toContain(`Basic ${basic} /token?service=trouble&scope=`);
  });

  it("refuses bytes that are not what the manifest promised", async () => {
    trouble.lie = true;
    const images = await open();
    const lied = pullImage(images, `${trouble.host}/team/app:v1`);
    await expect(lied).rejects.toThrow("failed to pull");
    expect(images.list()).toEqual([]);
  });
});
