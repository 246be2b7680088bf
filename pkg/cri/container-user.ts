import type { LinuxContainerSecurityContext } from "../../api/cri/v1.ts";
import type { Images, StoredImage } from "../images/images.ts";
import { lookUpUser, UnknownUser, type ContainerUser } from "../images/user-lookup.ts";
import { CriError, invalid } from "./cri-error.ts";

/** What to look up: "user", "uid", "user:group" or "uid:gid". Pure. */
export function userSpec(security: LinuxContainerSecurityContext, imageUser: string): string {
  const { runAsUser, runAsUsername, runAsGroup } = security;
  const user = runAsUser === undefined ? (runAsUsername ?? "") : String(runAsUser.value ?? 0n);
  if (runAsGroup === undefined) return user === "" ? imageUser : user;
  if (user === "") throw invalid("a group is given without a user");
  return `${user}:${runAsGroup.value ?? 0n}`;
}

/** Who the container's process is, by the image's own account files. */
export function containerUser(
  images: Images,
  image: StoredImage,
  security: LinuxContainerSecurityContext,
): ContainerUser {
  const text = (path: string): string =>
    Buffer.from(images.readFile(image, path) ?? []).toString("utf8");
  try {
    return lookUpUser(userSpec(security, image.config.config.user), {
      passwd: text("/etc/passwd"),
      group: text("/etc/group"),
    });
  } catch (cause) {
    if (!(cause instanceof UnknownUser)) throw cause;
    throw new CriError("INVALID_ARGUMENT", `user of image ${image.id}`, { cause });
  }
}
