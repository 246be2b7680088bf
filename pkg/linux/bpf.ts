/** A little assembler for classic BPF, the language of seccomp filters. */
export type Label = string;

export type Instruction =
  /** The accumulator becomes the 32-bit word at this offset of struct seccomp_data. */
  | { readonly do: "load"; readonly offset: number }
  | { readonly do: "and"; readonly value: number }
  /** Absent labels mean the next instruction. At most 255 instructions ahead. */
  | {
      readonly do: "if";
      readonly is: "=" | ">" | ">=";
      readonly value: number;
      readonly hit?: Label;
      readonly miss?: Label;
    }
  /** Any distance ahead. */
  | { readonly do: "jump"; readonly to: Label }
  | { readonly do: "return"; readonly value: number }
  | { readonly do: "label"; readonly name: Label };

/** linux/bpf_common.h */
const code = { load: 0x20, and: 0x54, jump: 0x05, return: 0x06 } as const;
const compare = { "=": 0x15, ">": 0x25, ">=": 0x35 } as const;

/** The kernel takes no more (BPF_MAXINSNS). */
const instructionsMax = 4096;

/** struct sock_filter: code (16 bits), two jump distances (8 each), value (32), little-endian. */
export function assembleBpf(program: readonly Instruction[]): Uint8Array {
  const labels = new Map<Label, number>();
  const lines = program.filter((line) => line.do !== "label");
  let at = 0;
  for (const line of program) {
    if (line.do === "label") labels.set(line.name, at);
    else at++;
  }
  if (lines.length > instructionsMax) {
    throw new Error(`a filter may have ${instructionsMax} instructions, this has ${lines.length}`);
  }
  const bytes = new Uint8Array(lines.length * 8);
  const view = new DataView(bytes.buffer);
  lines.forEach((line, index) => {
    const ahead = (label: Label | undefined): number =>
      label === undefined ? 0 : (labels.get(label) ?? Number.NaN) - index - 1;
    const put = (operation: number, value: number, hit = 0, miss = 0): void => {
      if (!(hit >= 0 && hit < 256 && miss >= 0 && miss < 256)) {
        throw new Error(`filter: a jump of ${hit} or ${miss} instructions`);
      }
      view.setUint16(index * 8, operation, true);
      view.setUint8(index * 8 + 2, hit);
      view.setUint8(index * 8 + 3, miss);
      view.setUint32(index * 8 + 4, value, true);
    };
    if (line.do === "load") put(code.load, line.offset);
    else if (line.do === "and") put(code.and, line.value);
    else if (line.do === "jump") put(code.jump, ahead(line.to));
    else if (line.do === "return") put(code.return, line.value);
    else if (line.do === "if") {
      put(compare[line.is], line.value, ahead(line.hit), ahead(line.miss));
    }
  });
  return bytes;
}
