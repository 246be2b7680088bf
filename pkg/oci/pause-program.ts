import type { Architecture } from "../linux/syscall-numbers.ts";

/**
 * The first process of a pod whose containers share a pid namespace: it ignores SIGCHLD, so that
 * the kernel collects orphans by itself, and waits for ever. As instructions:
 *
 *     rt_sigaction(SIGCHLD, &{ handler: SIG_IGN }, 0, 8)
 *     for (;;) pause()          // ppoll(0, 0, 0, 0, 0) on arm64, which has no pause
 *
 * then the 32 bytes of struct sigaction. Signals from inside the namespace cannot end it.
 */
const machineCode: Readonly<Record<Architecture, string>> = {
  x64:
    "b80d000000" + // mov eax, 13 (rt_sigaction)
    "bf11000000" + // mov edi, 17 (SIGCHLD)
    "488d3513000000" + // lea rsi, [rip+19] (the struct below)
    "31d2" + // xor edx, edx
    "41ba08000000" + // mov r10d, 8
    "0f05" + // syscall
    "b822000000" + // mov eax, 34 (pause)
    "0f05" + // syscall
    "ebf7", // jmp back to pause
  arm64:
    "200280d2" + // mov x0, #17 (SIGCHLD)
    "a1010010" + // adr x1, #52 (the struct below)
    "020080d2" + // mov x2, #0
    "030180d2" + // mov x3, #8
    "c81080d2" + // mov x8, #134 (rt_sigaction)
    "010000d4" + // svc #0
    "000080d2010080d2020080d2030080d2040080d2" + // mov x0 to x4, #0
    "280980d2" + // mov x8, #73 (ppoll)
    "010000d4" + // svc #0
    "f9ffff17", // b back to the zeros
};

/** struct sigaction: SIG_IGN, no flags, no restorer, no mask. */
const ignore = `01${"00".repeat(31)}`;

const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const loadAddress = 0x40_0000n;
const machine = { x64: 62, arm64: 183 } as const;

/** A whole static ELF executable, under 250 bytes: one segment, read and execute, nothing else. */
export function pauseProgram(architecture: Architecture): Uint8Array {
  const code = Buffer.from(machineCode[architecture] + ignore, "hex");
  const headers = Buffer.alloc(elfHeaderBytes + programHeaderBytes);
  const size = BigInt(headers.length + code.length);
  // e_ident: ELF, 64 bits, little-endian, version 1.
  headers.write("7f454c46020101", 0, "hex");
  headers.writeUInt16LE(2, 16); // e_type: executable
  headers.writeUInt16LE(machine[architecture], 18);
  headers.writeUInt32LE(1, 20); // e_version
  headers.writeBigUInt64LE(loadAddress + BigInt(headers.length), 24); // e_entry
  headers.writeBigUInt64LE(BigInt(elfHeaderBytes), 32); // e_phoff
  headers.writeUInt16LE(elfHeaderBytes, 52); // e_ehsize
  headers.writeUInt16LE(programHeaderBytes, 54); // e_phentsize
  headers.writeUInt16LE(1, 56); // e_phnum
  const program = elfHeaderBytes;
  headers.writeUInt32LE(1, program); // p_type: load
  headers.writeUInt32LE(5, program + 4); // p_flags: read, execute
  headers.writeBigUInt64LE(loadAddress, program + 16); // p_vaddr
  headers.writeBigUInt64LE(loadAddress, program + 24); // p_paddr
  headers.writeBigUInt64LE(size, program + 32); // p_filesz
  headers.writeBigUInt64LE(size, program + 40); // p_memsz
  headers.writeBigUInt64LE(0x1_0000n, program + 48); // p_align: the largest page size
  return Buffer.concat([headers, code]);
}
