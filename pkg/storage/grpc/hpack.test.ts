import { describe, expect, it } from "vitest";
import { type Header, HeaderDecoder, HeaderEncoder, tableBytesDefault } from "./hpack.ts";
import { decodeHuffman } from "./huffman.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RFC 7541, appendix C.6: three responses of one connection whose table holds 256 bytes. */
const date = "Mon, 21 Oct 2013 20:13:21 GMT";
const responses: readonly (readonly [block: string, headers: readonly Header[]])[] = [
  [
    `48 82 6402 58 85 aec3771a4b 61 96 d07abe941054d444a8200595040b8166e082a62d1bff
     6e 91 9d29ad171863c78f0b97c8e9ae82ae43d3`,
    [
      [":status", "302"],
      ["cache-control", "private"],
      ["date", date],
      ["location", "https://www.example.com"],
    ],
  ],
  [
    "48 83 640eff c1 c0 bf",
    [
      [":status", "307"],
      ["cache-control", "private"],
      ["date", date],
      ["location", "https://www.example.com"],
    ],
  ],
  [
    `88 c1 61 96 d07abe941054d444a8200595040b8166e084a62d1bff c0 5a 83 9bd9ab 77 ad
     94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007`,
    [
      [":status", "200"],
      ["cache-control", "private"],
      ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
      ["location", "https://www.example.com"],
      ["content-encoding", "gzip"],
      ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"],
    ],
  ],
];

describe("header blocks", () => {
  it("are read as the RFC's example shows, with a table that forgets", () => {
    const decoder = new HeaderDecoder();
    decoder.decode(hex("3fe101")); // the table holds 256 bytes from now on
    for (const [block, headers] of responses)
      expect(decoder.decode(hex(block.replaceAll(/\s/g, "")))).toEqual(headers);
  });

  for (const [title, block] of [
    ["names an entry that is not there", "be"],
    ["ends in a text", "400a63"],
    ["ends in a number", "ff"],
    ["has a number without end", "ffffffffffffff"],
    ["asks for a larger table than we allow", "3fe1ff7f"],
    ["is not Huffman's code", "4082ffff00"],
  ] as const)
    it(`are refused when one ${title}`, () => {
      expect(() => new HeaderDecoder().decode(hex(block))).toThrow(/./);
    });

  it("get shorter once the table knows the headers, and read the same", () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder();
    const of = (path: string): readonly Header[] => [
      [":method", "POST"],
      [":path", path],
      [":authority", "127.0.0.1:2379"],
      ["content-type", "application/grpc"],
    ];
    const lists = [of("/etcdserverpb.KV/Txn"), of("/etcdserverpb.KV/Range")] as const;
    const sizes: number[] = [];
    for (const list of [...lists, ...lists, ...lists]) {
      const block = encoder.encode(list);
      sizes.push(block.length);
      expect(decoder.decode(block)).toEqual(list);
    }
    expect(sizes.slice(2)).toEqual([4, 4, 4, 4]);
    const twice = encoder.encode(lists[0]);
    expect(encoder.encode(lists[0])).toBe(twice);
  });

  it("do without a table where the peer has a smaller one", () => {
    const encoder = new HeaderEncoder();
    const decoder = new HeaderDecoder();
    const list: readonly Header[] = [["x-name", "value"]];
    decoder.decode(encoder.encode(list));
    encoder.limitTable(tableBytesDefault - 1);
    const first = encoder.encode(list);
    expect(first[0]).toBe(0x20);
    expect([decoder.decode(first), decoder.decode(encoder.encode(list))]).toEqual([list, list]);
  });
});

describe("Huffman's code", () => {
  it("is read as the RFC's examples show", () => {
    expect(decodeHuffman(hex("f1e3c2e5f23a6ba0ab90f4ff"))).toBe("www.example.com");
    expect(decodeHuffman(hex("25a849e95ba97d7f"))).toBe("custom-key");
    expect(decodeHuffman(hex(""))).toBe("");
  });

  it("ends with fewer than eight ones", () => {
    expect(() => decodeHuffman(hex("f1e3c2e5f23a6ba0ab90f4ffff"))).toThrow("padding");
    expect(() => decodeHuffman(hex("f1e3c2e5f23a6ba0ab90f4fe"))).toThrow("padding");
  });
});
