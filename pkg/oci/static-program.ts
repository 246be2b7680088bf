import type { Architecture } from "../linux/syscall-numbers.ts";

const elfHeaderBytes = 64;
const programHeaderBytes = 56;
const loadAddress = 0x40_0000n;
const machine = { x64: 62, arm64: 183 } as const;

/**
 * A whole static ELF executable around position-independent machine code that starts with its first
 * byte: one segment, read and execute, nothing else.
 */
export function staticProgram(architecture: Architecture, code: Uint8Array): Uint8Array {
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
