/**
 * The documents under /openapi/v2 and /openapi/v3, built from the schema for the resources that a
 * server serves. Pure; a server builds each when it is first asked for, and keeps its bytes.
 */
import { apiVersionOf, type ResourceRef } from "../../api/resource.ts";
import { messagesOf, pathsOf } from "./openapi-paths.ts";
import { schemasOf, type Fields, type OpenApiVersion } from "./openapi-schema.ts";
import { kubernetesSchema, type Schema } from "./schema.ts";

export interface OpenApiOptions {
  /** Of the server: "v1.37.0". */
  readonly version: string;
  readonly schema?: Schema;
}

const bearer = {
  BearerToken: {
    type: "apiKey",
    in: "header",
    name: "authorization",
    description: "A bearer token.",
  },
};

const pathsOfAll = (refs: readonly ResourceRef[], version: OpenApiVersion): Fields =>
  Object.fromEntries(
    refs.flatMap((ref) => pathsOf(ref, version)).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

const schemasOfAll = (
  refs: readonly ResourceRef[],
  version: OpenApiVersion,
  schema: Schema = kubernetesSchema,
): Fields => schemasOf(schema, refs.flatMap(messagesOf), version);

/** "api/v1" or "apis/apps/v1": the name of a group and version under /openapi/v3. */
export const openApiPath = (ref: Pick<ResourceRef, "group" | "version">): string =>
  `${ref.group === "" ? "api" : "apis"}/${apiVersionOf(ref)}`;

/** /openapi/v3/<openApiPath>: the document of one group and version, whose resources `refs` are. */
export const openApiV3 = (refs: readonly ResourceRef[], options: OpenApiOptions): Fields => ({
  openapi: "3.0.0",
  info: { title: "Kubernetes", version: options.version },
  paths: pathsOfAll(refs, 3),
  components: {
    schemas: schemasOfAll(refs, 3, options.schema),
    securitySchemes: bearer,
  },
});

/** /openapi/v2: one document of everything served. */
export const openApiV2 = (refs: readonly ResourceRef[], options: OpenApiOptions): Fields => ({
  swagger: "2.0",
  info: { title: "Kubernetes", version: options.version },
  paths: pathsOfAll(refs, 2),
  definitions: schemasOfAll(refs, 2, options.schema),
  securityDefinitions: bearer,
  security: [{ BearerToken: [] }],
});
