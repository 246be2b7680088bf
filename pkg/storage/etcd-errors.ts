import { type GrpcError, statusCodes } from "./grpc/grpc-status.ts";
import { StorageError, type StorageReason } from "./storage.ts";

/**
 * etcd's clients tell its errors apart by code and text, since the codes alone are too few: both
 * "required revision has been compacted" and "is a future revision" are OUT_OF_RANGE.
 */
export function etcdReason({ code, details }: GrpcError): StorageReason {
  if (code === statusCodes.outOfRange && details.includes("compacted")) return "Compacted";
  if (code === statusCodes.invalidArgument && details.includes("too large")) return "TooLarge";
  return "Unavailable";
}

export const storageErrorOf = (doing: string, error: GrpcError): StorageError =>
  new StorageError(etcdReason(error), doing, { cause: error, isUndone: error.isUnprocessed });
