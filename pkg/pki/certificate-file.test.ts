import { mkdtemp, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { createAuthority } from "./authority.ts";
import { currentPath, readCertificateFile, writeCertificateFile } from "./certificate-file.ts";

const doors = { clock: systemClock, random: systemRandom };
const authority = createAuthority({ commonName: "ca", validForMs: 60_000 }, doors);
const issue = (commonName: string) =>
  authority.issue({ subject: { commonName }, usages: ["client auth"], validForMs: 60_000 }, doors);

describe("a certificate that is renewed while it is in use", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "certificate-file-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const name = "kubelet-client";

  it("is not there at first", async () =>
    expect(await readCertificateFile({ folder, name })).toBeUndefined());

  it("is read as it was written last, and old ones go", async () => {
    await writeFile(join(folder, "kubelet-client-notes.pem"), "somebody else's");
    const pairs = ["a", "b", "c"].map(issue);
    for (const [at, pair] of pairs.entries()) {
      await writeCertificateFile({ folder, name }, pair, Date.UTC(2026, 0, 1, 0, 0, at));
    }
    expect(await readCertificateFile({ folder, name })).toEqual(pairs[2]);
    expect(await readlink(currentPath({ folder, name }))).toBe(
      "kubelet-client-2026-01-01-00-00-02.pem",
    );
    expect((await readdir(folder)).toSorted()).toEqual([
      "kubelet-client-2026-01-01-00-00-01.pem",
      "kubelet-client-2026-01-01-00-00-02.pem",
      "kubelet-client-current.pem",
      "kubelet-client-notes.pem",
    ]);
    expect((await stat(currentPath({ folder, name }))).mode & 0o777).toBe(0o600);
  });

  it("is not taken without its key", async () => {
    await writeFile(currentPath({ folder, name }), issue("d").certificate);
    await expect(readCertificateFile({ folder, name })).rejects.toThrow(/has no key/);
  });
});
