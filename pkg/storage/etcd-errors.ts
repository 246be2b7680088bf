import { type ServiceError, status } from "@grpc/grpc-js";
import { StorageError, type StorageReason } from "./storage.ts";

/**
 * etcd's clients tell its errors apart by code and text, since the codes alone are too few: both
 * "required revision has been compacted" and "is a future revision" are OUT_OF_RANGE.
 */
export function etcdReason(error: ServiceError | null): StorageReason {
  if (error?.code === status.OUT_OF_RANGE && error.details.includes("compacted"))
    return "Compacted";
  if (error?.code === status.INVALID_ARGUMENT && error.details.includes("too large"))
    return "TooLarge";
  return "Unavailable";
}

export const storageErrorOf = (doing: string, error: ServiceError | null): StorageError =>
  new StorageError(etcdReason(error), doing, { cause: error });
