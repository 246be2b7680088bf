import type { Secret } from "../../../api/core/v1.ts";
import { secrets as ref } from "../../../api/resources.ts";
import { type FieldError, forbidden, invalid, required } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { fill } from "./absent.ts";
import { ageColumn, nameColumn, numberColumn, textColumn } from "./columns.ts";
import { base64Bytes, dataBytesMax, sameData, tooLong, validateKeys } from "./data.ts";

const serviceAccountAnnotation = "kubernetes.io/service-account.name";

/** `stringData` is for writing only: it replaces what `data` has under the same key. */
function withStringData(secret: Secret): Secret {
  const { stringData, ...rest } = secret;
  if (stringData === undefined) return secret;
  const encoded = Object.entries(stringData).map(([key, text]): [string, string] => [
    key,
    Buffer.from(text).toString("base64"),
  ]);
  return encoded.length === 0
    ? rest
    : { ...rest, data: { ...rest.data, ...Object.fromEntries(encoded) } };
}

const missing = (key: string): FieldError => required(`data[${key}]`);

function validateJson(data: Readonly<Record<string, string>>, key: string): readonly FieldError[] {
  const encoded = data[key];
  if (encoded === undefined) return [missing(key)];
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, "base64").toString());
    if (typeof value === "object" && !Array.isArray(value)) return [];
    return [invalid(`data[${key}]`, "<secret contents redacted>", "must be a JSON object")];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [invalid(`data[${key}]`, "<secret contents redacted>", why)];
  }
}

/** What each of upstream's types must hold. Other types are the users' own. */
function validateType({ type, data = {}, metadata }: Secret): readonly FieldError[] {
  const without = (...keys: readonly string[]): readonly FieldError[] =>
    keys.filter((key) => !Object.hasOwn(data, key)).map(missing);
  switch (type) {
    case "kubernetes.io/service-account-token": {
      const name = metadata?.annotations?.[serviceAccountAnnotation] ?? "";
      if (name !== "") return [];
      return [required(`metadata.annotations[${serviceAccountAnnotation}]`)];
    }
    case "kubernetes.io/dockercfg":
      return validateJson(data, ".dockercfg");
    case "kubernetes.io/dockerconfigjson":
      return validateJson(data, ".dockerconfigjson");
    case "kubernetes.io/basic-auth": {
      const absent = without("username", "password");
      return absent.length === 2 ? absent : [];
    }
    case "kubernetes.io/ssh-auth":
      return (data["ssh-privatekey"] ?? "") === "" ? [missing("ssh-privatekey")] : [];
    case "kubernetes.io/tls":
      return without("tls.crt", "tls.key");
    default:
      return [];
  }
}

function validateChange(now: Secret, before: Secret): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (now.type !== before.type) errors.push(invalid("type", now.type, "field is immutable"));
  if (before.immutable !== true) return errors;
  const why = "field is immutable when `immutable` is set";
  if (now.immutable !== true) errors.push(forbidden("immutable", why));
  if (!sameData(now.data, before.data)) errors.push(forbidden("data", why));
  return errors;
}

function validateSecret(secret: Secret, before: Secret | undefined): readonly FieldError[] {
  const data = secret.data ?? {};
  const bytes = Object.values(data).reduce((sum, value) => sum + base64Bytes(value), 0);
  return [
    ...(before === undefined ? [] : validateChange(secret, before)),
    ...validateKeys("data", data),
    ...(bytes > dataBytesMax ? [tooLong("data", dataBytesMax)] : []),
    ...validateType(secret),
  ];
}

export const secrets: Resource<Secret> = {
  ref,
  storagePrefix: "/registry/secrets",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn("Type", ({ type }) => type ?? ""),
    { ...numberColumn("Data", ({ data }) => Object.keys(data ?? {}).length), type: "string" },
    ageColumn,
  ],
  fieldLabels: { type: ({ type }) => type ?? "" },
  defaults: (secret) => withStringData(fill(secret, { type: "Opaque" })),
  validate: validateSecret,
};
