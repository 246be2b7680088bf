/**
 * The floors of the house as data: who may import whom, and which of Node's modules each room may
 * use. `test/architecture/architecture.test.ts` holds every import of the tree against it, and
 * ARCHITECTURE.md's picture is drawn from it.
 */
export interface Room {
  /** A folder, from the root of the project. */
  readonly path: string;
  /** Rooms it may import beside itself. */
  readonly imports: readonly string[];
  /** Modules of Node, without "node:". Absent: none, the room is pure. */
  readonly node?: readonly string[];
  /** npm packages. */
  readonly packages?: readonly string[];
}

const machinery = ["api", "pkg/base", "pkg/machinery"];
/** What a component that talks to the API server stands on. */
const onClient = [...machinery, "pkg/telemetry", "pkg/client", "pkg/controller"];
/** Buffers and events are Node's plain data types, allowed wherever Node is. */
const plain = ["buffer", "events", "stream", "stream/promises", "url", "util", "path"];

export const rooms: readonly Room[] = [
  { path: "api", imports: [] },
  { path: "pkg/base", imports: [] },
  { path: "pkg/machinery", imports: ["api", "pkg/base"], packages: ["yaml"] },

  { path: "pkg/files", imports: [], node: ["fs", "fs/promises", "path"] },
  { path: "pkg/telemetry", imports: ["pkg/base"], packages: ["pino"], node: plain },
  { path: "pkg/streams", imports: ["pkg/base"], node: [...plain, "zlib"] },
  {
    path: "pkg/pki",
    imports: [...machinery, "pkg/files"],
    node: [...plain, "crypto", "fs/promises", "net"],
  },
  {
    path: "pkg/linux",
    imports: ["pkg/base"],
    node: [...plain, "ffi", "fs", "process"],
  },
  {
    path: "pkg/storage",
    imports: ["pkg/base", "pkg/machinery", "pkg/telemetry", "api"],
    node: [...plain, "sqlite", "net", "tls", "fs"],
  },
  {
    path: "pkg/serving",
    imports: [...machinery, "pkg/telemetry", "pkg/streams"],
    packages: ["fastify", "ws"],
    node: [...plain, "http", "http2", "net", "tls"],
  },
  {
    path: "pkg/client",
    imports: [...machinery, "pkg/telemetry", "pkg/streams"],
    packages: ["ws", "yaml"],
    node: [...plain, "http", "http2", "https", "net", "tls", "fs", "fs/promises", "crypto"],
  },
  { path: "pkg/controller", imports: [...machinery, "pkg/telemetry", "pkg/client"] },
  {
    path: "pkg/oci",
    imports: [...machinery, "pkg/linux", "pkg/telemetry"],
    node: [...plain, "fs"],
  },
  {
    path: "pkg/images",
    imports: [...machinery, "pkg/files", "pkg/linux", "pkg/telemetry"],
    node: [
      ...plain,
      "fs",
      "fs/promises",
      "crypto",
      "zlib",
      "https",
      "http",
      "child_process",
      "worker_threads",
      "os",
    ],
  },
  {
    path: "pkg/podnetwork",
    imports: [...machinery, "pkg/files", "pkg/linux", "pkg/telemetry"],
    node: [...plain, "fs", "fs/promises", "net", "child_process"],
  },

  {
    path: "pkg/apiserver",
    imports: [...machinery, "pkg/storage", "pkg/serving", "pkg/pki", "pkg/telemetry"],
    node: [...plain, "crypto", "https", "http", "net"],
  },
  { path: "pkg/controllers", imports: [...onClient, "pkg/pki"] },
  { path: "pkg/scheduler", imports: onClient },
  {
    path: "pkg/kubelet",
    imports: [...onClient, "pkg/files", "pkg/serving", "pkg/pki"],
    packages: ["@grpc/grpc-js"],
    node: [...plain, "fs", "fs/promises", "net", "http", "https", "os", "crypto"],
  },
  {
    path: "pkg/cri",
    imports: [
      ...machinery,
      "pkg/files",
      "pkg/telemetry",
      "pkg/linux",
      "pkg/oci",
      "pkg/images",
      "pkg/podnetwork",
      "pkg/serving",
      "pkg/streams",
    ],
    packages: ["@grpc/grpc-js"],
    node: [...plain, "fs", "fs/promises", "net", "child_process", "os", "crypto"],
  },
  { path: "pkg/proxy", imports: [...onClient, "pkg/linux"], node: plain },
  { path: "pkg/dns", imports: onClient, node: [...plain, "dgram", "net"] },
  {
    path: "pkg/kubectl",
    imports: [...machinery, "pkg/client"],
    packages: ["yaml"],
    node: [...plain, "fs", "fs/promises", "os", "tty", "crypto"],
  },
  {
    path: "pkg/kubeadm",
    imports: [...machinery, "pkg/files", "pkg/telemetry", "pkg/client", "pkg/pki", "pkg/images"],
    packages: ["yaml"],
    node: [...plain, "fs", "fs/promises", "net", "os", "crypto"],
  },
  {
    path: "pkg/sim",
    imports: [
      ...machinery,
      "pkg/telemetry",
      "pkg/storage",
      "pkg/client",
      "pkg/controller",
      "pkg/apiserver",
      "pkg/controllers",
      "pkg/scheduler",
      "pkg/kubelet",
    ],
  },
];

/** Folders that may import anything: they wire, test or build. Nothing imports them. */
export const outside: readonly string[] = ["cmd", "hack", "test", "e2e"];

/** The files that are a door, and the globals and modules that only they may touch. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  "pkg/base/system-random.ts": ["node:crypto"],
  "pkg/base/system-clock.ts": ["Date.now", "performance.now", "setTimeout", "clearTimeout"],
};
