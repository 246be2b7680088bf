/** HPACK's Huffman code (RFC 7541, appendix B), decoding only: we send our few headers plain. */

/**
 * Bits of the code of each octet. The code is canonical: codes of one length follow each other in
 * the order of their octets, so the lengths say it all.
 */
const codeBits: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
  28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5,
  6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6,
  7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23,
  23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22,
  22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27,
  27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25,
  24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
const bitsMax = 30;

export class HuffmanError extends Error {
  override readonly name = "HuffmanError";
}

interface Length {
  /** The first code of this length, and the octets of it and those that follow. */
  readonly first: number;
  readonly octets: readonly number[];
}

function canonical(): readonly Length[] {
  const lengths: Length[] = [];
  let code = 0;
  for (let bits = 0; bits <= bitsMax; bits++) {
    const octets = [...codeBits.keys()].filter((octet) => codeBits[octet] === bits);
    lengths.push({ first: code, octets });
    code = (code + octets.length) * 2;
  }
  return lengths;
}

const lengths = canonical();

/** Throws HuffmanError on bits that are no code. */
export function decodeHuffman(bytes: Uint8Array): string {
  const octets: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      bits++;
      const length = lengths[bits];
      if (length === undefined) throw new HuffmanError("a code of more than 30 bits");
      const octet = length.octets[code - length.first];
      if (octet === undefined) continue;
      octets.push(octet);
      code = 0;
      bits = 0;
    }
  }
  // What is left must be the beginning of the code for the end: ones, fewer than an octet.
  if (bits > 7 || code !== (1 << bits) - 1) throw new HuffmanError("the padding is not the end");
  return String.fromCharCode(...octets);
}
