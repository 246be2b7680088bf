import type { Pod, Toleration } from "../../../api/core/v1.ts";
import { writeContainers } from "./containers.ts";
import { selectorText, writeAnnotations, writePairs } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";
import { writeVolumes } from "./volumes.ts";

function tolerationText({
  key = "",
  operator,
  value = "",
  effect = "",
  tolerationSeconds,
}: Toleration) {
  const what = `${key}${value === "" ? "" : `=${value}`}${effect === "" ? "" : `:${effect}`}`;
  const isAll = operator === "Exists" && value === "";
  const exists = isAll ? `${what === "" ? "" : " "}op=Exists` : "";
  return `${what}${exists}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`;
}

/** One below the other, in the order of their keys. */
export function writeTolerations(
  out: TabLines,
  level: number,
  given?: readonly Toleration[],
): void {
  const keyOf = ({ key }: Toleration): string => key ?? "";
  const texts = (given ?? [])
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
    .map(tolerationText);
  out.line(level, `Tolerations:\t${texts[0] ?? "<none>"}`);
  for (const text of texts.slice(1)) out.line(0, `\t${text}`);
}

/** "Pod Template:" of a workload. Not aligned: rollout history shows it as it is. */
export function describeTemplate({ metadata, spec }: Pod, out: TabLines): void {
  out.line(0, "Pod Template:");
  writePairs(out, 1, "Labels", metadata?.labels);
  if (Object.keys(metadata?.annotations ?? {}).length > 0)
    writeAnnotations(out, 1, metadata?.annotations);
  const account = spec?.serviceAccountName ?? "";
  if (account !== "") out.line(1, `Service Account:\t${account}`);
  const common = {
    statuses: undefined,
    fieldValue: () => "",
    indent: "  ",
    nameIndent: "   ",
  };
  writeContainers(out, { ...common, title: "Init Containers", containers: spec?.initContainers });
  writeContainers(out, { ...common, title: "Containers", containers: spec?.containers });
  writeVolumes(out, spec?.volumes, { indent: "  ", nameIndent: "   " });
  writeSpread(out, 1, spec);
  const priority = spec?.priorityClassName ?? "";
  if (priority !== "") out.line(1, `Priority Class Name:\t${priority}`);
  writePairs(out, 1, "Node-Selectors", spec?.nodeSelector);
  writeTolerations(out, 1, spec?.tolerations);
}

/** How pods are to be spread, one constraint a line. */
export function writeSpread(out: TabLines, level: number, spec: Pod["spec"]): void {
  const texts = (spec?.topologySpreadConstraints ?? []).map((one) => {
    const selector = selectorText(one.labelSelector);
    const forWhat = selector === "<none>" ? "" : ` for selector ${selector}`;
    return (
      `${one.topologyKey}:${one.whenUnsatisfiable} ` +
      `when max skew ${one.maxSkew} is exceeded${forWhat}`
    );
  });
  if (texts.length === 0) return;
  out.line(level, `Topology Spread Constraints:\t${texts[0]}`);
  for (const text of texts.slice(1)) out.line(0, `\t${text}`);
}
