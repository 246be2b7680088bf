import type { Container, Pod } from "../../../api/core/v1.ts";
import { ConfigError } from "../environment/environment.ts";
import { describePod } from "../pods/pod-spec.ts";

/** Throws ConfigError when runAsNonRoot forbids the user that the container would have. */
export function checkNonRoot(
  pod: Pod,
  container: Container,
  image: { readonly uid?: number; readonly username?: string },
): void {
  const own = container.securityContext;
  const shared = pod.spec.securityContext;
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) !== true) return;
  const where = `(pod: "${describePod(pod)}", container: ${container.name})`;
  const user = own?.runAsUser ?? shared?.runAsUser;
  if (user === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
  if (user !== undefined) return;
  if (image.uid === undefined && image.username !== undefined)
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), ` +
        `cannot verify user is non-root ${where}`,
    );
  if ((image.uid ?? 0) === 0)
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
}
