import type { WireResponse } from "../../base/wire.ts";
import type { TokenKey } from "./json-web-token.ts";

export interface OidcOptions {
  readonly issuer: string;
  /** Where the keys are: https://10.0.0.1:6443/openid/v1/jwks */
  readonly jwksUri: string;
  readonly keys: readonly TokenKey[];
}

/** The documents by which strangers verify this cluster's tokens, by their path. */
export function oidcDocuments(options: OidcOptions): ReadonlyMap<string, WireResponse> {
  const algorithms = [...new Set(options.keys.map(({ algorithm }) => algorithm))];
  const configuration = {
    issuer: options.issuer,
    jwks_uri: options.jwksUri,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: algorithms,
  };
  const keys = options.keys.map(({ id, algorithm, publicKey }) => ({
    use: "sig",
    kid: id,
    alg: algorithm,
    ...publicKey.export({ format: "jwk" }),
  }));
  return new Map([
    ["/.well-known/openid-configuration", answer("application/json", configuration)],
    ["/openid/v1/jwks", answer("application/jwk-set+json", { keys })],
  ]);
}

const answer = (type: string, value: object): WireResponse => ({
  status: 200,
  headers: { "content-type": type, "cache-control": "public, max-age=3600" },
  body: Buffer.from(JSON.stringify(value)),
});
