/**
 * Compiles an OCI seccomp profile to a BPF filter: numbers are found by binary search over runs
 * that share an action; only calls with argument rules cost more than a few comparisons.
 */
import { assembleBpf, type Instruction, type Label } from "./bpf.ts";
import { syscallNumber, syscallNumbers, type Architecture } from "./syscall-numbers.ts";

/** `linux.seccomp` of the OCI specification, structurally. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly SeccompRuleLike[];
}

export interface SeccompRuleLike {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArgumentLike[];
}

export interface SeccompArgumentLike {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: string;
}

export interface SeccompFilter {
  readonly program: Uint8Array;
  readonly flags: readonly (
    | "SECCOMP_FILTER_FLAG_TSYNC"
    | "SECCOMP_FILTER_FLAG_LOG"
    | "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
  )[];
}

/** AUDIT_ARCH_* (linux/audit.h). */
const auditArch = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
/** On x86-64 numbers from here on are x32's, another way to the same calls. */
const x32Bit = 0x4000_0000;
const EPERM = 1;
const ENOSYS = 38;

/** SECCOMP_RET_* (linux/seccomp.h); the low 16 bits carry the errno. */
const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x8000_0000,
  SCMP_ACT_TRAP: 0x0003_0000,
  SCMP_ACT_ERRNO: 0x0005_0000,
  SCMP_ACT_TRACE: 0x7ff0_0000,
  SCMP_ACT_LOG: 0x7ffc_0000,
  SCMP_ACT_ALLOW: 0x7fff_0000,
};

function actionOf(name: string, errnoRet: number | undefined): number {
  const action = actions[name];
  if (action === undefined) throw new Error(`linux.seccomp: action ${name} is not supported`);
  const hasData = name === "SCMP_ACT_ERRNO" || name === "SCMP_ACT_TRACE";
  return hasData ? action + ((errnoRet ?? EPERM) & 0xffff) : action;
}

/** What happens to one call: its rules with arguments in order, then `otherwise`. */
interface Verdict {
  readonly rules: readonly {
    readonly args: readonly SeccompArgumentLike[];
    readonly action: number;
  }[];
  readonly otherwise: number;
}

export function seccompProgram(profile: SeccompProfile, architecture: Architecture): SeccompFilter {
  const runs = runsOf(verdicts(profile, architecture));
  const blocks: Instruction[] = [];
  const tree = searchTree(runs, blocks, "n");
  const program = assembleBpf([
    { do: "load", offset: 4 },
    { do: "if", is: "=", value: auditArch[architecture], miss: "foreign" },
    { do: "load", offset: 0 },
    { do: "jump", to: "search" },
    { do: "label", name: "foreign" },
    { do: "return", value: foreignAction(profile) },
    { do: "label", name: "search" },
    ...tree,
    ...blocks,
  ]);
  return { program, flags: flagsOf(profile.flags ?? []) };
}

/**
 * A call of another architecture. Where the profile names others, its numbers are unknown to us
 * and the call does not exist; where it does not, such a call is an attempt to slip through.
 */
const foreignAction = ({ architectures = [] }: SeccompProfile): number =>
  architectures.length > 1
    ? actionOf("SCMP_ACT_ERRNO", ENOSYS)
    : actionOf("SCMP_ACT_KILL_PROCESS", 0);

function flagsOf(flags: readonly string[]): SeccompFilter["flags"] {
  return flags.flatMap((flag): SeccompFilter["flags"] => {
    if (flag === "SECCOMP_FILTER_FLAG_LOG" || flag === "SECCOMP_FILTER_FLAG_SPEC_ALLOW") {
      return [flag];
    }
    // A single thread has nobody to synchronise with.
    if (flag === "SECCOMP_FILTER_FLAG_TSYNC") return [];
    throw new Error(`linux.seccomp.flags: ${flag} is not supported`);
  });
}

/** By number, for all numbers that the table knows; what is newer does not exist (ENOSYS). */
function verdicts(profile: SeccompProfile, architecture: Architecture): readonly Verdict[] {
  const otherwise = actionOf(profile.defaultAction, profile.defaultErrnoRet);
  const highest = Object.keys(syscallNumbers).reduce(
    (most, name) => Math.max(most, syscallNumber(name, architecture) ?? 0),
    0,
  );
  const list: Verdict[] = Array.from({ length: highest + 1 }, () => ({ rules: [], otherwise }));
  const isDecided = new Set<number>();
  for (const { names, action, errnoRet, args = [] } of profile.syscalls ?? []) {
    const code = actionOf(action, errnoRet);
    for (const name of names) {
      const number = syscallNumber(name, architecture);
      const before = number === undefined ? undefined : list[number];
      if (number === undefined || before === undefined) continue;
      if (args.length > 0) {
        const added = alternatives(args).map((one) => ({ args: one, action: code }));
        list[number] = { ...before, rules: [...before.rules, ...added] };
      } else if (!isDecided.has(number)) {
        isDecided.add(number);
        list[number] = { ...before, otherwise: code };
      }
    }
  }
  const refuses =
    otherwise === actionOf(profile.defaultAction, undefined) && otherwise >>> 16 === 5;
  return [
    ...list,
    { rules: [], otherwise: refuses ? actionOf("SCMP_ACT_ERRNO", ENOSYS) : otherwise },
  ];
}

/** Conditions on one argument twice are alternatives, as every OCI runtime reads them. */
const alternatives = (
  args: readonly SeccompArgumentLike[],
): readonly (readonly SeccompArgumentLike[])[] =>
  new Set(args.map(({ index }) => index)).size === args.length ? [args] : args.map((one) => [one]);

interface Run {
  readonly from: number;
  readonly verdict: Verdict;
}

/** Neighbours with the same plain action are one run. */
function runsOf(list: readonly Verdict[]): readonly Run[] {
  const runs: Run[] = [];
  list.forEach((verdict, from) => {
    const last = runs.at(-1)?.verdict;
    const isSame =
      last?.rules.length === 0 &&
      verdict.rules.length === 0 &&
      last.otherwise === verdict.otherwise;
    if (!isSame) runs.push({ from, verdict });
  });
  const last = runs.at(-1);
  return last === undefined || last.from >= x32Bit
    ? runs
    : [
        ...runs,
        { from: x32Bit, verdict: { rules: [], otherwise: actionOf("SCMP_ACT_ERRNO", ENOSYS) } },
      ];
}

function searchTree(runs: readonly Run[], blocks: Instruction[], name: Label): Instruction[] {
  const [first] = runs;
  if (first === undefined) return [];
  if (runs.length === 1) return leaf(first, blocks);
  const middle = runs.length >> 1;
  const upper = runs.slice(middle);
  return [
    { do: "if", is: ">=", value: upper[0]?.from ?? 0, miss: `${name}l` },
    { do: "jump", to: `${name}r` },
    { do: "label", name: `${name}l` },
    ...searchTree(runs.slice(0, middle), blocks, `${name}l`),
    { do: "label", name: `${name}r` },
    ...searchTree(upper, blocks, `${name}r`),
  ];
}

function leaf({ from, verdict }: Run, blocks: Instruction[]): Instruction[] {
  if (verdict.rules.length === 0) return [{ do: "return", value: verdict.otherwise }];
  const name = `call ${from}`;
  blocks.push({ do: "label", name });
  verdict.rules.forEach(({ args, action }, rule) => {
    const next = `${name} after ${rule}`;
    args.forEach((argument, index) =>
      blocks.push(...condition(argument, `${name} ${rule} ${index}`, next)),
    );
    blocks.push({ do: "return", value: action }, { do: "label", name: next });
  });
  blocks.push({ do: "return", value: verdict.otherwise });
  return [{ do: "jump", to: name }];
}

/** JSON numbers above 2^53 were rounded; all ones became 2^64. */
const halves = (value: number): readonly [high: number, low: number] => {
  const exact = value >= 2 ** 64 ? 2n ** 64n - 1n : BigInt.asUintN(64, BigInt(Math.trunc(value)));
  return [Number(exact >> 32n), Number(exact & 0xffff_ffffn)];
};

/** Goes on when the argument fits, to `miss` when it does not. Both halves are compared. */
function condition(
  { index, value, valueTwo = 0, op }: SeccompArgumentLike,
  name: Label,
  miss: Label,
): Instruction[] {
  const low: Instruction = { do: "load", offset: 16 + 8 * index };
  const high: Instruction = { do: "load", offset: 20 + 8 * index };
  const [valueHigh, valueLow] = halves(value);
  const hit = `${name} hit`;
  const end: Instruction = { do: "label", name: hit };
  const ordered = (is: ">" | ">=", yes: Label, no: Label): Instruction[] => [
    high,
    { do: "if", is: ">", value: valueHigh, hit: yes },
    { do: "if", is: "=", value: valueHigh, miss: no },
    low,
    { do: "if", is, value: valueLow, hit: yes, miss: no },
    end,
  ];
  switch (op) {
    case "SCMP_CMP_EQ":
      return [
        high,
        { do: "if", is: "=", value: valueHigh, miss: miss },
        low,
        { do: "if", is: "=", value: valueLow, miss: miss },
      ];
    case "SCMP_CMP_NE":
      return [
        high,
        { do: "if", is: "=", value: valueHigh, miss: hit },
        low,
        { do: "if", is: "=", value: valueLow, hit: miss },
        end,
      ];
    case "SCMP_CMP_GT":
      return ordered(">", hit, miss);
    case "SCMP_CMP_GE":
      return ordered(">=", hit, miss);
    case "SCMP_CMP_LT":
      return ordered(">=", miss, hit);
    case "SCMP_CMP_LE":
      return ordered(">", miss, hit);
    case "SCMP_CMP_MASKED_EQ": {
      const [wantedHigh, wantedLow] = halves(valueTwo);
      return [
        high,
        { do: "and", value: valueHigh },
        { do: "if", is: "=", value: wantedHigh, miss: miss },
        low,
        { do: "and", value: valueLow },
        { do: "if", is: "=", value: wantedLow, miss: miss },
      ];
    }
    default:
      throw new Error(`linux.seccomp: operator ${op} is not supported`);
  }
}
