/**
 * nodeRegistration.kubeletExtraArgs: what of a kubelet's flags the node's process has. Pure.
 */
import type { FieldReader } from "./field-reader.ts";
import type { Fields } from "./strict-fields.ts";

export interface KubeletArguments {
  /** --node-labels: of the node's first registration. */
  readonly labels?: Readonly<Record<string, string>>;
  /** --node-ip: this machine's address for others. */
  readonly nodeAddress?: string;
}

const path = "nodeRegistration.kubeletExtraArgs";
const known: readonly string[] = ["node-labels", "node-ip"];

const entriesOf = (list: readonly unknown[] | undefined): readonly Fields[] =>
  (list ?? []).filter((one): one is Fields => typeof one === "object" && one !== null);

/** Paths of arguments that have no effect here. */
export function idleKubeletArguments(fields: Fields): readonly string[] {
  const registration = fields["nodeRegistration"] as Fields | undefined;
  const list = registration?.["kubeletExtraArgs"];
  return entriesOf(Array.isArray(list) ? list : [])
    .map(({ name }) => String(name))
    .filter((name) => !known.includes(name))
    .map((name) => `${path}: ${name}`);
}

/** Throws where labels are malformed, or such as a kubelet may not give itself. */
export function kubeletArguments(reader: FieldReader): KubeletArguments {
  const values = (wanted: string): readonly string[] =>
    entriesOf(reader.list(path))
      .filter(({ name }) => name === wanted)
      .map(({ value }) => String(value));
  const texts = values("node-labels").flatMap((text) => text.split(","));
  const labels = texts.filter((text) => text !== "").map((text) => labelOf(text, reader));
  const nodeAddress = values("node-ip").at(-1);
  return {
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(nodeAddress === undefined ? {} : { nodeAddress }),
  };
}

const namePattern = /^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const valuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

function labelOf(text: string, reader: FieldReader): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 0 || !namePattern.test(name) || !valuePattern.test(value)) {
    throw reader.wrong(path, `has node-labels ${text}, which is no NAME=VALUE of a label`);
  }
  if (isReserved(name)) {
    const remedy = "tskubectl label node, as an administrator";
    throw reader.wrong(path, `has node-labels ${name}, which no node may give itself: ${remedy}`);
  }
  return [name, value];
}

/** Labels of Kubernetes' own domains that kubelets may set (NodeRestriction). */
const allowed: readonly string[] = [
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "kubernetes.io/arch",
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
];

function isReserved(name: string): boolean {
  const [domain = "", rest] = name.split("/");
  if (rest === undefined || !/(^|\.)(kubernetes|k8s)\.io$/.test(domain)) return false;
  return !/(^|\.)(kubelet|node)\.kubernetes\.io$/.test(domain) && !allowed.includes(name);
}
