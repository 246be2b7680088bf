/**
 * The program that holds a pod's shared pid namespace as its first process: it leaves its children
 * to the kernel to reap, and waits for ever. Two hundred bytes, so that no image is needed. Pure.
 */
const headerBytes = 64;
const segmentBytes = 56;
const codeAt = headerBytes + segmentBytes;
const base = 0x40_0000n;

/** struct sigaction of the kernel: handler SIG_IGN, no flags, no restorer, no mask. */
const ignore = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.alloc(24)]);

/** x86-64: rt_sigaction(SIGCHLD, &ignore, 0, 8); for (;;) pause(); */
function x64Code(): Buffer {
  const code = Buffer.from(
    [
      "b80d000000", // mov eax, 13 ; rt_sigaction
      "bf11000000", // mov edi, 17 ; SIGCHLD
      "488d3512000000", // lea rsi, [rip + 18] ; what stands behind the code
      "31d2", // xor edx, edx
      "41ba08000000", // mov r10d, 8
      "0f05", // syscall
      "b822000000", // mov eax, 34 ; pause
      "0f05", // syscall
      "ebf7", // jmp to "mov eax, 34"
    ].join(""),
    "hex",
  );
  // The distance from behind `lea` to the end of the code.
  code.writeInt32LE(code.length - 17, 13);
  return code;
}

/** arm64: the same with ppoll(0, 0, 0, 0), since there is no pause. */
function arm64Code(): Buffer {
  const words = [
    0xd28010c8, // mov x8, 134 ; rt_sigaction
    0xd2800220, // mov x0, 17
    0x10000001, // adr x1, … ; patched below
    0xd2800002, // mov x2, 0
    0xd2800103, // mov x3, 8
    0xd4000001, // svc 0
    0xd2800928, // mov x8, 73 ; ppoll
    0xd2800000, // mov x0, 0
    0xd2800001, // mov x1, 0
    0xd2800002, // mov x2, 0
    0xd2800003, // mov x3, 0
    0xd4000001, // svc 0
    0x17fffffa, // b to "mov x8, 73"
  ];
  const code = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => code.writeUInt32LE(word, index * 4));
  // adr: the distance in bytes, its two lowest bits zero here, the others from bit 5 on.
  const distance = code.length - 8;
  code.writeUInt32LE((0x10000001 | ((distance >> 2) << 5)) >>> 0, 8);
  return code;
}

/** An ELF executable with one segment that is loaded whole, readable and executable. */
export function pauseProgram(architecture: "x64" | "arm64"): Uint8Array {
  const code = Buffer.concat([architecture === "x64" ? x64Code() : arm64Code(), ignore]);
  const total = BigInt(codeAt + code.length);
  const head = Buffer.alloc(codeAt);
  head.write("\x7fELF", 0, "latin1");
  head.set([2, 1, 1], 4); // 64 bits, little-endian, version 1
  head.writeUInt16LE(2, 16); // ET_EXEC
  head.writeUInt16LE(architecture === "x64" ? 62 : 183, 18);
  head.writeUInt32LE(1, 20);
  head.writeBigUInt64LE(base + BigInt(codeAt), 24); // entry
  head.writeBigUInt64LE(BigInt(headerBytes), 32); // program headers begin
  head.writeUInt16LE(headerBytes, 52);
  head.writeUInt16LE(segmentBytes, 54);
  head.writeUInt16LE(1, 56);
  head.writeUInt32LE(1, 64); // PT_LOAD
  head.writeUInt32LE(5, 68); // PF_R | PF_X
  head.writeBigUInt64LE(base, 80);
  head.writeBigUInt64LE(base, 88);
  head.writeBigUInt64LE(total, 96);
  head.writeBigUInt64LE(total, 104);
  head.writeBigUInt64LE(0x1_0000n, 112); // alignment: the largest page size
  return Buffer.concat([head, code]);
}
