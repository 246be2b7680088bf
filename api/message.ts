/**
 * Messages as data: what the one protobuf engine (pkg/machinery/protobuf.ts), schema checking,
 * patches and OpenAPI work from. Each message is a text, one field a line:
 *
 *     <name> <number> <type> [flags…]
 *
 * Name is the property in TypeScript and JSON; number is protobuf's (0: not in protobuf). Type:
 *
 *     string bytes bool double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32
 *     sfixed64 enum     scalars (enum is an int32)
 *     core.v1.Pod       a message, by its key in the table (CRI and etcd: "PodSandbox", no dots)
 *     []T               repeated; scalars of proto3 are written packed, and read both ways
 *     {string}T         a map with keys of that scalar
 *     T?                proto3 presence (a member of a oneof, or optional): written even when zero
 *
 * That is all that a hand-written proto3 table (etcd, CRI) needs. Kubernetes' tables have more types,
 * each one JSON value: quantity intOrString time microTime duration rawExtension unknown fieldsV1 json
 * schemaOrArray schemaOrBool schemaOrStrings. Their fields stand in the order of Go's structs, which
 * is that of upstream's JSON; a field named "." is a struct whose fields belong to the outer object
 * in JSON, and a message of its own in protobuf. Flags are letters:
 *
 *     *  a pointer: absent unless set     o  left out of JSON when empty     z  … when zero
 *     !  required by OpenAPI              w  the list is a message with one repeated field in protobuf
 *
 * and keywords: default=<JSON>, list=atomic|set|map:<keys>, map=atomic|granular,
 * patch=<strategies>[:<merge key>]. A first line "@ …" has keywords of the message: map=atomic, and
 * unions=<JSON> as OpenAPI's x-kubernetes-unions.
 */
export type MessageTable = Readonly<Record<string, string>>;

/** One method of a gRPC service; request and response are keys of the service's MessageTable. */
export interface RpcMethod {
  /** "/runtime.v1.RuntimeService/Version" */
  readonly path: string;
  /** Method of the TypeScript interface: "version". */
  readonly name: string;
  readonly request: string;
  readonly response: string;
  /** True: the server answers with a stream. */
  readonly streams: boolean;
}
