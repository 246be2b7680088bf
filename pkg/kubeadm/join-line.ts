import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { publicKeyFingerprint } from "../pki/keys.ts";

/** The command that another machine joins with. */
export async function joinLine(how: {
  readonly endpoint: string;
  readonly token: string;
  /** /etc/tskube/pki */
  readonly pkiFolder: string;
}): Promise<string> {
  const authority = await readFile(join(how.pkiFolder, "ca.crt"), "utf8");
  const hash = publicKeyFingerprint(createPublicKey(authority));
  return `tsadm join ${how.endpoint} --token ${how.token} --discovery-token-ca-cert-hash ${hash}`;
}
