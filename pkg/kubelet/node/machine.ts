/** What the kubelet reads of the machine under it. The simulator has machines of its own. */
export interface Machine {
  readonly hostname: string;
  /** The first is the node's primary one. */
  readonly addresses: readonly string[];
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Of the file system that holds the kubelet's and the containers' files. */
  readonly diskBytes: number;
  readonly info: {
    readonly machineID: string;
    readonly systemUUID: string;
    readonly bootID: string;
    readonly kernelVersion: string;
    readonly osImage: string;
    readonly operatingSystem: string;
    /** As Go names it: amd64, arm64. */
    readonly architecture: string;
  };
  /** What there is left just now. */
  read(): Promise<MachineReadings>;
}

export interface MachineReadings {
  readonly memoryAvailableBytes: number;
  readonly diskAvailableBytes: number;
  /** Share of inodes that are free, 0 to 1. */
  readonly inodesFreeShare: number;
  readonly processes: number;
  readonly processesMax: number;
}
