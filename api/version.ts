/** The version of Kubernetes whose contract this is: what /version, nodes and clients say. */
export const kubernetesVersion = "v1.37.0";
