/**
 * The part of etcd's v3 API that a versioned key space needs: messages with upstream's names and
 * numbers, and the paths of the methods. Fields that nobody here reads are left out; the codec
 * skips them. Two types differ from upstream's and are the same on the wire: keys are strings, since
 * ours are UTF-8, and int64 is a number (revisions stay below 2^53) except for the ids of leases,
 * which are uint64 and bigint.
 */
import type { MessageTable, RpcMethod } from "../message.ts";

export interface ResponseHeader {
  readonly revision?: number;
}
export interface KeyValue {
  readonly key?: string;
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly value?: Uint8Array;
}
export interface RangeRequest {
  readonly key?: string;
  /** Exclusive; absent: the one key. */
  readonly rangeEnd?: string;
  readonly limit?: number;
  readonly revision?: number;
  readonly countOnly?: boolean;
}
export interface RangeResponse {
  readonly header?: ResponseHeader;
  readonly kvs?: readonly KeyValue[];
  readonly more?: boolean;
  /** Keys of the whole range, those beyond the limit included. */
  readonly count?: number;
}
export interface PutRequest {
  readonly key?: string;
  readonly value?: Uint8Array;
  readonly lease?: bigint;
}
export interface DeleteRangeRequest {
  readonly key?: string;
}
/** One of the three. */
export interface RequestOp {
  readonly requestRange?: RangeRequest;
  readonly requestPut?: PutRequest;
  readonly requestDeleteRange?: DeleteRangeRequest;
}
export interface ResponseOp {
  readonly responseRange?: RangeResponse;
}
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3 } as const;
export interface Compare {
  /** 0: equal. */
  readonly result?: number;
  readonly target?: number;
  readonly key?: string;
  readonly modRevision?: number;
}
export interface TxnRequest {
  readonly compare?: readonly Compare[];
  readonly success?: readonly RequestOp[];
  readonly failure?: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header?: ResponseHeader;
  readonly succeeded?: boolean;
  readonly responses?: readonly ResponseOp[];
}
export interface CompactionRequest {
  readonly revision?: number;
}
export interface CompactionResponse {
  readonly header?: ResponseHeader;
}
export interface WatchCreateRequest {
  readonly key?: string;
  readonly rangeEnd?: string;
  /** 0: from now on. */
  readonly startRevision?: number;
}
export interface WatchRequest {
  readonly createRequest?: WatchCreateRequest;
}
export const EventType = { PUT: 0, DELETE: 1 } as const;
export interface Event {
  readonly type?: number;
  readonly kv?: KeyValue;
}
export interface WatchResponse {
  readonly header?: ResponseHeader;
  readonly created?: boolean;
  readonly canceled?: boolean;
  /** Not 0: the watch was to start at a revision that is compacted, and this is the oldest kept. */
  readonly compactRevision?: number;
  readonly cancelReason?: string;
  readonly events?: readonly Event[];
}
export interface LeaseGrantRequest {
  /** Seconds. */
  readonly TTL?: number;
  /** 0: the server chooses. */
  readonly ID?: bigint;
}
export interface LeaseGrantResponse {
  readonly ID?: bigint;
  readonly TTL?: number;
  readonly error?: string;
}
export type StatusRequest = Readonly<Record<string, never>>;
export interface StatusResponse {
  readonly header?: ResponseHeader;
  readonly version?: string;
  /** Bytes of the backend's file. */
  readonly dbSize?: number;
}

/** Request and response of each method, for a typed call. */
export interface EtcdMethods {
  range: { request: RangeRequest; response: RangeResponse };
  txn: { request: TxnRequest; response: TxnResponse };
  compact: { request: CompactionRequest; response: CompactionResponse };
  watch: { request: WatchRequest; response: WatchResponse };
  leaseGrant: { request: LeaseGrantRequest; response: LeaseGrantResponse };
  status: { request: StatusRequest; response: StatusResponse };
}

const method = (service: string, rpc: string, message = rpc, streams = false): RpcMethod => ({
  path: `/etcdserverpb.${service}/${rpc}`,
  name: rpc.charAt(0).toLowerCase() + rpc.slice(1),
  request: `${message}Request`,
  response: `${message}Response`,
  streams,
});

export const etcdMethods: Readonly<Record<keyof EtcdMethods, RpcMethod>> = {
  range: method("KV", "Range"),
  txn: method("KV", "Txn"),
  compact: method("KV", "Compact", "Compaction"),
  watch: method("Watch", "Watch", "Watch", true),
  leaseGrant: method("Lease", "LeaseGrant"),
  status: method("Maintenance", "Status"),
};

export const etcdMessages: MessageTable = {
  ResponseHeader: `
  revision 3 int64
`,
  KeyValue: `
  key 1 string
  createRevision 2 int64
  modRevision 3 int64
  value 5 bytes
`,
  RangeRequest: `
  key 1 string
  rangeEnd 2 string
  limit 3 int64
  revision 4 int64
  countOnly 9 bool
`,
  RangeResponse: `
  header 1 ResponseHeader
  kvs 2 []KeyValue
  more 3 bool
  count 4 int64
`,
  PutRequest: `
  key 1 string
  value 2 bytes
  lease 3 uint64
`,
  DeleteRangeRequest: `
  key 1 string
`,
  RequestOp: `
  requestRange 1 RangeRequest?
  requestPut 2 PutRequest?
  requestDeleteRange 3 DeleteRangeRequest?
`,
  ResponseOp: `
  responseRange 1 RangeResponse?
`,
  Compare: `
  result 1 enum
  target 2 enum
  key 3 string
  modRevision 6 int64?
`,
  TxnRequest: `
  compare 1 []Compare
  success 2 []RequestOp
  failure 3 []RequestOp
`,
  TxnResponse: `
  header 1 ResponseHeader
  succeeded 2 bool
  responses 3 []ResponseOp
`,
  CompactionRequest: `
  revision 1 int64
`,
  CompactionResponse: `
  header 1 ResponseHeader
`,
  WatchCreateRequest: `
  key 1 string
  rangeEnd 2 string
  startRevision 3 int64
`,
  WatchRequest: `
  createRequest 1 WatchCreateRequest?
`,
  Event: `
  type 1 enum
  kv 2 KeyValue
`,
  WatchResponse: `
  header 1 ResponseHeader
  created 3 bool
  canceled 4 bool
  compactRevision 5 int64
  cancelReason 6 string
  events 11 []Event
`,
  LeaseGrantRequest: `
  TTL 1 int64
  ID 2 uint64
`,
  LeaseGrantResponse: `
  ID 2 uint64
  TTL 3 int64
  error 4 string
`,
  StatusRequest: "",
  StatusResponse: `
  header 1 ResponseHeader
  version 2 string
  dbSize 3 int64
`,
};
