import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outsideWords } from "./machines.ts";
import { eventually, root } from "./test-bed.ts";
import { TsadmBed, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: the guestbook on two machines: ${reason}`);

const example = join(root, "manifests/examples/guestbook");
const ensureImages: readonly string[] = [
  "--disable-warning=ExperimentalWarning",
  join(root, "hack/ensure-image.ts"),
];

/** Machines have no way to a registry: an archive of what the host pulled or built. */
function saveImages(folder: string): string {
  const archive = join(folder, "guestbook.tar");
  const words = ["--data-dir", join(folder, "store"), "--save", archive, "redis", "guestbook"];
  execFileSync(process.execPath, [...ensureImages, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: 300_000,
  });
  return archive;
}

const entriesOf = (page: string): readonly string[] =>
  [...page.matchAll(/<li>(.*)<\/li>/g)].map(([, entry = ""]) => entry);

/** As manifests/examples/guestbook/README.md says it for two machines. */
describe.skipIf(reason !== undefined)("the guestbook on two machines", () => {
  const folder = mkdtempSync(join(tmpdir(), "tskube-guestbook-"));
  let bed: TsadmBed;
  const numbers = [1, 2] as const;

  beforeAll(async () => {
    bed = await TsadmBed.make("guestbook", 2);
    bed.init();
    bed.join(2);
    const archive = saveImages(folder);
    for (const number of numbers) {
      bed.run(number, process.execPath, ...ensureImages, "--load", archive);
    }
  });
  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const curl = (...words: readonly string[]): string => {
    const [program = "", ...rest] = outsideWords(bed.set, ["curl", "-sS", "-m", "10", ...words]);
    return spawnSync(program, rest, { encoding: "utf8" }).stdout;
  };
  const front = (number: number): string => `http://${bed.machine(number).address}:30080/`;
  const webPods = () => bed.items("pods", "-l", "app=guestbook,tier=web");

  it("runs on both", () => {
    bed.kubectl("taint", "nodes", "machine-1", "node-role.kubernetes.io/control-plane:NoSchedule-");
    bed.kubectl("apply", "-f", example);
    for (const name of ["store", "web"]) {
      const printed = bed.kubectl("rollout", "status", `deployment/guestbook-${name}`);
      expect(printed).toContain("successfully rolled out");
    }
    const nodes = new Set(webPods().map(({ spec }) => spec?.nodeName));
    expect(nodes).toEqual(new Set(["machine-1", "machine-2"]));
  });

  it("answers with either front end on either machine", async () => {
    const names = webPods().map(({ metadata }) => metadata.name);
    for (const number of numbers) {
      const seen = new Set<string | undefined>();
      const see = () => seen.add(/Written by pod (\S+)\./.exec(curl(front(number)))?.[1]);
      await eventually(`both front ends on machine-${number}`, see, (all) =>
        names.every((name) => all.has(name)),
      );
    }
  });

  it("shows through one machine what was written through the other", () => {
    for (const number of numbers) {
      const entry = ["--data-urlencode", `entry=hello through machine-${number}`];
      const status = ["-o", "/dev/null", "-w", "%{http_code}"];
      expect(curl(...status, ...entry, `${front(number)}cgi-bin/index.cgi`)).toBe("303");
    }
    const kept = numbers.map((number) => `hello through machine-${number}`);
    for (const number of numbers) {
      // Several times: either front end may answer.
      for (let times = 0; times < 6; times++) {
        expect(entriesOf(curl(front(number)))).toEqual(kept);
      }
    }
  });
});
