import type { Pod } from "../../../api/core/v1.ts";

/** Why a pod is to go, where that is worth telling. */
export type Because = "failed" | "succeeded" | "unwanted";

export interface Deletion {
  readonly pod: Pod;
  readonly node: string;
  readonly because: Because;
}

export interface Changes {
  readonly delete: readonly Deletion[];
  /** Names of nodes that are to get a pod. */
  readonly create: readonly string[];
}
