/**
 * Device rules for cgroup v2, where a BPF program (BPF_PROG_TYPE_CGROUP_DEVICE) says yes or no.
 * It is handed { access << 16 | type, major, minor } and the last rule that fits decides.
 */
import type { DeviceRuleLike } from "./cgroup-plan.ts";
import type { Kernel } from "./kernel.ts";

/** linux/bpf.h */
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const deviceTypes: Readonly<Record<string, number>> = { b: 1, c: 2 };
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

/** One eBPF instruction: code, registers, distance, value. */
type Instruction = readonly [code: number, registers: number, distance: number, value: number];

/** Register numbers: 1 the context, 2 type, 3 access asked, 4 major, 5 minor, 6 scratch. */
const loadWord = (to: number, offset: number): Instruction => [0x61, to | (1 << 4), offset, 0];
const move = (to: number, value: number): Instruction => [0xb7, to, 0, value];
const copy = (to: number, from: number): Instruction => [0xbf, to | (from << 4), 0, 0];
const and = (to: number, value: number): Instruction => [0x54, to, 0, value];
const shiftRight = (to: number, value: number): Instruction => [0x74, to, 0, value];
const jumpUnless = (register: number, value: number, distance: number): Instruction => [
  0x55, // jne
  register,
  distance,
  value,
];
const exit: Instruction = [0x95, 0, 0, 0];

/**
 * The program: rules from the last to the first, each a few comparisons that jump to the next
 * when they do not hold. What no rule names is allowed, as without a device cgroup.
 */
export function deviceProgram(rules: readonly DeviceRuleLike[]): Uint8Array {
  const head: Instruction[] = [
    loadWord(2, 0),
    copy(3, 2),
    and(2, 0xffff),
    shiftRight(3, 16),
    loadWord(4, 4),
    loadWord(5, 8),
  ];
  const program = [...head, ...compileRules(rules.toReversed())];
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(([code, registers, distance, value], index) => {
    view.setUint8(index * 8, code);
    view.setUint8(index * 8 + 1, registers);
    view.setInt16(index * 8 + 2, distance, true);
    view.setInt32(index * 8 + 4, value, true);
  });
  return bytes;
}

/** A rule without conditions is the last: the kernel refuses programs with dead instructions. */
function compileRules(latestFirst: readonly DeviceRuleLike[]): readonly Instruction[] {
  const end = latestFirst.findIndex(isForAll);
  const needed = end < 0 ? latestFirst : latestFirst.slice(0, end + 1);
  const otherwise = end < 0 ? [move(0, 1), exit] : [];
  return [...needed.flatMap(compileRule), ...otherwise];
}

const isForAll = ({ type = "a", access = "rwm" }: DeviceRuleLike): boolean =>
  deviceTypes[type] === undefined && bitsOf(access) === 7;

const bitsOf = (access: string): number =>
  Object.entries(accessBits).reduce(
    (all, [name, bit]) => all | (access.includes(name) ? bit : 0),
    0,
  );

function compileRule({ allow, type = "a", major, minor, access = "rwm" }: DeviceRuleLike) {
  const kind = deviceTypes[type];
  const bits = bitsOf(access);
  // An allowance must cover all that is asked; a refusal bites when it names any of it.
  const tests: ((skip: number) => readonly Instruction[])[] = [];
  if (kind !== undefined) tests.push((skip) => [jumpUnless(2, kind, skip)]);
  if (bits !== 7 && allow) {
    tests.push((skip) => [copy(6, 3), and(6, ~bits & 7), jumpUnless(6, 0, skip)]);
  }
  if (bits !== 7 && !allow) {
    tests.push((skip) => [copy(6, 3), and(6, bits), [0x15, 6, skip, 0]]);
  }
  if (kind !== undefined && major !== undefined && major >= 0) {
    tests.push((skip) => [jumpUnless(4, major, skip)]);
  }
  if (kind !== undefined && minor !== undefined && minor >= 0) {
    tests.push((skip) => [jumpUnless(5, minor, skip)]);
  }
  const verdict = [move(0, allow ? 1 : 0), exit];
  // Each test jumps, last thing it does, over what follows it.
  return tests.reduceRight<readonly Instruction[]>(
    (rest, test) => [...test(rest.length), ...rest],
    verdict,
  );
}

/** Attaches the rules to a v2 cgroup. The kernel keeps the program as long as the cgroup. */
export function attachDeviceRules(
  kernel: Kernel,
  cgroup: number,
  rules: readonly DeviceRuleLike[],
): void {
  const program = deviceProgram(rules);
  // union bpf_attr, of which the kernel takes the first bytes that we give: 8 words of it.
  const load = {
    words: [
      BPF_PROG_TYPE_CGROUP_DEVICE + (program.length / 8) * 2 ** 32,
      program,
      "Apache-2.0",
      0,
      0,
      0,
    ],
  };
  const fd = kernel.call("bpf", [BPF_PROG_LOAD, load, 48], "load device rules");
  try {
    // struct { target_fd, attach_bpf_fd, attach_type, attach_flags }: two words.
    const attach = {
      words: [cgroup + fd * 2 ** 32, BPF_CGROUP_DEVICE + BPF_F_ALLOW_MULTI * 2 ** 32],
    };
    kernel.call("bpf", [BPF_PROG_ATTACH, attach, 16], "attach device rules");
  } finally {
    kernel.call("close", [fd]);
  }
}
