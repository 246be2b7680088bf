/** A cluster full of nodes and of pods that wait, and how fast the latter get a node. */
import { request } from "node:https";
import type { Namespace, Node, Pod, ServiceAccount } from "../../api/core/v1.ts";
import { namespaces, nodes, pods, serviceAccounts } from "../../api/resources.ts";
import type { Client } from "../../pkg/client/client.ts";
import { isReason } from "../../pkg/machinery/status-error.ts";
import { namespace, nodeOf, podOf, type Kind } from "./scheduling-objects.ts";

const requestsMax = 48;
/** Without another binding for so long, something is wrong. */
const silenceMsMax = 60_000;

async function inParallel(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await act(index);
  };
  await Promise.all(Array.from({ length: requestsMax }, worker));
}

const unlessThere = (error: unknown): void => {
  if (!isReason(error, "AlreadyExists")) throw error;
};

export async function fillCluster(
  client: Client,
  size: { readonly nodes: number; readonly pods: number },
  kind: Kind,
): Promise<void> {
  const meta = { name: namespace };
  await client.resource(namespaces).create({ metadata: meta } as Namespace);
  const account = { metadata: { namespace, name: "default" } } as ServiceAccount;
  await client.resource(serviceAccounts).create(account).catch(unlessThere);
  const nodeApi = client.resource(nodes);
  await inParallel(size.nodes, async (index) => {
    const node = await nodeApi.create(nodeOf(index) as Node);
    // Nobody here finds the node ready: the taint of new ones goes by hand.
    const body = { spec: { taints: null } };
    await nodeApi.patch({ name: node.metadata?.name ?? "" }, { type: "merge", body });
  });
  const podApi = client.resource(pods);
  await inParallel(size.pods, (index) => {
    const pod = podOf(index, kind) as Pod;
    return podApi.create({ ...pod, metadata: { ...pod.metadata, namespace } });
  });
}

type Source = { readonly server: string; readonly token: string } | { readonly watchedBy: Client };

/** Pods bound a second, from the first to the last of so many; each is one change of a pod. */
export async function countBindings(source: Source, pods: number): Promise<number> {
  let [count, firstMs, lastMs] = [0, 0, performance.now()];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const silence = setInterval(() => {
    if (performance.now() - lastMs < silenceMsMax) return;
    reject(new Error(`${count} of ${pods} pods were bound, and then no more`));
  }, 1_000);
  const seen = (changes: number): void => {
    if (changes === 0) return;
    lastMs = performance.now();
    if (count === 0) firstMs = lastMs;
    count += changes;
    if (count >= pods) resolve(((pods - 1) * 1_000) / (lastMs - firstMs));
  };
  if ("watchedBy" in source) await watchInMemory(source.watchedBy, seen);
  else await watchBytes(source, seen);
  return promise.finally(() => clearInterval(silence));
}

async function watchInMemory(client: Client, seen: (changes: number) => void): Promise<void> {
  const api = client.resource(pods);
  const { resourceVersion } = await api.list({ namespace, limit: 1 });
  const follow = async (): Promise<void> => {
    const options = { namespace, resourceVersion };
    for await (const event of api.watch(options, AbortSignal.timeout(600_000))) {
      if (event.type === "MODIFIED") seen(1);
    }
  };
  follow().catch(() => undefined);
}

const modified = Buffer.from('"type":"MODIFIED"');

/** Counts without reading what changed, which would cost as much as what is measured. */
function watchBytes(
  { server, token }: { readonly server: string; readonly token: string },
  seen: (changes: number) => void,
): Promise<void> {
  const url = `${server}/api/v1/namespaces/${namespace}/pods?watch=1&resourceVersion=0`;
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, rejectUnauthorized: false }, (response) => {
      resolve();
      let rest = Buffer.alloc(0);
      response.on("data", (chunk: Buffer) => {
        const bytes = Buffer.concat([rest, chunk]);
        let [changes, at] = [0, bytes.indexOf(modified)];
        for (; at >= 0; at = bytes.indexOf(modified, at + modified.length)) changes += 1;
        // The mark may lie across two chunks; what is kept is too short to hold a whole one.
        rest = bytes.subarray(Math.max(0, bytes.length - modified.length + 1));
        seen(changes);
      });
    });
    asked.on("error", reject);
    asked.end();
  });
}
