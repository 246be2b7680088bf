/** tskube-apiserver: the Kubernetes API over etcd or SQLite. */
import { listenApi, startApi } from "../wiring/api-serving.ts";
import { clusterDefaults, defaultNodeAddress } from "../wiring/cluster-settings.ts";
import { systemDoors, type Doors } from "../wiring/doors.ts";
import { followFiles } from "../wiring/follow-files.ts";
import { runProgram } from "../wiring/run-program.ts";
import type { ServerTls } from "../../pkg/serving/server-contract.ts";
import {
  apiServerFlags,
  openStorage,
  readKubeletClient,
  readServerTls,
  readTokenKeys,
  readTokens,
  required,
  type ApiServerFlags,
} from "./flags.ts";

const text = { name: "tskube-apiserver", about: "serves the Kubernetes API" };

async function serve(given: ApiServerFlags, signal: AbortSignal): Promise<void> {
  const doors = systemDoors(text.name, given["log-level"]);
  const port = given["secure-port"] ?? clusterDefaults.securePort;
  const advertised = given["advertise-address"] ?? defaultNodeAddress();
  const tls = await readServerTls(given);
  const kubeletClient = await readKubeletClient(given);
  const tokens = await readTokens(given["token-auth-file"]);
  const nodePortRange = given["service-node-port-range"];
  const storage = await openStorage(given, doors.clock);
  const api = await startApi(
    {
      storage,
      serviceCidr: given["service-cluster-ip-range"] ?? clusterDefaults.serviceCidr,
      ...(nodePortRange === undefined ? {} : { nodePortRange }),
      advertiseAddress: `${advertised}:${port}`,
      issuer: required(given, "service-account-issuer"),
      signingKeyFile: required(given, "service-account-signing-key-file"),
      otherKeys: await readTokenKeys(given["service-account-key-file"]),
      ...(kubeletClient === undefined ? {} : { kubeletClient }),
      ...(tokens === undefined ? {} : { tokens }),
    },
    doors,
    signal,
  );
  const address = given["bind-address"] ?? "0.0.0.0";
  doors.logger.info({ server: `https://${advertised}:${port}` }, "the API answers");
  const followTls = (use: (tls: ServerTls) => void, signal: AbortSignal): Promise<void> =>
    followServerTls(given, tls, use, doors, signal);
  await Promise.all([api.ended, listenApi(api, { address, port, tls, followTls }, signal)]);
  await storage.close();
}

/** A certificate that was renewed is taken up without a restart, as kube-apiserver does. */
function followServerTls(
  given: ApiServerFlags,
  first: ServerTls,
  use: (tls: ServerTls) => void,
  doors: Doors,
  signal: AbortSignal,
): Promise<void> {
  let inUse = first;
  const readAgain = async (): Promise<void> => {
    const tls = await readServerTls(given);
    const isSame =
      tls.certificate === inUse.certificate &&
      tls.key === inUse.key &&
      tls.clientAuthorities === inUse.clientAuthorities;
    if (isSame) return;
    use(tls);
    inUse = tls;
    doors.logger.info({}, "new connections see the certificate that was renewed");
  };
  const files = [given["tls-cert-file"], given["tls-private-key-file"], given["client-ca-file"]];
  return followFiles(
    files.filter((path) => path !== undefined),
    readAgain,
    doors,
    signal,
  );
}

await runProgram(text, apiServerFlags, ({ flags }, signal) => serve(flags, signal));
