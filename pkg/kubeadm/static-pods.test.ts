import { expect, it } from "vitest";
import { specDefaults, type ClusterSpec } from "./cluster-spec.ts";
import { controlPlaneManifests, manifestText } from "./static-pods.ts";

const spec: ClusterSpec = {
  ...specDefaults,
  images: { tskube: "localhost/tskube:v1", etcd: "localhost/tskube-etcd:v1" },
  nodeName: "machine-1",
  advertiseAddress: "10.31.0.11",
  controlPlaneEndpoint: "10.31.0.11:6443",
  certSANs: [],
  token: "abcdef.0123456789abcdef",
};

it("the control plane is four manifests", async () => {
  const text = controlPlaneManifests(spec)
    .map(([file, pod]) => `# ${file}\n${manifestText(pod)}`)
    .join("---\n");
  await expect(text).toMatchFileSnapshot("testdata/control-plane.yaml");
});
