import { parseIpv4Range } from "../base/ipv4.ts";
import { parseBootstrapToken } from "../machinery/bootstrap-token.ts";
import type { ClusterSpec } from "./cluster-spec.ts";
import { parseEndpoint } from "./endpoint.ts";

/** Each node has a part of the pods' addresses of this size. */
const nodePrefixBits = 24;
/** As upstream: the API server's and DNS's addresses, the first and the tenth, are among them. */
const servicePrefixBitsMax = 28;
const portMax = 65_535;

type Asked = Pick<
  ClusterSpec,
  "podSubnet" | "serviceSubnet" | "controlPlaneEndpoint" | "bindPort" | "token"
>;

/**
 * Why no cluster can be made of these values, with what to say instead; undefined: one can. What is
 * wrong here would be noticed only when half of the cluster runs. Pure.
 */
export function specProblem(spec: Asked): string | undefined {
  const { bindPort, controlPlaneEndpoint, token } = spec;
  if (!Number.isInteger(bindPort) || bindPort < 1 || bindPort > portMax) {
    return `${bindPort} is no port: say one of 1 to ${portMax}`;
  }
  if (parseEndpoint(controlPlaneEndpoint, bindPort) === undefined) {
    return `${JSON.stringify(controlPlaneEndpoint)} is no endpoint: say HOST or HOST:PORT`;
  }
  if (parseBootstrapToken(token) === undefined) {
    return "the token is not of the form [a-z0-9]{6}.[a-z0-9]{16}: tsadm token generate makes one";
  }
  return subnetProblem(spec);
}

function subnetProblem({ podSubnet, serviceSubnet }: Asked): string | undefined {
  const pods = parseIpv4Range(podSubnet);
  const services = parseIpv4Range(serviceSubnet);
  if (pods === undefined || pods.prefixBits > nodePrefixBits) {
    return (
      `${podSubnet} is no IPv4 range for pods: say one like 10.244.0.0/16, with at least a ` +
      `/${nodePrefixBits} for each node`
    );
  }
  if (services === undefined || services.prefixBits > servicePrefixBitsMax) {
    return (
      `${serviceSubnet} is no IPv4 range for Services: say one like 10.96.0.0/16, not smaller ` +
      `than /${servicePrefixBitsMax}`
    );
  }
  const isApart =
    pods.base + pods.size <= services.base || services.base + services.size <= pods.base;
  return isApart
    ? undefined
    : `pods (${podSubnet}) and Services (${serviceSubnet}) share addresses`;
}
