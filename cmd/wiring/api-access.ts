import type { Transport } from "../../pkg/base/wire.ts";
import type { Client, Informers } from "../../pkg/client/client.ts";
import type { ClusterAccess } from "../../pkg/client/cluster-access.ts";
import { connect } from "../../pkg/client/connect.ts";
import { createEventRecorder, type EventRecorder } from "../../pkg/client/events.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { createInformers, withoutManagedFields } from "../../pkg/client/informer.ts";
import { chooseContext, readKubeconfigs } from "../../pkg/client/kubeconfig.ts";
import { kubernetesVersion } from "../../api/version.ts";
import type { Doors } from "./doors.ts";

/** The API server as one component reaches it, under the component's own name. */
export interface ApiAccess extends Doors {
  readonly transport: Transport;
  readonly client: Client;
  readonly informers: Informers;
  readonly events: EventRecorder;
}

/** Over a transport that knows who is calling: HTTPS, or a handler in this process. */
export function apiAccess(
  transport: Transport,
  component: string,
  doors: Doors,
  signal: AbortSignal,
): ApiAccess {
  const logger = doors.logger.child({ component });
  const client = connect(transport, {
    clock: doors.clock,
    userAgent: `${component}/${kubernetesVersion}`,
  });
  const own = { ...doors, logger, client };
  return {
    ...own,
    transport,
    informers: createInformers(own, signal, withoutManagedFields),
    events: createEventRecorder(own, component, signal),
  };
}

/** Over HTTPS, as a kubeconfig file says. The connection ends with the signal. */
export async function accessByKubeconfig(
  path: string,
  component: string,
  doors: Doors,
  signal: AbortSignal,
): Promise<ApiAccess & { readonly access: ClusterAccess }> {
  const { access } = chooseContext(await readKubeconfigs([path]), doors.clock);
  const transport = httpsTransport(access, doors.clock);
  signal.addEventListener("abort", () => transport.close(), { once: true });
  return { ...apiAccess(transport.send, component, doors, signal), access };
}
