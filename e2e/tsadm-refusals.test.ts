/**
 * What tsadm refuses: each time it says what to do about it, and leaves nothing behind, neither on
 * the machine nor in the cluster.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runIn } from "./machines.ts";
import { eventually, type Outcome } from "./test-bed.ts";
import { TsadmBed, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: refusals of tsadm: ${reason}`);

const hourMs = 3_600_000;
/** Machines see the folder of temporary files as it is. */
const files = mkdtempSync(join(tmpdir(), "tsadm-refusals-"));
const file = (name: string, text: string): string => {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
};

describe.skipIf(reason !== undefined)("tsadm refuses, and leaves nothing behind", () => {
  let bed: TsadmBed;
  let before: string;

  const replaced = (from: RegExp, to: string): readonly string[] =>
    bed.joinWords.map((word) => word.replace(from, to));
  const joinWithout = (...flags: readonly string[]): readonly string[] =>
    bed.joinWords.filter((word, at, all) => {
      const [flag, value] = [word, all[at - 1] ?? ""];
      return !flags.includes(flag) && !flags.includes(value);
    });
  const clusterState = (): string =>
    bed.kubectl("get", "nodes,csr", "-o", "name", "--sort-by=.metadata.name");
  /** What is on a machine that has not joined: images may be there, and nothing else. */
  const leftovers = (): string =>
    bed.on(2, [
      "sh",
      "-c",
      "find /etc/tskube /var/lib/tskube /run/tskube /var/log/tskube -type f 2>/dev/null" +
        " | grep -v ^/var/lib/tskube/images/",
    ]).out;

  const refuses = ({ code, err }: Outcome, because: string): void => {
    expect(err).toContain(because);
    expect(code).toBe(1);
    expect(leftovers()).toBe("");
    expect(clusterState()).toBe(before);
  };

  /** A kubeconfig with the cluster's authority, or another one, and without a user. */
  const discoveryFile = (name: string, server: string, authority: string): string =>
    file(
      name,
      stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [
          {
            name: "",
            cluster: {
              server,
              "certificate-authority-data": Buffer.from(authority).toString("base64"),
            },
          },
        ],
      }),
    );
  const tokenWords = (): readonly string[] => {
    const at = bed.joinWords.indexOf("--token");
    return bed.joinWords.slice(at, at + 2);
  };

  beforeAll(async () => {
    bed = await TsadmBed.make("refusals", 2);
    bed.init();
    before = clusterState();
  });
  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
    rmSync(files, { recursive: true, force: true });
  });

  it("a cluster that is another one", () => {
    const wrong = replaced(/sha256:.{4}/, "sha256:0000");
    refuses(bed.tsadm(2, ...wrong), "nothing was sent to it");
  });

  it("a token that was never made", () =>
    refuses(bed.tsadm(2, ...replaced(/^[a-z0-9]{6}\./, "aaaaaa.")), "tsadm token create"));

  it("a token with another secret", () => {
    const wrong = replaced(/\.[a-z0-9]{16}$/, ".aaaaaaaaaaaaaaaa");
    refuses(bed.tsadm(2, ...wrong), "copy the join command anew");
  });

  it("a token that has ended", async () => {
    const flags = ["--ttl", "2s", "--print-join-command"];
    const made = bed.tsadm(1, "token", "create", ...flags).out.trim();
    const [id = ""] = made.split(" ")[4]?.split(".") ?? [];
    const info = () => bed.kubectl("get", "cm", "-n", "kube-public", "cluster-info", "-o", "yaml");
    const isGone = (text: string): boolean => !text.includes(`jws-kubeconfig-${id}`);
    await eventually("the signature to go", info, isGone, 60_000);
    refuses(bed.tsadm(2, ...made.split(" ").slice(1)), "tsadm token create --print-join-command");
  });

  it("a token that vouches for the cluster, where another one asks for the certificate", () => {
    const words = [...bed.joinWords, "--tls-bootstrap-token", "abcdef.0123456789abcdef"];
    refuses(bed.tsadm(2, ...words), "the cluster does not take the token");
  });

  it("an address that nobody has", () => {
    const nobody = replaced(/^10\.31\.0\.11:/, "10.31.0.99:");
    refuses(bed.tsadm(2, ...nobody), "no cluster answers at https://10.31.0.99:6443");
  });

  it("an address that no route leads to", () => {
    const far = replaced(/^10\.31\.0\.11:/, "192.0.2.1:");
    refuses(bed.tsadm(2, ...far), "ip route get 192.0.2.1");
  });

  it("a port that nobody listens on", () => {
    const closed = replaced(/:6443$/, ":6444");
    refuses(bed.tsadm(2, ...closed), "nobody listens at https://10.31.0.11:6444");
  });

  it("a cluster that does not answer for as long as a file says", () => {
    const [, token = ""] = tokenWords();
    const [hash = ""] = /sha256:\S+/.exec(bed.joinWords.join(" ")) ?? [];
    const document = {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "JoinConfiguration",
      discovery: {
        bootstrapToken: { apiServerEndpoint: "10.31.0.11:6444", token, caCertHashes: [hash] },
      },
      timeouts: { discovery: "3s" },
    };
    const outcome = bed.tsadm(2, "join", "--config", file("wait.yaml", stringify(document)));
    refuses(outcome, "nobody listens at https://10.31.0.11:6444");
    expect(outcome.out).toContain("asking again");
  });

  it("a network that swallows what is sent, after a while", () => {
    const nft = (...words: readonly string[]): string => runIn(bed.machine(2), ["nft", ...words]);
    nft("add table inet swallows { chain out { type filter hook output priority 0; }; }");
    nft("add rule inet swallows out tcp dport 6445 drop");
    try {
      const silent = replaced(/:6443$/, ":6445");
      refuses(bed.tsadm(2, ...silent), "does a firewall stand between");
    } finally {
      nft("delete table inet swallows");
    }
  });

  it("a clock that is an hour off, whichever way", () => {
    for (const [shiftMs, direction] of [
      [hourMs, "3600 s ahead of"],
      [-hourMs, "3600 s behind"],
    ] as const) {
      // The machines have one clock, which is the host's: only the program's own view is shifted.
      const text = `const now = Date.now; Date.now = () => now() + ${shiftMs};`;
      const shifted = file(`clock${shiftMs}.mjs`, text);
      const words = ["env", `NODE_OPTIONS=--import=${shifted}`, ...bed.programWords("tsadm")];
      const outcome = bed.on(2, [...words, ...bed.joinWords]);
      // A second may pass between the two readings.
      expect(outcome.err).toMatch(new RegExp(direction.replace("3600", "(3599|360[01])")));
      refuses(outcome, "timedatectl set-ntp true");
    }
  });

  it("a certificate that is not for the address", () => {
    const other = "10.31.0.77";
    runIn(bed.machine(1), ["ip", "addr", "add", `${other}/24`, "dev", "eth0"]);
    try {
      const authority = bed.run(1, "cat", "/etc/tskube/pki/ca.crt");
      const path = discoveryFile("address.conf", `https://${other}:6443`, authority);
      const words = ["join", "--discovery-file", path, ...tokenWords()];
      refuses(bed.tsadm(2, ...words), `--apiserver-cert-extra-sans=${other}`);
    } finally {
      runIn(bed.machine(1), ["ip", "addr", "del", `${other}/24`, "dev", "eth0"]);
    }
  });

  it("a certificate of another authority than the discovery file's", () => {
    const authority = bed.run(1, "cat", "/etc/tskube/pki/front-proxy-ca.crt");
    const path = discoveryFile("authority.conf", "https://10.31.0.11:6443", authority);
    const words = ["join", "--discovery-file", path, ...tokenWords()];
    refuses(bed.tsadm(2, ...words), "is of another authority than was told");
  });

  it("a discovery file that is not there, or has nobody who could ask", () => {
    const missing = ["join", "--discovery-file", "/nowhere.conf", ...tokenWords()];
    refuses(bed.tsadm(2, ...missing), "the discovery file /nowhere.conf cannot be read");
    const authority = bed.run(1, "cat", "/etc/tskube/pki/ca.crt");
    const path = discoveryFile("nobody.conf", "https://10.31.0.11:6443", authority);
    refuses(bed.tsadm(2, "join", "--discovery-file", path), "say --tls-bootstrap-token");
  });

  it("a name that a node has", () => {
    const taken = [...bed.joinWords, "--node-name", "machine-1"];
    refuses(bed.tsadm(2, ...taken), "has a node machine-1 already");
  });

  it("a port in use, a bad name and no address, all at once", () => {
    const listen = `require("net").createServer().listen(10250, () => console.log(process.pid))`;
    const [program = "", ...flags] = bed.programWords("tsadm").slice(0, -1);
    const said = join(files, "listens");
    const script = `${[program, ...flags].join(" ")} -e '${listen}' > ${said} 2>&1 & echo $!`;
    const pid = bed.run(2, "sh", "-c", `${script}; while ! grep -q . ${said}; do :; done`).trim();
    try {
      const wrong = ["--node-name", "Bad_Name", "--node-ip", "10.99.0.1"];
      const outcome = bed.tsadm(2, ...bed.joinWords, ...wrong);
      refuses(outcome, "[ERROR Port]: port 10250 is in use");
      for (const check of ["Hostname", "Address"]) {
        expect(outcome.err).toContain(`[ERROR ${check}]`);
      }
    } finally {
      bed.run(2, "kill", pid);
    }
  });

  it("images that cannot be had", () => {
    const archive = file("broken.tar", "no archive");
    for (const [images, because] of [
      ["/nowhere.tar", "/nowhere.tar does not exist: make it with tsadm config images save"],
      [archive, "is no archive of images"],
      ["10.31.0.11:5999/tskube", "cannot be had from 10.31.0.11:5999"],
      ["Not An Image", "is no path of an archive and no place in a registry"],
    ] as const) {
      refuses(bed.tsadm(2, ...bed.joinWords, "--images", images), because);
    }
  });

  it("command lines that lack something, without looking at anything", () => {
    for (const [words, because] of [
      [["join"], "say where the cluster is"],
      [joinWithout("--token"), "--token is required"],
      [joinWithout("--discovery-token-ca-cert-hash"), "--discovery-token-ca-cert-hash is required"],
      [["join", "--config", file("v1.yaml", "apiVersion: v1\nkind: Pod\n")], "unknown kind Pod"],
    ] as const) {
      const { code, err } = bed.tsadm(2, ...words);
      expect(err).toContain(because);
      expect(code).not.toBe(0);
      expect(leftovers()).toBe("");
    }
  });

  it("to join twice, also by a discovery file, and to be a control plane twice", () => {
    const authority = bed.run(1, "cat", "/etc/tskube/pki/ca.crt");
    const path = discoveryFile("right.conf", "https://10.31.0.11:6443", authority);
    const first = bed.tsadm(2, "join", "--discovery-file", path, ...tokenWords());
    expect(first).toMatchObject({ code: 0, err: "" });
    const files = bed.on(2, ["find", "/etc/tskube", "-type", "f"]).out;
    const again = bed.tsadm(2, ...bed.joinWords);
    expect(again.code).toBe(1);
    expect(again.err).toContain("run tsadm reset");
    expect(bed.on(2, ["find", "/etc/tskube", "-type", "f"]).out).toBe(files);
    const twice = bed.tsadm(1, "init");
    expect(twice.code).toBe(1);
    for (const check of [
      "[ERROR Port]: port 6443",
      "[ERROR DirAvailable]: /etc/tskube/manifests",
    ]) {
      expect(twice.err).toContain(check);
    }
  });
});
