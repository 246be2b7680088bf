import { constants, createInflate } from "node:zlib";

/** Names in lower case; several values of one name are joined by NUL on the wire. */
export type SpdyHeaders = Readonly<Record<string, string>>;

/** What SPDY/3 primes its header compression with: words with their lengths, then a plain text. */
const words =
  "options|head|post|put|delete|trace|accept|accept-charset|accept-encoding|accept-language|" +
  "accept-ranges|age|allow|authorization|cache-control|connection|content-base|" +
  "content-encoding|content-language|content-length|content-location|content-md5|" +
  "content-range|content-type|date|etag|expect|expires|from|host|if-match|if-modified-since|" +
  "if-none-match|if-range|if-unmodified-since|last-modified|location|max-forwards|pragma|" +
  "proxy-authenticate|proxy-authorization|range|referer|retry-after|server|te|trailer|" +
  "transfer-encoding|upgrade|user-agent|vary|via|warning|www-authenticate|method|get|status|" +
  "200 OK|version|HTTP/1.1|url|public|set-cookie|keep-alive|origin";
const tail =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request" +
  "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented" +
  "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, " +
  "Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif," +
  "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=" +
  "gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

const lengthAndText = (text: string): Buffer => {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(Buffer.byteLength(text), 0);
  return Buffer.concat([length, Buffer.from(text)]);
};

export const headerDictionary: Buffer = Buffer.concat([
  ...words.split("|").map(lengthAndText),
  Buffer.from(tail),
]);

/** A header block may say this much once it is unpacked. */
const headerBytesMax = 64 * 1024;

const serialize = (headers: SpdyHeaders): Buffer => {
  const entries = Object.entries(headers);
  const count = Buffer.allocUnsafe(4);
  count.writeUInt32BE(entries.length, 0);
  return Buffer.concat([count, ...entries.flatMap((pair) => pair.map(lengthAndText))]);
};

/** An empty stored block: readers hand out what they have when they see it, and not before. */
const syncFlush = Buffer.of(0, 0, 0, 0xff, 0xff);

/**
 * Writes header blocks of one connection. They are one zlib stream, of which every block is a part;
 * ours is stored, not deflated: our few headers are smaller than a compressor's memory.
 */
export class HeaderWriter {
  #isFirst = true;
  write(headers: SpdyHeaders): Buffer {
    const text = serialize(headers);
    const stored = Buffer.allocUnsafe(5);
    stored.writeUInt8(0, 0);
    stored.writeUInt16LE(text.length, 1);
    stored.writeUInt16LE(~text.length & 0xffff, 3);
    const start = this.#isFirst ? Buffer.of(0x78, 0x01) : Buffer.alloc(0);
    this.#isFirst = false;
    return Buffer.concat([start, stored, text, syncFlush]);
  }
}

/** Reads header blocks of one connection, in the order in which they came. */
export class HeaderReader {
  readonly #inflate = createInflate({
    dictionary: headerDictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  #pieces: Buffer[] = [];
  #bytes = 0;
  #fail: ((error: Error) => void) | undefined;

  constructor() {
    this.#inflate.on("data", (piece: Buffer) => {
      this.#bytes += piece.length;
      if (this.#bytes <= headerBytesMax) this.#pieces.push(piece);
    });
    this.#inflate.on("error", (error) => this.#fail?.(error));
  }

  /** Rejects where the block is malformed or too large; the connection is then of no more use. */
  async read(block: Uint8Array): Promise<SpdyHeaders> {
    this.#pieces = [];
    this.#bytes = 0;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      this.#inflate.write(block, () => {
        this.#inflate.flush(constants.Z_SYNC_FLUSH, resolve);
      });
    });
    if (this.#bytes > headerBytesMax) throw new Error("SPDY: header block is too large");
    return parseHeaders(Buffer.concat(this.#pieces));
  }
  close(): void {
    this.#inflate.destroy();
  }
}

function parseHeaders(text: Buffer): SpdyHeaders {
  let at = 0;
  const take = (): number => {
    if (text.length < at + 4) throw new Error("SPDY: header block is cut short");
    at += 4;
    return text.readUInt32BE(at - 4);
  };
  const word = (): string => {
    const length = take();
    if (text.length < at + length) throw new Error("SPDY: header block is cut short");
    at += length;
    return text.toString("utf8", at - length, at);
  };
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let count = take(); count > 0; count -= 1) {
    const name = word();
    headers[name.toLowerCase()] = word();
  }
  return headers;
}
