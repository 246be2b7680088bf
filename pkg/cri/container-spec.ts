import { mkdir, stat } from "node:fs/promises";
import { NamespaceMode, type ContainerConfig } from "../../api/cri/v1.ts";
import type { Seccomp, Spec } from "../../api/oci/runtime.ts";
import type { StoredImage } from "../images/images.ts";
import type { ContainerUser } from "../images/user-lookup.ts";
import { defaultSeccomp } from "../linux/seccomp-default.ts";
import type { CriContext } from "./context.ts";
import { containerUser } from "./container-user.ts";
import { CriError, invalid } from "./cri-error.ts";
import { readAllDevices, readDevices } from "./host-devices.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import { chooseSeccomp, readSeccomp } from "./seccomp-profile.ts";
import type { SpecInput, SpecPaths } from "./spec-input.ts";
import { planSpec } from "./spec-plan.ts";
import { planCapabilities } from "./spec-process-plan.ts";

export interface SpecRequest {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxRecord;
  readonly image: StoredImage;
  readonly paths: SpecPaths;
  /** Sources of mounts that are images, by container path. */
  readonly imageMounts: Readonly<Record<string, string>>;
  /** The container whose processes are to be seen (an ephemeral container's target). */
  readonly target: (id: string) => ContainerRecord | undefined;
}

export interface PreparedSpec {
  readonly spec: Spec;
  readonly user: ContainerUser;
}

/** Looks up what the plan needs of image and host, and plans. */
export async function prepareSpec(
  context: CriContext,
  request: SpecRequest,
): Promise<PreparedSpec> {
  const { config, sandbox, image, id } = request;
  const security = config.linux?.securityContext ?? {};
  const user = containerUser(context.images, image, security);
  const choice = chooseSeccomp(security);
  const seccomp = choice.is === "file" ? await readSeccomp(choice.path) : undefined;
  const asked = await readDevices(config.devices ?? []);
  const devices = security.privileged === true ? [...(await readAllDevices()), ...asked] : asked;
  await makeSources(config);
  const pid = pidNamespace(request);
  const input: SpecInput = {
    id,
    sandboxId: sandbox.id,
    config,
    sandbox: sandbox.config,
    image: image.config,
    user,
    host: context.host,
    devices,
    imageMounts: request.imageMounts,
    paths: { ...request.paths, ...(pid === undefined ? {} : { pid }) },
    ...(seccomp === undefined ? {} : { seccomp }),
  };
  if (choice.is !== "default") return { spec: planSpec(input), user };
  // What the default profile allows depends on the capabilities; pkg/linux knows OCI by shape only.
  const { bounding = [] } = planCapabilities(input);
  return { spec: planSpec({ ...input, seccomp: defaultSeccomp(bounding) as Seccomp }), user };
}

/** A bind mount's source that is not there becomes a folder, as Docker began it. */
async function makeSources({ mounts = [] }: ContainerConfig): Promise<void> {
  for (const { hostPath = "" } of mounts) {
    if (!hostPath.startsWith("/")) continue;
    const isThere = await stat(hostPath).then(
      () => true,
      () => false,
    );
    if (!isThere) await mkdir(hostPath, { recursive: true, mode: 0o755 });
  }
}

function pidNamespace({ config, sandbox, target }: SpecRequest): string | undefined {
  const options = config.linux?.securityContext?.namespaceOptions ?? {};
  const mode = options.pid ?? NamespaceMode.POD;
  if (mode === NamespaceMode.POD) {
    if (sandbox.pidNamespace === undefined) return undefined;
    return sandbox.pidNamespace;
  }
  if (mode !== NamespaceMode.TARGET) return undefined;
  const found = target(options.targetId ?? "");
  if (found === undefined || found.sandboxId !== sandbox.id) {
    throw invalid(`target container ${options.targetId} is not of this pod`);
  }
  if (found.life.at !== "running") {
    throw new CriError("FAILED_PRECONDITION", `target container ${found.id} is not running`);
  }
  return `/proc/${found.life.pid}/ns/pid`;
}
