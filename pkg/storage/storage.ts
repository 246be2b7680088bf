/**
 * A versioned key space: what the API server needs of etcd, and no more. Three implementations keep
 * this contract (etcd, SQLite, memory) and one suite, `test/conformance/storage.ts`, holds them to
 * it.
 *
 * Every successful write gets a revision greater than all before it, in the whole key space.
 * Revisions are integers below 2^53.
 */
export interface Versioned {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the last write to this key (etcd: mod_revision). */
  readonly revision: number;
}

export interface ListRequest {
  /** Keys that begin with this text, in byte order. */
  readonly prefix: string;
  /** Start after this key (exclusive); absent: from the beginning. */
  readonly after?: string;
  /** At most so many items; absent: all of them. */
  readonly limit?: number;
  /** As the key space was at this revision; absent: now. Older than compaction: "Compacted". */
  readonly revision?: number;
}

export interface ListPage {
  readonly items: readonly Versioned[];
  /** Revision at which the page is true. */
  readonly revision: number;
  /** How many keys follow the page's last one under the prefix; 0 when it is the last page. */
  readonly remaining: number;
}

export type StorageEvent =
  | {
      readonly type: "put";
      readonly key: string;
      readonly value: Uint8Array;
      readonly revision: number;
      /** True when the key did not exist just before. */
      readonly created: boolean;
    }
  | { readonly type: "delete"; readonly key: string; readonly revision: number };

/**
 * Events in revision order. An empty batch is a progress mark: all up to `revision` was delivered.
 */
export interface StorageEvents {
  readonly events: readonly StorageEvent[];
  readonly revision: number;
}

export interface Storage {
  get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly item: Versioned | undefined; readonly revision: number }>;
  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage>;
  /**
   * Writes only if the key is still at `expected`; 0 means that it must not exist.
   * Returns the new revision. Throws StorageError "Conflict" with what is there instead.
   */
  put(
    key: string,
    value: Uint8Array,
    expected: number,
    options?: PutOptions,
    signal?: AbortSignal,
  ): Promise<number>;
  /** Deletes only if the key is still at `expected`. Returns the revision of the deletion. */
  delete(key: string, expected: number, signal?: AbortSignal): Promise<number>;
  /**
   * All events under the prefix with a revision greater than `after`, then new ones as they happen.
   * Throws StorageError "Compacted" when `after` is older than what is kept. Ends with the signal.
   */
  watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<StorageEvents>;
  /** The newest revision that any earlier write, by anybody, can have got (linearizable). */
  revision(signal?: AbortSignal): Promise<number>;
  /** Forgets history before `revision`: lists and watches older than it fail with "Compacted". */
  compact(revision: number, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface PutOptions {
  /** The key disappears by itself so many seconds after this write (Events). */
  readonly timeToLiveSeconds?: number;
}

export type StorageReason = "Conflict" | "Compacted" | "TooLarge" | "Unavailable";

/** The one error of this door. `current` comes with "Conflict" (undefined: the key is absent). */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly reason: StorageReason;
  readonly current: Versioned | undefined;
  /** True: certainly nothing was done. Else nobody knows what became of a write "Unavailable". */
  readonly isUndone: boolean;
  constructor(
    reason: StorageReason,
    message: string,
    options: ErrorOptions & { readonly current?: Versioned; readonly isUndone?: boolean } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.current = options.current;
    this.isUndone = options.isUndone ?? false;
  }
}
