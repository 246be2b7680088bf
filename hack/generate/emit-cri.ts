/** api/cri/v1.ts (types, message table, methods) and api/cri/v1.proto, from CRI's definition. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { head, type Files } from "./output.ts";
import { parseProto, type ProtoField, type ProtoFile, type ProtoRpc } from "./proto-file.ts";

const camel = (name: string): string =>
  name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const lowerFirst = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);
const local = (type: string): string => type.slice(type.lastIndexOf(".") + 1);

const scalars: Readonly<Record<string, string>> = {
  string: "string",
  bytes: "Uint8Array",
  bool: "boolean",
  double: "number",
  float: "number",
  int32: "number",
  uint32: "number",
  int64: "bigint",
  uint64: "bigint",
};

function fieldType(field: ProtoField): string {
  const single = scalars[field.type] ?? local(field.type);
  if (field.mapKey !== undefined) return `Readonly<Record<${scalars[field.mapKey]}, ${single}>>`;
  return field.repeated ? `readonly ${single}[]` : single;
}

function tableLine(field: ProtoField, enums: ReadonlySet<string>): string {
  const name = local(field.type);
  const type = enums.has(name) ? "enum" : name;
  const before = field.mapKey === undefined ? (field.repeated ? "[]" : "") : `{${field.mapKey}}`;
  const after = field.oneof === undefined ? "" : "?";
  return `  ${camel(field.name)} ${field.number} ${before}${type}${after}\n`;
}

function types(file: ProtoFile): string {
  const enums = file.enums.map(({ name, values }) => {
    const lines = values.map(([value, number]) => `  ${value}: ${number},\n`).join("");
    const members = `(typeof ${name})[keyof typeof ${name}];\n`;
    const short = `export type ${name} = ${members}`;
    const type = short.length <= 101 ? short : `export type ${name} =\n  ${members}`;
    return `export const ${name} = {\n${lines}} as const;\n${type}`;
  });
  const interfaces = file.messages.map(({ name, fields }) => {
    if (fields.length === 0) return `export type ${name} = Readonly<Record<string, never>>;\n`;
    const lines = fields.map((field) => `  readonly ${camel(field.name)}?: ${fieldType(field)};\n`);
    return `export interface ${name} {\n${lines.join("")}}\n`;
  });
  return [...enums, ...interfaces].join("\n");
}

function table(file: ProtoFile): string {
  const enums = new Set(file.enums.map(({ name }) => name));
  const lines = file.messages.map(({ name, fields }) => {
    if (fields.length === 0) return `  ${name}: "",\n`;
    return `  ${name}: \`\n${fields.map((field) => tableLine(field, enums)).join("")}\`,\n`;
  });
  return `export const criMessages: MessageTable = {\n${lines.join("")}};\n`;
}

function service(rpcs: readonly ProtoRpc[]): string {
  const methods = rpcs.map(({ name, request, response, streams }) => {
    const result = streams ? `AsyncIterable<${response}>` : `Promise<${response}>`;
    const short = `  ${lowerFirst(name)}(request: ${request}, signal?: AbortSignal): ${result};\n`;
    if (short.length <= 101) return short;
    const parameters = `    request: ${request},\n    signal?: AbortSignal,\n`;
    return `  ${lowerFirst(name)}(\n${parameters}  ): ${result};\n`;
  });
  return [
    "/** RuntimeService and ImageService in one; a method that streams gives its answers as they come. */\n",
    `export interface CriService {\n${methods.join("")}}\n`,
  ].join("");
}

function methods(file: ProtoFile): string {
  const lines = file.rpcs.map(({ service: of, name, request, response, streams }) =>
    [
      "  {\n",
      `    path: "/${file.package}.${of}/${name}",\n    name: "${lowerFirst(name)}",\n`,
      `    request: "${request}",\n    response: "${response}",\n    streams: ${streams},\n  },\n`,
    ].join(""),
  );
  return `export const criMethods: readonly RpcMethod[] = [\n${lines.join("")}];\n`;
}

function protoLine(field: ProtoField): string {
  const map = field.mapKey === undefined ? undefined : `map<${field.mapKey}, ${local(field.type)}>`;
  const type = map ?? `${field.repeated ? "repeated " : ""}${local(field.type)}`;
  return `  ${type} ${field.name} = ${field.number};\n`;
}

function proto(file: ProtoFile): string {
  const services = [...Map.groupBy(file.rpcs, (rpc) => rpc.service)].map(([name, rpcs]) => {
    const lines = rpcs.map((rpc) => {
      const returns = `${rpc.streams ? "stream " : ""}${rpc.response}`;
      return `  rpc ${rpc.name}(${rpc.request}) returns (${returns});\n`;
    });
    return `service ${name} {\n${lines.join("")}}\n`;
  });
  const enums = file.enums.map(
    ({ name, values }) =>
      `enum ${name} {\n${values.map(([value, number]) => `  ${value} = ${number};\n`).join("")}}\n`,
  );
  const messages = file.messages.map(
    ({ name, fields }) => `message ${name} {\n${fields.map(protoLine).join("")}}\n`,
  );
  const start = `${head}\nsyntax = "proto3";\n\npackage ${file.package};\n`;
  return [start, ...services, ...enums, ...messages].join("\n");
}

export function emitCri(source: string, files: Files): void {
  const path = "proto/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto";
  const file = parseProto(readFileSync(join(source, path), "utf8"));
  const imports = 'import type { MessageTable, RpcMethod } from "../message.ts";\n';
  const parts = [
    `${head}\n${imports}`,
    types(file),
    service(file.rpcs),
    methods(file),
    table(file),
  ];
  files.set("api/cri/v1.ts", parts.join("\n"));
  files.set("api/cri/v1.proto", proto(file));
}
