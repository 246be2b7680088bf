import type { Secret } from "../../../api/core/v1.ts";
import type { AuthConfig } from "../../../api/cri/v1.ts";
import { registryOf } from "./image-name.ts";

/** Entries of a docker configuration: by registry, with or without scheme and path. */
type DockerAuths = Readonly<
  Record<
    string,
    {
      readonly username?: string;
      readonly password?: string;
      readonly auth?: string;
      readonly identitytoken?: string;
      readonly registrytoken?: string;
    }
  >
>;

const text = (base64: string): string => new TextDecoder().decode(Uint8Array.fromBase64(base64));

/** A secret that is no docker configuration has no credentials; it must not stop the pull. */
function authsOf(secret: Secret): DockerAuths {
  try {
    const modern = secret.data?.[".dockerconfigjson"];
    if (modern !== undefined)
      return (JSON.parse(text(modern)) as { auths?: DockerAuths }).auths ?? {};
    const old = secret.data?.[".dockercfg"];
    return old === undefined ? {} : (JSON.parse(text(old)) as DockerAuths);
  } catch {
    return {};
  }
}

const bare = (registry: string): string =>
  registry.replace(/^https?:\/\//, "").replace(/\/(v[12]\/?)?$/, "");

const hubNames: ReadonlySet<string> = new Set(["docker.io", "index.docker.io"]);

/** How well an entry fits an image: the longest prefix wins; undefined: not at all. */
function fit(entry: string, image: string): number | undefined {
  const registry = registryOf(image);
  const name = bare(entry);
  if (hubNames.has(name) && registry === "docker.io") return 0;
  if (name.startsWith("*.") && registry.endsWith(name.slice(1))) return 0;
  return image === name || image.startsWith(`${name}/`) ? name.length : undefined;
}

/** The credentials to try for an image, best first; none: pull without. */
export function pullCredentials(image: string, secrets: readonly Secret[]): readonly AuthConfig[] {
  return secrets
    .flatMap((secret) => Object.entries(authsOf(secret)))
    .flatMap(([entry, auth]) => {
      const fits = fit(entry, image);
      return fits === undefined ? [] : [{ fits, auth: toAuth(entry, auth) }];
    })
    .toSorted((a, b) => b.fits - a.fits)
    .map(({ auth }) => auth);
}

function toAuth(entry: string, auth: DockerAuths[string]): AuthConfig {
  const [username = "", ...password] = auth.auth === undefined ? [] : text(auth.auth).split(":");
  return {
    username: auth.username ?? username,
    password: auth.password ?? password.join(":"),
    serverAddress: bare(entry),
    identityToken: auth.identitytoken ?? "",
    registryToken: auth.registrytoken ?? "",
  };
}
