/**
 * The version 2 document in protobuf, which clients before 1.27 insist on: gnostic's openapi.v2
 * messages, with its names and numbers. What has no field of its own (x-kubernetes-…) travels as
 * YAML, of which JSON is a part.
 */
import type { MessageTable } from "../../api/message.ts";
import type { Fields } from "./openapi-schema.ts";
import { ProtobufCodec } from "./protobuf.ts";
import { proto3 } from "./protobuf-scalars.ts";
import { schemaOfTable } from "./schema.ts";

/** What clients ask for, in Accept. */
export const openApiProtobufMediaType =
  "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/**
 * What the answer's Content-Type says: clients' parsers of media types stumble over the "@" of the
 * name that they ask for.
 */
export const openApiProtobufReturned = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const parameterFields = `
    required 1 bool
    in 2 string
    description 3 string
    name 4 string`;

const table: MessageTable = {
  Document: `
    swagger 1 string
    info 2 Info
    paths 8 Paths
    definitions 9 NamedSchemas
    security 12 []SecurityRequirement
    securityDefinitions 13 SecurityDefinitions`,
  Info: "title 1 string\nversion 2 string",
  Any: "yaml 2 string",
  NamedAny: "name 1 string\nvalue 2 Any",
  NamedSchema: "name 1 string\nvalue 2 Schema",
  NamedSchemas: "additionalProperties 1 []NamedSchema",
  TypeItem: "value 1 []string",
  ItemsItem: "schema 1 []Schema",
  AdditionalPropertiesItem: "schema 1 Schema",
  Schema: `
    ref 1 string
    format 2 string
    description 4 string
    required 19 []string
    additionalProperties 21 AdditionalPropertiesItem
    type 22 TypeItem
    items 23 ItemsItem
    properties 25 NamedSchemas
    vendorExtension 31 []NamedAny`,
  Paths: "path 2 []NamedPathItem",
  NamedPathItem: "name 1 string\nvalue 2 PathItem",
  PathItem: `
    get 2 Operation
    put 3 Operation
    post 4 Operation
    delete 5 Operation
    patch 8 Operation
    parameters 9 []ParametersItem`,
  Operation: `
    tags 1 []string
    description 3 string
    operationId 5 string
    produces 6 []string
    consumes 7 []string
    parameters 8 []ParametersItem
    responses 9 Responses
    schemes 10 []string
    vendorExtension 13 []NamedAny`,
  ParametersItem: "parameter 1 Parameter",
  Parameter: "body 1 BodyParameter\nnonBody 2 NonBodyParameter",
  BodyParameter: "name 2 string\nin 3 string\nrequired 4 bool\nschema 5 Schema",
  NonBodyParameter: "query 3 QueryParameter\npath 4 PathParameter",
  QueryParameter: `${parameterFields}\ntype 6 string\nuniqueItems 20 bool`,
  PathParameter: `${parameterFields}\ntype 5 string\nuniqueItems 19 bool`,
  Responses: "responseCode 1 []NamedResponse",
  NamedResponse: "name 1 string\nvalue 2 ResponseValue",
  ResponseValue: "response 1 Response",
  Response: "description 1 string\nschema 2 SchemaItem",
  SchemaItem: "schema 1 Schema",
  SecurityRequirement: "additionalProperties 1 []NamedStrings",
  NamedStrings: "name 1 string\nvalue 2 TypeItem",
  SecurityDefinitions: "additionalProperties 1 []NamedSecurity",
  NamedSecurity: "name 1 string\nvalue 2 SecurityItem",
  SecurityItem: "apiKey 2 ApiKeySecurity",
  ApiKeySecurity: "type 1 string\nname 2 string\nin 3 string\ndescription 4 string",
};

const codec = new ProtobufCodec(schemaOfTable(table), proto3);

const named = (fields: unknown, value: (one: Fields) => unknown): readonly unknown[] =>
  Object.entries((fields ?? {}) as Readonly<Record<string, Fields>>).map(([name, one]) => ({
    name,
    value: value(one),
  }));

const extensionsOf = (fields: Fields): readonly unknown[] =>
  Object.entries(fields)
    .filter(([name]) => name.startsWith("x-"))
    .map(([name, value]) => ({ name, value: { yaml: JSON.stringify(value) } }));

function schema(value: Fields): Fields {
  const { $ref, format, description, required, type, items, properties, additionalProperties } =
    value;
  return {
    ref: $ref,
    format,
    description,
    required,
    vendorExtension: extensionsOf(value),
    ...(type === undefined ? {} : { type: { value: [type] } }),
    ...(items === undefined ? {} : { items: { schema: [schema(items as Fields)] } }),
    ...(properties === undefined
      ? {}
      : { properties: { additionalProperties: named(properties, schema) } }),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: { schema: schema(additionalProperties as Fields) } }),
  };
}

function parameter(value: Fields): Fields {
  if (value["in"] === "body")
    return { parameter: { body: { ...value, schema: schema(value["schema"] as Fields) } } };
  return { parameter: { nonBody: { [value["in"] as string]: value } } };
}

const parameters = (value: unknown): readonly Fields[] =>
  ((value ?? []) as readonly Fields[]).map(parameter);

const response = (value: Fields): Fields => ({
  response: {
    description: value["description"],
    ...(value["schema"] === undefined
      ? {}
      : { schema: { schema: schema(value["schema"] as Fields) } }),
  },
});

const operation = (value: Fields): Fields => ({
  ...value,
  parameters: parameters(value["parameters"]),
  responses: { responseCode: named(value["responses"], response) },
  vendorExtension: extensionsOf(value),
});

const pathItem = (value: Fields): Fields => ({
  ...Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== "parameters")
      .map(([method, one]) => [method, operation(one as Fields)]),
  ),
  parameters: parameters(value["parameters"]),
});

const requirement = (value: Fields): Fields => ({
  additionalProperties: Object.entries(value).map(([name, scopes]) => ({
    name,
    value: { value: scopes },
  })),
});

/** The bytes of a document that openApiV2 made. */
export const encodeOpenApiV2 = (document: Fields): Uint8Array<ArrayBuffer> =>
  codec.encode("Document", {
    swagger: document["swagger"],
    info: document["info"],
    paths: { path: named(document["paths"], pathItem) },
    definitions: { additionalProperties: named(document["definitions"], schema) },
    security: (document["security"] as readonly Fields[]).map(requirement),
    securityDefinitions: {
      additionalProperties: named(document["securityDefinitions"], (apiKey) => ({ apiKey })),
    },
  });
