/** What is wrong with a machine before anything is written, each with its remedy. Pure. */

/** What was found on the machine. */
export interface MachineFacts {
  readonly isRoot: boolean;
  readonly nodeName: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Where the data folder will be. */
  readonly freeDiskBytes: number;
  readonly swapBytes: number;
  readonly kernelRelease: string;
  /** Controllers of cgroup v1 or v2 that are there. */
  readonly cgroupControllers: readonly string[];
  /** Of the file systems that are needed, those that the kernel does not know. */
  readonly missingFilesystems: readonly string[];
  /** Ports that somebody listens on already, of those that are needed. */
  readonly busyPorts: readonly number[];
  /** Files and folders of an earlier init or join: path → what it is. */
  readonly leftovers: readonly string[];
  /** Programs that are needed and not found. */
  readonly missingPrograms: readonly string[];
  /** Addresses of this machine. */
  readonly addresses: readonly string[];
}

export interface Preflight {
  readonly facts: MachineFacts;
  /** This machine's own address; for init the advertised one. */
  readonly address: string;
  readonly isControlPlane: boolean;
}

export interface Problem {
  /** kubeadm's name of the check: what --ignore-preflight-errors takes. */
  readonly check: string;
  readonly message: string;
  readonly remedy: string;
}

const limits = {
  cpusMin: 2,
  controlPlaneMemoryMin: 1_700 * 1024 * 1024,
  nodeMemoryMin: 512 * 1024 * 1024,
  freeDiskMin: 2 * 1024 * 1024 * 1024,
} as const;

const neededControllers = ["cpu", "cpuset", "memory", "pids"] as const;
/** RFC 1123: labels of letters, digits and hyphens, with dots between. */
const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const megabytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)} MB`;

interface Check {
  readonly name: string;
  readonly of: (preflight: Preflight) => readonly Omit<Problem, "check">[];
}

const one = (
  isWrong: boolean,
  message: string,
  remedy: string,
): readonly Omit<Problem, "check">[] => (isWrong ? [{ message, remedy }] : []);

/** Order is that of the report. */
const checks: readonly Check[] = [
  {
    name: "IsPrivilegedUser",
    of: ({ facts }) => one(!facts.isRoot, "the user is not root", "run it with sudo"),
  },
  {
    name: "NumCPU",
    of: ({ facts, isControlPlane }) =>
      one(
        isControlPlane && facts.cpus < limits.cpusMin,
        `${facts.cpus} CPU is less than the ${limits.cpusMin} that a control plane needs`,
        "give the machine another CPU",
      ),
  },
  {
    name: "Mem",
    of: ({ facts, isControlPlane }) => {
      const min = isControlPlane ? limits.controlPlaneMemoryMin : limits.nodeMemoryMin;
      return one(
        facts.memoryBytes < min,
        `${megabytes(facts.memoryBytes)} of memory is less than the ${megabytes(min)} needed`,
        "give the machine more memory",
      );
    },
  },
  {
    name: "DiskSpace",
    of: ({ facts }) =>
      one(
        facts.freeDiskBytes < limits.freeDiskMin,
        `${megabytes(facts.freeDiskBytes)} of free disk is less than ${megabytes(limits.freeDiskMin)}`,
        "free some, or put /var/lib/tskube on a larger disk",
      ),
  },
  {
    name: "Swap",
    of: ({ facts }) =>
      one(facts.swapBytes > 0, "swap is on: memory limits do not hold then", "run swapoff -a"),
  },
  {
    name: "KernelVersion",
    of: ({ facts: { kernelRelease } }) => {
      const [major = 0, minor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part));
      return one(
        major < 5 || (major === 5 && minor < 6),
        `the kernel ${kernelRelease} is older than 5.6 (openat2, pidfd)`,
        "install a newer kernel",
      );
    },
  },
  {
    name: "SystemVerification",
    of: ({ facts }) => [
      ...neededControllers
        .filter((name) => !facts.cgroupControllers.includes(name))
        .map((name) => ({
          message: `the cgroup controller ${name} is missing`,
          remedy: "mount cgroup2 at /sys/fs/cgroup, or boot without cgroup_disable",
        })),
      ...facts.missingFilesystems.map((name) => ({
        message: `the kernel has no file system ${name}`,
        remedy: `load its module: modprobe ${name}`,
      })),
    ],
  },
  {
    name: "Hostname",
    of: ({ facts: { nodeName } }) =>
      one(
        !namePattern.test(nodeName) || nodeName.length > 253,
        `the node name ${JSON.stringify(nodeName)} is no lower case DNS name (RFC 1123)`,
        "say --node-name, or set the host's name with hostnamectl",
      ),
  },
  {
    name: "Address",
    of: ({ facts, address }) =>
      one(
        !facts.addresses.includes(address) || address.startsWith("127."),
        `${address} is no address of this machine under which others reach it`,
        `say one of: ${facts.addresses.filter((own) => !own.startsWith("127.")).join(", ") || "there is none; configure the network first"}`,
      ),
  },
  {
    name: "Port",
    of: ({ facts }) =>
      facts.busyPorts.map((port) => ({
        message: `port ${port} is in use`,
        remedy: `see who with ss -ltnp, or run tsadm reset if it is an earlier cluster`,
      })),
  },
  {
    name: "FileExisting",
    of: ({ facts }) =>
      facts.missingPrograms.map((program) => ({
        message: `${program} is not installed`,
        remedy: `install it with apt-get install ${program}`,
      })),
  },
  {
    name: "DirAvailable",
    of: ({ facts }) =>
      facts.leftovers.map((path) => ({
        message: `${path} is there already, from an earlier cluster`,
        remedy: "run tsadm reset",
      })),
  },
];

/** All that is wrong, in the order of the checks. `ignored`: names of checks, or "all". */
export function planPreflight(
  preflight: Preflight,
  ignored: readonly string[],
): { readonly errors: readonly Problem[]; readonly warnings: readonly Problem[] } {
  const names = new Set(ignored.map((name) => name.toLowerCase()));
  const found = checks.flatMap(({ name, of }) =>
    of(preflight).map((problem) => ({ check: name, ...problem })),
  );
  const isIgnored = ({ check }: Problem): boolean =>
    names.has("all") || names.has(check.toLowerCase());
  return {
    errors: found.filter((problem) => !isIgnored(problem)),
    warnings: found.filter(isIgnored),
  };
}

/** As kubeadm says it, with the remedy behind. */
export const describeProblem = (
  { check, message, remedy }: Problem,
  level: "ERROR" | "WARNING",
): string => `\t[${level} ${check}]: ${message}: ${remedy}`;
