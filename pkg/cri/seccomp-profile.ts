import { readFile } from "node:fs/promises";
import {
  ProfileType,
  type LinuxContainerSecurityContext,
  type SecurityProfile,
} from "../../api/cri/v1.ts";
import type { Seccomp } from "../../api/oci/runtime.ts";
import { CriError, invalid } from "./cri-error.ts";

export type SeccompChoice =
  | { readonly is: "default" }
  | { readonly is: "unconfined" }
  | { readonly is: "file"; readonly path: string };

/** Pure. CRI wants silence to mean unconfined; the kubelet is who asks for the default profile. */
export function chooseSeccomp(security: LinuxContainerSecurityContext): SeccompChoice {
  if (security.privileged === true) return { is: "unconfined" };
  const profile = security.seccomp ?? fromPath(security.seccompProfilePath ?? "");
  if (profile === undefined || profile.profileType === ProfileType.Unconfined) {
    return { is: "unconfined" };
  }
  if (profile.profileType !== ProfileType.Localhost) return { is: "default" };
  const path = profile.localhostRef ?? "";
  if (!path.startsWith("/")) throw invalid(`seccomp profile ${JSON.stringify(path)} is no path`);
  return { is: "file", path };
}

/** The deprecated field: "runtime/default", "unconfined", "localhost/…". */
function fromPath(text: string): SecurityProfile | undefined {
  if (text === "runtime/default" || text === "docker/default") {
    return { profileType: ProfileType.RuntimeDefault };
  }
  if (!text.startsWith("localhost/")) return undefined;
  return { profileType: ProfileType.Localhost, localhostRef: text.slice("localhost/".length) };
}

/** Profiles as Docker and the OCI write them are told apart by what an OCI one must have. */
export async function readSeccomp(path: string): Promise<Seccomp> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new CriError("INVALID_ARGUMENT", `read seccomp profile ${path}`, { cause });
  });
  try {
    const profile = JSON.parse(text) as Partial<Seccomp>;
    if (typeof profile.defaultAction !== "string") throw new Error("it has no defaultAction");
    return { ...profile, defaultAction: profile.defaultAction };
  } catch (cause) {
    throw new CriError("INVALID_ARGUMENT", `seccomp profile ${path}`, { cause });
  }
}
