import type {
  DownwardAPIVolumeFile,
  HostPathVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from "../../../../api/core/v1.ts";
import { duplicate, forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { quantityOf } from "../quantities.ts";
import {
  checkDnsLabel,
  checkOptional,
  checkRequired,
  eachAt,
  type Errors,
  none,
} from "../rules.ts";
import { validateFieldRef, validateResourceRef, volumeFields } from "./downward-validation.ts";
import { checkFileMode, checkNoBacksteps, checkUnreservedPath } from "./paths.ts";

const tokenSeconds = { min: 600, max: 2 ** 32 };

const validateItem = (item: KeyToPath, path: string): Errors => [
  ...checkRequired(`${path}.key`, item.key),
  ...checkRequired(`${path}.path`, item.path),
  ...checkUnreservedPath(`${path}.path`, item.path ?? ""),
  ...checkFileMode(`${path}.mode`, item.mode),
];

function validateFile(file: DownwardAPIVolumeFile, path: string): Errors {
  const { fieldRef, resourceFieldRef } = file;
  const both = "fieldRef and resourceFieldRef can not be specified simultaneously";
  const source =
    fieldRef !== undefined
      ? [
          ...validateFieldRef(fieldRef, `${path}.fieldRef`, volumeFields),
          ...(resourceFieldRef === undefined ? none : [invalid(path, "resource", both)]),
        ]
      : resourceFieldRef !== undefined
        ? validateResourceRef(resourceFieldRef, `${path}.resourceFieldRef`, true)
        : [required(path, "one of fieldRef and resourceFieldRef is required")];
  return [
    ...checkRequired(`${path}.path`, file.path),
    ...checkUnreservedPath(`${path}.path`, file.path ?? ""),
    ...source,
    ...checkFileMode(`${path}.mode`, file.mode),
  ];
}

function validateToken(
  token: NonNullable<VolumeProjection["serviceAccountToken"]>,
  path: string,
  volumePath: string,
): Errors {
  const { expirationSeconds: seconds = 0 } = token;
  const at = `${path}.expirationSeconds`;
  return [
    ...(seconds < tokenSeconds.min
      ? [invalid(at, seconds, "may not specify a duration less than 10 minutes")]
      : none),
    ...(seconds > tokenSeconds.max
      ? [invalid(at, seconds, "may not specify a duration larger than 2^32 seconds")]
      : none),
    ...((token.path ?? "") === ""
      ? [required(`${volumePath}.path`)]
      : checkUnreservedPath(`${volumePath}.path`, token.path)),
  ];
}

function validateProjection(source: VolumeProjection, path: string, volumePath: string): Errors {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  const count = Object.values(source).filter((one) => one !== undefined).length;
  return [
    ...(
      [
        ["secret", secret],
        ["configMap", configMap],
      ] as const
    ).flatMap(([name, one]) =>
      one === undefined
        ? none
        : [
            ...checkRequired(`${path}.${name}.name`, one.name),
            ...eachAt(`${path}.${name}.items`, one.items, validateItem),
          ],
    ),
    ...(downwardAPI?.items ?? []).flatMap((file) => validateFile(file, `${path}.downwardAPI`)),
    ...(serviceAccountToken === undefined
      ? none
      : validateToken(serviceAccountToken, `${path}.serviceAccountToken`, volumePath)),
    ...(count > 1 ? [forbidden(path, "may not specify more than 1 volume type per source")] : none),
  ];
}

/** Two sources must not claim the same file. */
function conflicts(projected: ProjectedVolumeSource, path: string): Errors {
  const seen = new Set<string>();
  return (projected.sources ?? []).flatMap(({ secret, configMap, downwardAPI }) => {
    const files = [
      ...(secret?.items ?? []).map((item) => [item.path, secret?.name ?? ""] as const),
      ...(configMap?.items ?? []).map((item) => [item.path, configMap?.name ?? ""] as const),
      ...(downwardAPI?.items ?? []).map((item) => [item.path, item.path] as const),
    ];
    return files.flatMap(([file, shown]) => {
      if (seen.has(file)) return [invalid(path, shown, "conflicting duplicate paths")];
      seen.add(file);
      return none;
    });
  });
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
] as const;

const validateHostPath = ({ path: target, type }: HostPathVolumeSource, path: string): Errors =>
  target === ""
    ? [required(`${path}.path`)]
    : [
        ...checkNoBacksteps(`${path}.path`, target),
        ...checkOptional(`${path}.type`, type, hostPathTypes),
      ];

function validateSizeLimit(limit: string | undefined, path: string): Errors {
  if (limit === undefined) return none;
  const isNegative = (quantityOf(limit)?.nanos ?? -1n) < 0n;
  const why = "SizeLimit field must be a valid resource quantity";
  return isNegative ? [forbidden(`${path}.sizeLimit`, why)] : none;
}

/** Rules of the sources that a volume may have. Those without rules here have none beyond types. */
const sourceRules: {
  readonly [S in keyof Volume]?: (source: NonNullable<Volume[S]>, path: string) => Errors;
} = {
  emptyDir: ({ sizeLimit }, path) => validateSizeLimit(sizeLimit, path),
  hostPath: validateHostPath,
  secret: (source, path) => [
    ...checkRequired(`${path}.secretName`, source.secretName),
    ...checkFileMode(`${path}.defaultMode`, source.defaultMode),
    ...eachAt(`${path}.items`, source.items, validateItem),
  ],
  configMap: (source, path) => [
    ...checkRequired(`${path}.name`, source.name),
    ...checkFileMode(`${path}.defaultMode`, source.defaultMode),
    ...eachAt(`${path}.items`, source.items, validateItem),
  ],
  downwardAPI: (source, path) => [
    ...checkFileMode(`${path}.defaultMode`, source.defaultMode),
    ...(source.items ?? []).flatMap((file) => validateFile(file, path)),
  ],
  projected: (source, path) => [
    ...checkFileMode(`${path}.defaultMode`, source.defaultMode),
    ...eachAt(`${path}.sources`, source.sources, (one, at) => validateProjection(one, at, path)),
    ...conflicts(source, path),
  ],
  persistentVolumeClaim: ({ claimName }, path) => checkRequired(`${path}.claimName`, claimName),
  nfs: ({ server, path: target }, path) => [
    ...checkRequired(`${path}.server`, server),
    ...checkRequired(`${path}.path`, target),
    ...(target.startsWith("/")
      ? none
      : [invalid(`${path}.path`, target, "must be an absolute path")]),
  ],
  csi: ({ driver }, path) => checkRequired(`${path}.driver`, driver),
  ephemeral: ({ volumeClaimTemplate }, path) =>
    volumeClaimTemplate === undefined ? [required(`${path}.volumeClaimTemplate`)] : none,
  image: ({ reference, pullPolicy }, path) => [
    ...checkRequired(`${path}.reference`, reference),
    ...checkOptional(`${path}.pullPolicy`, pullPolicy, ["Always", "IfNotPresent", "Never"]),
  ],
};

function validateSource(volume: Volume, path: string): Errors {
  const given = Object.entries(volume).filter(
    ([name, source]) => name !== "name" && source !== undefined,
  );
  if (given.length === 0) return [required(path, "must specify a volume type")];
  return given.flatMap(([name, source], index) => {
    const at = `${path}.${name}`;
    if (index > 0) return [forbidden(at, "may not specify more than 1 volume type")];
    const rule = sourceRules[name as keyof Volume] as
      | ((source: unknown, path: string) => Errors)
      | undefined;
    return rule?.(source, at) ?? none;
  });
}

/** What is wrong, and the volumes that containers may mount: those with nothing wrong. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  path: string,
): { readonly errors: Errors; readonly good: ReadonlyMap<string, Volume> } {
  const good = new Map<string, Volume>();
  const errors = eachAt(path, volumes, (volume, at) => {
    const { name } = volume;
    const wrong = [
      ...validateSource(volume, at),
      ...(name === "" ? [required(`${at}.name`)] : checkDnsLabel(`${at}.name`, name)),
      ...(good.has(name) ? [duplicate(`${at}.name`, name)] : none),
    ];
    if (wrong.length === 0) good.set(name, volume);
    return wrong;
  });
  return { errors, good };
}
