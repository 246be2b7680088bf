import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { dataHead, encodeSynStream, FrameParser, type Frame } from "../../streams/spdy-frames.ts";
import { HeaderWriter } from "../../streams/spdy-headers.ts";

/** As much of a SPDY client as exec's needs. */
export class SpdyClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  response = "";
  readonly #headers = new HeaderWriter();
  readonly #parser = new FrameParser();
  #isSpdy = false;

  constructor(port: number, protocols = "v4.channel.k8s.io, v3.channel.k8s.io") {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("data", (data: Buffer) => this.#take(data));
    this.socket.on("error", () => {});
    this.socket.write(
      "POST /exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" +
        `X-Stream-Protocol-Version: ${protocols}\r\n\r\n`,
    );
  }
  #take(data: Buffer): void {
    let rest = data;
    if (!this.#isSpdy) {
      const text = this.response + data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      this.response = text;
      if (end < 0 || !text.startsWith("HTTP/1.1 101")) return;
      this.#isSpdy = true;
      rest = Buffer.from(text.slice(end + 4), "latin1");
      this.response = text.slice(0, end);
    }
    this.frames.push(...this.#parser.push(rest));
  }
  open(id: number, headers: Record<string, string>): void {
    this.socket.write(encodeSynStream(id, this.#headers.write(headers)));
  }
  send(id: number, text: string, fin = false): void {
    this.socket.write(Buffer.concat([dataHead(id, text.length, fin), Buffer.from(text)]));
  }
  async until(is: (client: SpdyClient) => boolean): Promise<void> {
    while (!is(this)) await once(this.socket, "data");
  }
  text(id: number): string {
    return this.frames
      .flatMap((frame) => (frame.is === "data" && frame.streamId === id ? [frame.data] : []))
      .map((data) => Buffer.from(data).toString())
      .join("");
  }
}
