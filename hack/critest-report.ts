/** What a Ginkgo suite reports of its specs, read and printed. */

/** As Ginkgo writes it into its JSON report. */
export interface SpecReport {
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly State: string;
  /** Nanoseconds. */
  readonly RunTime: number;
  readonly Failure?: {
    readonly Message: string;
    readonly Location?: { readonly FileName: string; readonly LineNumber: number };
  };
}

export interface SpecCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const outcome = ({ State, Failure }: SpecReport): keyof SpecCounts | undefined => {
  if (State === "passed") return "passed";
  // One that was filtered out tells no reason; one that skipped itself does.
  if (State === "skipped") return Failure?.Message ? "skipped" : undefined;
  return State === "pending" ? "skipped" : "failed";
};

export function countSpecs(specs: readonly SpecReport[]): SpecCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const spec of specs) {
    const key = outcome(spec);
    if (key === "failed" || (key !== undefined && spec.LeafNodeType === "It")) counts[key]++;
  }
  return counts;
}

const nameOf = ({ ContainerHierarchyTexts, LeafNodeText, LeafNodeType }: SpecReport): string =>
  LeafNodeType === "It"
    ? [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" ")
    : LeafNodeType;

/** Skipped ones by their reason, failed ones with where and why. */
export function printSpecs(specs: readonly SpecReport[]): void {
  const skipped = Map.groupBy(
    specs.filter((spec) => outcome(spec) === "skipped"),
    ({ Failure }) => Failure?.Message ?? "pending",
  );
  for (const [reason, those] of skipped) {
    console.log(`skipped: ${reason}`);
    for (const spec of those) console.log(`    ${nameOf(spec)}`);
  }
  for (const spec of specs.filter((each) => outcome(each) === "failed")) {
    const { FileName = "", LineNumber = 0 } = spec.Failure?.Location ?? {};
    console.log(`FAILED: ${nameOf(spec)}`);
    console.log(`    ${FileName.split("/").slice(-2).join("/")}:${LineNumber}`);
    console.log(`    ${(spec.Failure?.Message ?? spec.State).slice(0, 1_000)}`);
  }
}
