import { readFileSync, readdirSync } from "node:fs";

/** `container` and `spec` are put over what every such pod has. */
export const busybox = (
  name: string,
  { container = {}, spec = {} }: { container?: object; spec?: object } = {},
): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: name } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "main",
        image: "busybox",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "3600"],
        ...container,
      },
    ],
    ...spec,
  },
});

/** The first process of a container: number 1 in its own namespace, in the cgroup of its name. */
export const pidInCgroup = (containerId: string): number => {
  const id = containerId.replace("tskube://", "");
  const found = readdirSync("/proc").find((name) => {
    try {
      if (!/^\d+$/.test(name)) return false;
      const isFirst = /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${name}/status`, "utf8"));
      return isFirst && readFileSync(`/proc/${name}/cgroup`, "utf8").includes(id);
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`no process is in a cgroup of ${id}`);
  return Number(found);
};
