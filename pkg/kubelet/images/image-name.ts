/** Names of images, as far as the kubelet must read them. Pure. */
const componentPattern = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const labelPattern = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const hostPattern = `(?:${labelPattern}(?:\\.${labelPattern})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const algorithmPattern = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*";
const imagePattern = new RegExp(
  `^((?:${hostPattern}/)?${componentPattern}(?:/${componentPattern})*)` +
    `(?::([\\w][\\w.-]{0,127}))?(@${algorithmPattern}:[0-9a-fA-F]{32,})?$`,
);

export interface ImageName {
  /** registry.example:5000/team/web */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Undefined: no image can have that name. */
export function parseImageName(name: string): ImageName | undefined {
  const parts = imagePattern.exec(name);
  if (parts?.[1] === undefined) return undefined;
  const [, repository, tag, digest] = parts;
  return {
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: digest.slice(1) }),
  };
}

/** "nginx" is "nginx:latest". */
export const withDefaultTag = (name: string): string => {
  const parsed = parseImageName(name);
  return parsed?.tag === undefined && parsed?.digest === undefined ? `${name}:latest` : name;
};

/** What the API server fills in, for pods that never passed through it. */
export function pullPolicyOf(image: string, policy: string | undefined): string {
  if (policy !== undefined && policy !== "") return policy;
  return withDefaultTag(image).endsWith(":latest") ? "Always" : "IfNotPresent";
}

/** registry.example:5000, or docker.io where none is named. */
export function registryOf(name: string): string {
  const [first = "", ...rest] = name.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost ? first : "docker.io";
}
