import type { Container, Volume, VolumeMount } from "../../../../api/core/v1.ts";
import { forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { checkOptional, eachAt, type Errors, none, notFound } from "../rules.ts";
import { checkLocalPath } from "./paths.ts";

export type Volumes = ReadonlyMap<string, Volume>;

function validatePropagation(container: Container, mount: VolumeMount, path: string): Errors {
  const { mountPropagation: mode } = mount;
  const isPrivileged = container.securityContext?.privileged === true;
  const why = "Bidirectional mount propagation is available only to privileged containers";
  return [
    ...checkOptional(path, mode, ["Bidirectional", "HostToContainer", "None"]),
    ...(mode === "Bidirectional" && !isPrivileged ? [forbidden(path, why)] : none),
  ];
}

function validateRecursion(mount: VolumeMount, path: string): Errors {
  const { recursiveReadOnly: mode, readOnly, mountPropagation = "None" } = mount;
  if (mode === undefined || mode === "Disabled") return none;
  if (mode !== "Enabled" && mode !== "IfPossible")
    return checkOptional(path, mode, ["Disabled", "Enabled", "IfPossible"]);
  const notShared = "may only be specified when mountPropagation is None or not specified";
  return [
    ...(readOnly === true
      ? none
      : [forbidden(path, "may only be specified when readOnly is true")]),
    ...(mountPropagation === "None" ? none : [forbidden(path, notShared)]),
  ];
}

function validateSubPath({ subPath = "", subPathExpr = "" }: VolumeMount, path: string): Errors {
  // Upstream reports these at the list.
  const list = path.replace(/\[\d+\]$/, "");
  const both = "subPathExpr and subPath are mutually exclusive";
  return [
    ...(subPath === "" ? none : checkLocalPath(`${list}.subPath`, subPath)),
    ...(subPathExpr !== "" && subPath !== ""
      ? [invalid(`${path}.subPathExpr`, subPathExpr, both)]
      : none),
    ...(subPathExpr === "" ? none : checkLocalPath(`${list}.subPathExpr`, subPathExpr)),
  ];
}

export function validateMounts(container: Container, volumes: Volumes, path: string): Errors {
  const devices = container.volumeDevices ?? [];
  const targets = new Set<string>();
  return eachAt(path, container.volumeMounts, (mount, at) => {
    const { name, mountPath } = mount;
    const isTaken = targets.has(mountPath);
    targets.add(mountPath);
    return [
      ...(name === "" ? [required(`${at}.name`)] : none),
      ...(volumes.has(name) ? none : [notFound(`${at}.name`, name)]),
      ...(mountPath === "" ? [required(`${at}.mountPath`)] : none),
      ...(isTaken ? [invalid(`${at}.mountPath`, mountPath, "must be unique")] : none),
      ...(devices.some((device) => device.name === name)
        ? [invalid(`${at}.name`, name, "must not already exist in volumeDevices")]
        : none),
      ...validateSubPath(mount, at),
      ...validatePropagation(container, mount, `${path}.mountPropagation`),
      ...validateRecursion(mount, `${path}.recursiveReadOnly`),
    ];
  });
}

export function validateDevices(container: Container, volumes: Volumes, path: string): Errors {
  const names = new Set<string>();
  const targets = new Set<string>();
  return eachAt(path, container.volumeDevices, ({ name, devicePath }, at) => {
    const volume = volumes.get(name);
    const isClaim = volume?.persistentVolumeClaim !== undefined || volume?.ephemeral !== undefined;
    const errors = [
      ...(name === "" ? [required(`${at}.name`)] : none),
      ...(names.has(name) ? [invalid(`${at}.name`, name, "must be unique")] : none),
      ...(volume === undefined ? [notFound(`${at}.name`, name)] : none),
      ...(volume !== undefined && !isClaim
        ? [
            invalid(
              `${at}.name`,
              name,
              "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
            ),
          ]
        : none),
      ...(devicePath === "" ? [required(`${at}.devicePath`)] : none),
      ...(targets.has(devicePath)
        ? [invalid(`${at}.devicePath`, devicePath, "must be unique")]
        : none),
      ...(devicePath.split("/").includes("..")
        ? [invalid(`${at}.devicePath`, devicePath, "can not contain backsteps ('..')")]
        : none),
    ];
    names.add(name);
    targets.add(devicePath);
    return errors;
  });
}
