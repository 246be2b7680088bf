import type { Architecture } from "../linux/syscall-numbers.ts";
import { staticProgram } from "./static-program.ts";

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

/** Under 250 bytes. */
export const pauseProgram = (architecture: Architecture): Uint8Array =>
  staticProgram(architecture, Buffer.from(machineCode[architecture] + ignore, "hex"));
