import { describe, expect, it } from "vitest";
import { startCommands, transcriptOf } from "./run-commands.ts";

const files = {
  "things.yaml": `apiVersion: v1
kind: ServiceAccount
metadata: {name: default}
---
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes}
spec: {ports: [{port: 443}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-root-ca.crt}
---
apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: two}}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}]}]}
`,
};

/** Upstream's kubectl says the same to each. */
const lines = String.raw`
create -f things.yaml
expose pod two --dry-run=client -o yaml
run
run p
run p --image=nginx --dry-run=client -o yaml
run p --image=nginx --restart=Never --dry-run=client -o yaml
run p --image=nginx --restart=OnFailure --env=A=b --env=C= --port=80 --labels=a=b,c=d --dry-run=client -o yaml -- x y
run p --image=nginx --command --dry-run=client -o yaml -- sh -c 'echo hi'
run p --image=nginx --command --dry-run=client
run p --image=nginx --restart=Wrong --dry-run=client
run p --image=nginx --expose --dry-run=client
run p --image=nginx --port=80 --expose --dry-run=client -o yaml
run p --image=nginx --port=80 --expose --dry-run=client
run p --image='bad image' --dry-run=client
run p --image=nginx --env=A --dry-run=client
run p --image=nginx --env==b --dry-run=client
run p --image=nginx --rm
run p --image=nginx -t
run p --image=nginx -i --dry-run=client
run p --image=nginx --rm -i --dry-run=client -o yaml
run p --image=nginx x y --dry-run=client -o yaml
run p --image=nginx --image-pull-policy=Never --annotations=a=b --privileged -it --dry-run=client -o yaml
run p --image=nginx --image-pull-policy=No --dry-run=client -o yaml
run p --image=nginx --overrides='{"spec":{"nodeName":"n"}}' --dry-run=client -o yaml
run p --image=nginx --overrides='{"apiVersion":"v1","spec":{"nodeName":"n"}}' --dry-run=client -o yaml
run p --image=nginx --labels=x --dry-run=client
run p --image=nginx --dry-run=server
run p --image=nginx -o name
run p --image=nginx
run A_b --image=nginx
run p2 --image=nginx --port=80 --expose
run p3 --image=nginx --quiet --dry-run=client -o name
run p4 --image=nginx --attach --dry-run=client
run p4 --image=nginx --port=70000 --dry-run=client -o yaml
run p4 --image=nginx --pod-running-timeout=0s --rm -it
expose
expose pod p2
expose pod p2 --dry-run=client -o yaml
expose pod p --dry-run=client -o yaml
expose pod p --port=80 --name=x --dry-run=client -o yaml
expose pod p --port=80,81 --target-port=http --name=x --dry-run=client -o yaml
expose pod p --port=80 --target-port=8080 --type=NodePort --protocol=UDP --labels=z=y --selector=q=r --dry-run=client -o yaml
expose pod nope --port=80
expose pod/p pod/p2 --port=80 --dry-run=client
expose pods --port=80 --dry-run=client
expose node n1 --port=80
expose svc kubernetes --name=k2 --dry-run=client -o yaml
expose svc p2 --name=k2 --port=99 --dry-run=client -o yaml
expose pod p --port=80 --external-ip=1.2.3.4 --load-balancer-ip=1.1.1.1 --session-affinity=ClientIP --cluster-ip=None --dry-run=client -o yaml
expose pod p --port=80 --type=Wrong --dry-run=client
expose pod p --port=80 --dry-run=server
expose pod p --port=80 -o name
expose pod p --port=80
expose pod p --port=80 --overrides='{"apiVersion":"v1","spec":{"sessionAffinity":"ClientIP"}}' --name=x --dry-run=client -o yaml
create deploy dd --image=nginx
expose deploy dd --port=80 --dry-run=client -o yaml
expose deploy dd --dry-run=client -o yaml
expose cm kube-root-ca.crt --port=80
expose rs -l app=dd --port=80 --dry-run=client -o name
delete svc p p2
delete pod p p2 --now
`;

describe("run and expose", () => {
  it("go as the transcript says", async () => {
    using commands = await startCommands(files);
    const transcript = await transcriptOf(commands, lines);
    await expect(transcript).toMatchFileSnapshot("testdata/run-expose.txt");
  });
});
