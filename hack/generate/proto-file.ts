/** A reader for the part of the protobuf language that Kubernetes' definitions use. */
export interface ProtoField {
  readonly name: string;
  readonly number: number;
  /** "string", "int64", "k8s.io.api.core.v1.Pod" (resolved), … */
  readonly type: string;
  readonly repeated: boolean;
  /** Type of a map's keys; `type` is then that of its values. */
  readonly mapKey?: string;
  /** Name of the oneof that it belongs to. */
  readonly oneof?: string;
}
export interface ProtoMessage {
  readonly name: string;
  readonly fields: readonly ProtoField[];
}
export interface ProtoEnum {
  readonly name: string;
  readonly values: readonly (readonly [name: string, number: number])[];
}
export interface ProtoRpc {
  readonly service: string;
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly streams: boolean;
}
export interface ProtoFile {
  readonly package: string;
  readonly proto3: boolean;
  readonly messages: readonly ProtoMessage[];
  readonly enums: readonly ProtoEnum[];
  readonly rpcs: readonly ProtoRpc[];
}

const scalars = new Set(
  "double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 bool string bytes".split(
    " ",
  ),
);

const fieldPattern =
  /^(?:(optional|repeated|required)\s+)?(?:map<\s*(\w+)\s*,\s*([\w.]+)\s*>|([\w.]+))\s+(\w+)\s*=\s*(\d+)\s*(?:\[.*\])?;/;

function parseField(line: string, qualify: (type: string) => string): ProtoField | undefined {
  const match = fieldPattern.exec(line);
  if (match === null) return undefined;
  const [, label, mapKey, mapValue, type, name = "", number] = match;
  return {
    name,
    number: Number(number),
    type: qualify(mapValue ?? type ?? ""),
    repeated: label === "repeated",
    ...(mapKey === undefined ? {} : { mapKey }),
  };
}

function parseBlock(
  body: readonly string[],
  qualify: (type: string) => string,
): readonly ProtoField[] {
  let oneof: string | undefined;
  const fields: ProtoField[] = [];
  for (const line of body) {
    oneof = /^oneof (\w+)/.exec(line)?.[1] ?? (line === "}" ? undefined : oneof);
    const field = parseField(line, qualify);
    if (field !== undefined) fields.push(oneof === undefined ? field : { ...field, oneof });
  }
  return fields;
}

const stripComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");

const enumValues = (body: readonly string[]): ProtoEnum["values"] =>
  body.flatMap((line) => {
    const match = /^(\w+)\s*=\s*(\d+);/.exec(line);
    return match === null ? [] : [[match[1] ?? "", Number(match[2])] as const];
  });

const rpcPattern = /^rpc (\w+)\s*\((\w+)\) returns \((stream )?(\w+)\)/;

function parseRpcs(service: string, body: readonly string[]): readonly ProtoRpc[] {
  return body.flatMap((line) => {
    const match = rpcPattern.exec(line);
    if (match === null) return [];
    const [, name = "", request = "", stream, response = ""] = match;
    return [{ service, name, request, response, streams: stream !== undefined }];
  });
}

/** Kubernetes' definitions nest no messages; a nested enum is treated as one of the file. */
export function parseProto(source: string): ProtoFile {
  const text = stripComments(source);
  const pkg = /^package ([\w.]+);/m.exec(text)?.[1] ?? "";
  const qualify = (type: string): string => {
    if (scalars.has(type)) return type;
    if (type.startsWith(".")) return type.slice(1);
    return type.includes(".") ? type : `${pkg}.${type}`;
  };
  const file = {
    package: pkg,
    proto3: text.includes('syntax = "proto3"'),
    messages: [] as ProtoMessage[],
    enums: [] as ProtoEnum[],
    rpcs: [] as ProtoRpc[],
  };
  for (const match of text.matchAll(/^(message|enum|service) (\w+)\s*\{(\}|[\s\S]*?^\})/gm)) {
    const [, what, name = "", body = ""] = match;
    const lines = body.split("\n").map((line) => line.trim());
    if (what === "message") file.messages.push({ name, fields: parseBlock(lines, qualify) });
    else if (what === "enum") file.enums.push({ name, values: enumValues(lines) });
    else file.rpcs.push(...parseRpcs(name, lines));
  }
  for (const [, name = "", body = ""] of text.matchAll(/^[ \t]+enum (\w+) \{([\s\S]*?)\}/gm))
    file.enums.push({ name, values: enumValues(body.split("\n").map((line) => line.trim())) });
  return file;
}
