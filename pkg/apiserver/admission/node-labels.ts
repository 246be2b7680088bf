/** Labels of a Node that its own kubelet may write: pods choose nodes by the others. Pure. */
type Labels = Readonly<Record<string, string>>;

const kubeletLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "node.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "beta.kubernetes.io/instance-type",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);

const isUnder = (prefix: string, ...domains: readonly string[]): boolean =>
  domains.some((domain) => prefix === domain || prefix.endsWith(`.${domain}`));

function isRestricted(label: string): boolean {
  const slash = label.indexOf("/");
  const prefix = slash < 0 ? "" : label.slice(0, slash);
  if (isUnder(prefix, "node-restriction.kubernetes.io")) return true;
  if (!isUnder(prefix, "kubernetes.io", "k8s.io")) return false;
  return (
    !kubeletLabels.has(label) && !isUnder(prefix, "kubelet.kubernetes.io", "node.kubernetes.io")
  );
}

/** Those that differ and are not the kubelet's to write, in order. */
export const restrictedLabels = (now: Labels, before: Labels): readonly string[] =>
  [...new Set([...Object.keys(now), ...Object.keys(before)])]
    .filter((label) => now[label] !== before[label] && isRestricted(label))
    .sort();
