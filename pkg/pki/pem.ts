/** Text armour around DER (RFC 7468). */
export interface PemBlock {
  /** "CERTIFICATE", "EC PRIVATE KEY", … */
  readonly label: string;
  readonly bytes: Uint8Array;
}

export function encodePem({ label, bytes }: PemBlock): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** Every block of the text, in order; text around them (comments) is passed over. */
export function decodePem(text: string): readonly PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([^-]+)-----([^-]*)-----END \1-----/g);
  return [...blocks].map(([, label = "", body = ""]) => ({
    label,
    bytes: Buffer.from(body, "base64"),
  }));
}

/** The first block with the label; throws where there is none. */
export function requirePem(text: string, label: string): Uint8Array {
  const found = decodePem(text).find((block) => block.label === label);
  if (found === undefined) throw new Error(`no PEM block "${label}"`);
  return found.bytes;
}
