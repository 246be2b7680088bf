/**
 * Asks upstream's kube-apiserver about the cases of pkg/apiserver/kinds/testdata/cases.yaml, and
 * writes what it said beside them, for our kinds to be compared with:
 *
 *     NODE_TLS_REJECT_UNAUTHORIZED=0 node hack/record-kinds.ts https://127.0.0.1:6443 <token>
 *
 * The server should run without the admission plugins that write into objects by themselves
 * (ServiceAccount, Priority, DefaultTolerationSeconds, TaintNodesByCondition).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../api/resource.ts";
import { resources } from "../pkg/apiserver/resources.ts";

interface Case {
  readonly title: string;
  readonly object: KubeObject;
  /** What is put in its place; the answer to that is recorded. */
  readonly then?: KubeObject;
  /** Written to /status; the answer recorded is the Table. */
  readonly status?: Record<string, unknown>;
}

interface Answer {
  readonly kind: string;
  readonly code?: number;
  readonly reason?: string;
  readonly details?: { readonly causes?: readonly unknown[] };
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions?: readonly Readonly<Record<string, unknown>>[];
  readonly rows?: readonly { readonly cells: readonly unknown[] }[];
}

const [server = "", token = ""] = process.argv.slice(2);
const folder = join(import.meta.dirname, "../pkg/apiserver/kinds/testdata");

async function ask(method: string, path: string, body?: unknown, accept = "application/json") {
  const response = await fetch(`${server}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", accept },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Answer;
}

function pathOf({ apiVersion = "", kind = "" }: KubeObject): string {
  const found = resources.find(
    ({ ref }) =>
      ref.kind === kind && (ref.group === "" ? "" : `${ref.group}/`) + ref.version === apiVersion,
  );
  if (found === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  const { group, version, namespaced, plural } = found.ref;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced ? "/namespaces/default" : ""}/${plural}`;
}

/** What the server alone knows says nothing about the kind. */
function answerOf(said: Answer): unknown {
  if (said.kind === "Status") {
    const { code, reason, details } = said;
    return { code, reason, causes: details?.causes ?? [] };
  }
  const {
    uid: _uid,
    creationTimestamp: _born,
    resourceVersion: _version,
    managedFields: _fields,
    ...metadata
  } = said.metadata;
  return { ...said, metadata };
}

async function record({ object, then, status }: Case): Promise<unknown> {
  const path = pathOf(object);
  if (then === undefined && status === undefined)
    return { answer: answerOf(await ask("POST", `${path}?dryRun=All`, object)) };
  const name = object.metadata?.name ?? "";
  const own = `${path}/${name}`;
  const created = await ask("POST", path, object);
  if (created.kind === "Status") throw new Error(JSON.stringify(created));
  try {
    if (then !== undefined) {
      return { answer: answerOf(await ask("PUT", `${own}?dryRun=All`, then)) };
    }
    const current = await ask("PUT", `${own}/status`, { ...created, status });
    const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
    const shown = current.kind === "Status" ? created : current;
    const now = Date.now();
    const table = await ask("GET", `${own}?includeObject=None`, undefined, accept);
    const columns = (table.columnDefinitions ?? []).map(
      ({ name: title, type, format, priority }) => ({
        name: title,
        type,
        format,
        priority,
      }),
    );
    const { managedFields: _fields, ...metadata } = shown.metadata;
    return { now, object: { ...shown, metadata }, columns, cells: table.rows?.[0]?.cells };
  } finally {
    await ask("DELETE", `${own}?gracePeriodSeconds=0`, { gracePeriodSeconds: 0 });
    // No controller empties a Namespace here: it is told that this was done.
    if (object.kind === "Namespace")
      await ask("PUT", `${own}/finalize`, { ...object, spec: { finalizers: [] } });
  }
}

const cases = parseAllDocuments(readFileSync(join(folder, "cases.yaml"), "utf8")).map(
  (document) => document.toJS() as Case,
);
const recorded: unknown[] = [];
for (const one of cases) {
  try {
    recorded.push({ ...one, ...((await record(one)) as object) });
  } catch (cause) {
    throw new Error(`record ${JSON.stringify(one.title)}`, { cause });
  }
}
writeFileSync(join(folder, "upstream.json"), `${JSON.stringify(recorded, undefined, 1)}\n`);
console.log(`recorded ${recorded.length} cases`);
