/**
 * The one piece of machine code in the project: a loop that plays a tape of system calls. Called
 * as a function it plays and returns; behind a clone(2) on the tape the new process plays on from
 * a tape of its own, touches no stack, and leaves by execve(2) or exit_group(127).
 *
 * An entry is eleven 64-bit words: the call's number (negative ends the tape), six arguments, the
 * errnos it may fail with (one a byte, 0xff for any), its result (written by the player), a list
 * of addresses that the result is copied to (zero ends it), and the tape of the new process.
 */
import type { Architecture } from "./syscall-numbers.ts";

export const entryWords = 11;
/** Word numbers inside an entry. */
export const word = { number: 0, args: 1, may: 7, result: 8, copies: 9, child: 10 } as const;

/** An instruction as bytes, or a jump whose distance the assembler fills in; labels end in ":". */
type X64Line = readonly [assembly: string, hex: string, to?: string];

const x64: readonly X64Line[] = [
  ["push rbx", "53"],
  ["push rbp", "55"],
  ["mov rbx, rdi ; the tape", "4889fb"],
  ["xor ebp, ebp ; 0: called, 1: a new process", "31ed"],
  ["next:", ""],
  ["mov rax, [rbx]", "488b03"],
  ["test rax, rax", "4885c0"],
  ["js end", "78", "end"],
  ["mov rdi, [rbx+8]", "488b7b08"],
  ["mov rsi, [rbx+16]", "488b7310"],
  ["mov rdx, [rbx+24]", "488b5318"],
  ["mov r10, [rbx+32]", "4c8b5320"],
  ["mov r8, [rbx+40]", "4c8b4328"],
  ["mov r9, [rbx+48]", "4c8b4b30"],
  ["syscall ; keeps all but rax, rcx, r11", "0f05"],
  ["test rax, rax", "4885c0"],
  ["jnz store", "75", "store"],
  ["mov rcx, [rbx+80]", "488b4b50"],
  ["test rcx, rcx", "4885c9"],
  ["jnz child", "75", "child"],
  ["store:", ""],
  ["mov [rbx+64], rax", "48894340"],
  ["test rax, rax", "4885c0"],
  ["jns copy", "79", "copy"],
  ["mov rcx, [rbx+56]", "488b4b38"],
  ["neg eax", "f7d8"],
  ["tolerate:", ""],
  ["test rcx, rcx", "4885c9"],
  ["jz end", "74", "end"],
  ["cmp cl, 255", "80f9ff"],
  ["je copy", "74", "copy"],
  ["cmp al, cl", "38c8"],
  ["je copy", "74", "copy"],
  ["shr rcx, 8", "48c1e908"],
  ["jmp tolerate", "eb", "tolerate"],
  ["child:", ""],
  ["mov rbx, rcx", "4889cb"],
  ["mov ebp, 1", "bd01000000"],
  ["jmp next", "eb", "next"],
  ["copy:", ""],
  ["mov rcx, [rbx+72]", "488b4b48"],
  ["test rcx, rcx", "4885c9"],
  ["jz step", "74", "step"],
  ["mov rax, [rbx+64]", "488b4340"],
  ["more:", ""],
  ["mov rdx, [rcx]", "488b11"],
  ["test rdx, rdx", "4885d2"],
  ["jz step", "74", "step"],
  ["mov [rdx], rax", "488902"],
  ["add rcx, 8", "4883c108"],
  ["jmp more", "eb", "more"],
  ["step:", ""],
  ["add rbx, 88", "4883c358"],
  ["jmp next", "e9", "next"],
  ["end:", ""],
  ["test ebp, ebp", "85ed"],
  ["jnz die", "75", "die"],
  ["xor eax, eax", "31c0"],
  ["pop rbp", "5d"],
  ["pop rbx", "5b"],
  ["ret", "c3"],
  ["die:", ""],
  ["mov edi, 127", "bf7f000000"],
  ["mov eax, 231 ; exit_group", "b8e7000000"],
  ["syscall", "0f05"],
];

/** An instruction word; with a label, how many bits its distance has and where they start. */
type Arm64Line = readonly [
  assembly: string,
  word?: number,
  jump?: { readonly to: string; readonly bits: number; readonly at: number },
];

const to = (label: string, bits: number, at: number) => ({ to: label, bits, at });

/** System calls keep every register but x0, so nothing needs saving: no stack in either role. */
const arm64: readonly Arm64Line[] = [
  ["mov x9, x0 ; the tape", 0xaa0003e9],
  ["mov w10, #0 ; 0: called, 1: a new process", 0x5280000a],
  ["next:"],
  ["ldr x8, [x9]", 0xf9400128],
  ["tbnz x8, #63, end", 0xb7f80008, to("end", 14, 5)],
  ["ldp x0, x1, [x9, #8]", 0xa9408520],
  ["ldp x2, x3, [x9, #24]", 0xa9418d22],
  ["ldp x4, x5, [x9, #40]", 0xa9429524],
  ["svc #0", 0xd4000001],
  ["cbnz x0, store", 0xb5000000, to("store", 19, 5)],
  ["ldr x11, [x9, #80]", 0xf940292b],
  ["cbnz x11, child", 0xb500000b, to("child", 19, 5)],
  ["store:"],
  ["str x0, [x9, #64]", 0xf9002120],
  ["tbz x0, #63, copy", 0xb6f80000, to("copy", 14, 5)],
  ["ldr x11, [x9, #56]", 0xf9401d2b],
  ["neg x12, x0", 0xcb0003ec],
  ["tolerate:"],
  ["cbz x11, end", 0xb400000b, to("end", 19, 5)],
  ["and x13, x11, #0xff", 0x92401d6d],
  ["cmp x13, #255", 0xf103fdbf],
  ["b.eq copy", 0x54000000, to("copy", 19, 5)],
  ["cmp x13, x12", 0xeb0c01bf],
  ["b.eq copy", 0x54000000, to("copy", 19, 5)],
  ["lsr x11, x11, #8", 0xd348fd6b],
  ["b tolerate", 0x14000000, to("tolerate", 26, 0)],
  ["child:"],
  ["mov x9, x11", 0xaa0b03e9],
  ["mov w10, #1", 0x5280002a],
  ["b next", 0x14000000, to("next", 26, 0)],
  ["copy:"],
  ["ldr x11, [x9, #72]", 0xf940252b],
  ["cbz x11, step", 0xb400000b, to("step", 19, 5)],
  ["more:"],
  ["ldr x12, [x11], #8", 0xf840856c],
  ["cbz x12, step", 0xb400000c, to("step", 19, 5)],
  ["str x0, [x12]", 0xf9000180],
  ["b more", 0x14000000, to("more", 26, 0)],
  ["step:"],
  ["add x9, x9, #88", 0x91016129],
  ["b next", 0x14000000, to("next", 26, 0)],
  ["end:"],
  ["cbnz w10, die", 0x3500000a, to("die", 19, 5)],
  ["mov w0, #0", 0x52800000],
  ["ret", 0xd65f03c0],
  ["die:"],
  ["mov w0, #127", 0x52800fe0],
  ["mov w8, #94 ; exit_group", 0x52800bc8],
  ["svc #0", 0xd4000001],
];

/** The player's machine code. */
export const playerCode = (architecture: Architecture): Buffer =>
  architecture === "x64" ? assembleX64() : assembleArm64();

/** The same as text, for tests that hand it to an assembler. */
export const playerAssembly = (architecture: Architecture): string =>
  (architecture === "x64" ? x64 : arm64).map(([assembly]) => assembly).join("\n");

function assembleX64(): Buffer {
  const labels = new Map<string, number>();
  const displacementBytes = (opcode: string): number => (opcode === "e9" ? 4 : 1);
  const size = (hex: string, label?: string): number =>
    hex.length / 2 + (label === undefined ? 0 : displacementBytes(hex));
  let at = 0;
  for (const [assembly, hex, label] of x64) {
    if (assembly.endsWith(":")) labels.set(assembly.slice(0, -1), at);
    at += size(hex, label);
  }
  const code = Buffer.alloc(at);
  at = 0;
  for (const [, hex, label] of x64) {
    code.write(hex, at, "hex");
    at += size(hex, label);
    if (label === undefined) continue;
    const distance = distanceTo(labels, label, at);
    const bytes = displacementBytes(hex);
    code.writeIntLE(distance, at - bytes, bytes);
  }
  return code;
}

function assembleArm64(): Buffer {
  const labels = new Map<string, number>();
  let count = 0;
  for (const [assembly, instruction] of arm64) {
    if (instruction === undefined) labels.set(assembly.slice(0, -1), count);
    else count++;
  }
  const code = Buffer.alloc(count * 4);
  let at = 0;
  for (const [, instruction, jump] of arm64) {
    if (instruction === undefined) continue;
    const distance = jump === undefined ? 0 : distanceTo(labels, jump.to, at) % 2 ** jump.bits;
    const field = jump === undefined ? 0 : (distance & (2 ** jump.bits - 1)) << jump.at;
    code.writeUInt32LE((instruction | field) >>> 0, at * 4);
    at++;
  }
  return code;
}

function distanceTo(labels: ReadonlyMap<string, number>, label: string, from: number): number {
  const target = labels.get(label);
  if (target === undefined) throw new Error(`player: no label ${label}`);
  return target - from;
}
