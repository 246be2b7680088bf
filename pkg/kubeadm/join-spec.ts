import type { Taint } from "../../api/core/v1.ts";
import type { Timeouts } from "./cluster-spec.ts";
import type { Discovered, Trust } from "./discovery.ts";
import type { JoinedCluster } from "./configuration.ts";
import type { PreflightDoors } from "./run-preflight.ts";
import type { SetupContext, SetupPhase } from "./setup-phase.ts";

/** How a machine learns of the cluster, and by what it believes it. */
export type Discovery =
  /** Asked of host:port, held against the token and the hashes. */
  | { readonly by: "token"; readonly endpoint: string; readonly trust: Trust }
  /** A kubeconfig that somebody trusted has handed over: a path, or an https:// address. */
  | { readonly by: "file"; readonly place: string };

export interface JoinSpec {
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly nodeName: string;
  /** This machine's address for others. */
  readonly nodeAddress: string;
  readonly discovery: Discovery;
  /** ID.SECRET, with which the certificate is asked for; absent: as the discovery file says. */
  readonly bearer?: string;
  readonly timeouts?: Timeouts;
  /** Of this node from its first registration on. */
  readonly taints?: readonly Taint[];
}

/** What the cluster told, phase by phase. */
export interface Learned {
  found?: Discovered;
  cluster?: JoinedCluster;
  kubeletConfiguration?: string;
  /** Files and folders that were not there before, as they are written: what a failure removes. */
  readonly made: string[];
}

export interface JoinContext extends PreflightDoors, SetupContext {
  readonly spec: JoinSpec;
  readonly learned: Learned;
  /** What would be done for the images, as far as it is known before the cluster was asked. */
  readonly plannedImages: () => readonly string[];
  /** Puts the images of the cluster's repository into the node's store. */
  readonly provideImages: (imageRepository: string) => Promise<readonly string[]>;
  /** Starts the node's process with what was learned. */
  readonly startNode: (cluster: JoinedCluster) => Promise<void>;
  /** The text of an https:// address, by the machine's own authorities. */
  readonly fetchText: (url: string, signal: AbortSignal) => Promise<string>;
  readonly nodeLog: string;
  readonly signal: AbortSignal;
}

export type JoinPhase = SetupPhase<JoinContext>;
