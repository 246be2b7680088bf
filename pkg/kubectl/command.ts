/**
 * tskubectl: kubectl's commands over the wire. A command is one file in `commands/` and one line in
 * `commands.ts`; it plans requests, sends them through `Api`, and prints. It never touches a disk,
 * a terminal or the environment but through the Kubectl that it is given.
 */
import type { Clock } from "../base/clock.ts";
import type { Kubeconfig } from "../machinery/kubeconfig.ts";
import type { Api } from "./api.ts";
import type { FlagSpecs, Parsed } from "../base/flags.ts";
import type { KubeconfigFile } from "./kubeconfig-plan.ts";
import type { TarEntry } from "./tar-blocks.ts";
import type { ResourceMapper } from "./resource-mapper.ts";

/** Where a command prints and reads. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly isTty: boolean;
  readonly size: { readonly width: number; readonly height: number };
  /** Called at each change of the size. */
  onResize(listener: () => void): Disposable;
  /** Bytes as typed; `raw` hands every key over, without echo, until disposed. */
  readonly input: AsyncIterable<Uint8Array>;
  raw(): Disposable;
  write(stream: 1 | 2, data: Uint8Array): Promise<void>;
}

/** Manifests come through this door: files, folders, standard input. */
export interface Files {
  readText(path: string): Promise<string>;
  /** Names of the files in a folder, or undefined when the path is no folder. */
  list(path: string): Promise<readonly string[] | undefined>;
  stdin(): Promise<string>;
  readBytes(path: string): Promise<Uint8Array>;
}

/** What few commands need of the machine that they run on: loaded when one asks. */
export interface LocalMachine {
  environment(name: string): string | undefined;
  writeText(path: string, text: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  isFolder(path: string): Promise<boolean>;
  /** A file, or a folder with all below it, as if it were called `name`. Links are left out. */
  readTree(path: string, name: string): AsyncIterable<LocalEntry>;
  /** Makes the folders above it. */
  writeEntry(path: string, member: LocalEntry): Promise<void>;
  /** Gone, with all in it, when disposed. */
  makeTemporaryFolder(prefix: string): Promise<TemporaryFolder>;
  /** On this terminal, or with what it says as text; the exit code. Rejects when not found. */
  run(words: readonly string[]): Promise<number>;
  /** Each connection is one call of `serve`; it lasts as long as the promise. */
  listen(at: ListenAt, serve: (connection: LocalConnection) => Promise<void>): Promise<Listener>;
  /** Programs on the PATH whose names begin so: their paths, in the order of the PATH. */
  programs(prefix: string): Promise<readonly LocalProgram[]>;
}
/** A file or a folder of this machine. */
export interface LocalEntry {
  readonly entry: TarEntry;
  readonly content: AsyncIterable<Uint8Array>;
}
export interface ListenAt {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
}
export interface Listener extends Disposable {
  readonly port: number;
}
/** A connection that this machine accepted. */
export interface LocalConnection {
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>;
  end(): void;
  destroy(): void;
}
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}
export interface LocalProgram {
  readonly path: string;
  readonly isExecutable: boolean;
}

/** The kubeconfig files that are in force, as they are written. */
export interface KubeconfigDoor {
  /** In order; one that is not there yet is empty. */
  read(): Promise<readonly KubeconfigFile[]>;
  write(path: string, config: Kubeconfig): Promise<void>;
  /** With the content of the files that it names. */
  flatten(config: Kubeconfig): Promise<Kubeconfig>;
}

/** A remote command's streams, over WebSocket (`pkg/client/exec-streams.ts`). */
export type OpenExec = (path: string, signal: AbortSignal) => Promise<ExecStreams>;
export interface ExecStreams {
  readonly output: AsyncIterable<{ readonly stream: 1 | 2; readonly data: Uint8Array }>;
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  /** The command's exit code; rejects with what went wrong when it could not be run. */
  readonly exitCode: Promise<number>;
  close(): void;
}

/** A pod's ports, through the server (`pkg/client/port-forward-streams.ts`). */
export type OpenForward = (path: string, signal: AbortSignal) => Promise<PortForwardConnection>;
export interface PortForwardConnection {
  open(port: number): ForwardStream;
  /** Aborts when the connection has gone. */
  readonly closed: AbortSignal;
  close(): void;
}
export interface ForwardStream {
  readonly received: AsyncIterable<Uint8Array>;
  write(data: Uint8Array): Promise<void>;
  end(): void;
  reset(): void;
  /** Why the pod's side failed, or "". */
  readonly failure: Promise<string>;
}

export interface Kubectl {
  readonly api: Api;
  /**
   * Discovered once, when first asked for. Where the words of a command line name only resources
   * that every cluster has, nobody is asked.
   */
  mapper(words?: readonly string[]): Promise<ResourceMapper>;
  /** Of -n, or of the kubeconfig's context, or "default". */
  readonly namespace: string;
  /** True when -n was given: manifests that name another namespace are refused. */
  readonly namespaceIsAsked: boolean;
  readonly terminal: Terminal;
  readonly files: Files;
  readonly kubeconfig: KubeconfigDoor;
  readonly openExec: OpenExec;
  readonly openForward: OpenForward;
  readonly local: () => Promise<LocalMachine>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** "https://10.0.0.1:6443": for messages about it. */
  readonly server: string;
  readonly clientVersion: string;
  /** All that may be asked for by name: completion offers them. */
  readonly commands: readonly CommandEntry[];
}

export interface Command<S extends FlagSpecs = FlagSpecs> {
  /** "get TYPE [NAME ...] [-o FORMAT]" */
  readonly usage: string;
  readonly flags: S;
  /** Returns the exit code. */
  run(kubectl: Kubectl, parsed: Parsed<S>): Promise<number>;
  /** Commands of its own, by the word behind its name: "create deployment". */
  readonly subcommands?: readonly CommandEntry[];
}

/** A command by name: its file is loaded when it is called, so that others do not slow it. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Ties a command's flags to its run for the compiler, and forgets them in the list. */
export const defineCommand = <S extends FlagSpecs>(command: Command<S>): Command =>
  command as unknown as Command;
