/** Every bound of the API server, its unit last, its reason beside it. */
export const limits = {
  /** What etcd takes by default is 1.5 MiB; upstream refuses request bodies above 3 MiB. */
  bodyBytesMax: 3 * 1024 * 1024,
  /** A watch further back than this lists again. */
  ringEventsMax: 4_096,
  ringBytesMax: 16 * 1024 * 1024,
  /** A watcher further behind than this is ended and resumes from what it has seen. */
  watchBufferEventsMax: 1_000,
  watchBufferBytesMax: 8 * 1024 * 1024,
  /** One socket write of a watch carries at most about so much. */
  watchChunkBytes: 256 * 1024,
  /** One piece of a list's body. */
  listChunkBytes: 512 * 1024,
  /** Objects that each kind keeps decoded beside their bytes. */
  decodedObjectsMax: 2_000,
  /** Labels that each kind's objects are indexed by: those that lists asked for last. */
  indexedLabelsMax: 16,
  /** Fewer objects than this are looked through, not indexed. */
  indexedObjectsMin: 100,
  /** Pages of lists that can be continued from memory. */
  snapshotsMax: 8,
  /** Upstream's --max-requests-inflight and --max-mutating-requests-inflight. */
  readsInFlightMax: 400,
  writesInFlightMax: 200,
  /** Upstream's --request-timeout. */
  requestMs: 60_000,
  /** Upstream's --min-request-timeout: watches last one to two times as long. */
  watchMinMs: 1_800_000,
  bookmarkEveryMs: 60_000,
  /** How long a read waits for the cache to reach a revision before it says so. */
  freshnessWaitMs: 3_000,
  /** How long a consistent read waits for the cache before it reads storage instead. */
  cacheLagMs: 100,
  /** Objects read from storage at once when a cache is filled. */
  loadPageItems: 500,
  /** Conflicts with other writers that an unconditional write gets over. */
  writeAttemptsMax: 16,
  /** Upstream gives generated names so many tries. */
  generateNameAttemptsMax: 8,
  /** Upstream's bound on generateName before the suffix of five. */
  generatedNameBaseMax: 58,
  /** Deletions of a deletecollection at a time. */
  deleteCollectionWorkers: 8,
  feedRetryMs: 250,
} as const;
