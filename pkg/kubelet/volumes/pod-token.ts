/** A token of a pod's service account, as its volume holds it. */
export interface PodToken {
  readonly token: string;
  /** When a new one is to be fetched. */
  readonly renewAtMs: number;
}
