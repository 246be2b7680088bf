import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startCommands, transcriptOf, type CommandRunner } from "./run-commands.ts";

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1
        ports: [{name: http, containerPort: 80}]
        readinessProbe: {httpGet: {path: /, port: http}}
`;
/** Made with openssl for CN=joe; its key was thrown away. */
const certificateRequest = [
  "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlISE1IQUNBUUF3RGpFTU1Bb0dBMVVF",
  "QXd3RGFtOWxNRmt3RXdZSEtvWkl6ajBDQVFZSUtvWkl6ajBEQVFjRApRZ0FFU3lkY056U1pjOTY2ck50",
  "enhuTG1wbCtReHIzL2N2Wm8rbHN2anJUSnVoQjF0THhOU0JaYmF5M21ob2ptCmRqa0pnRndJVmRtSDhI",
  "MWVxWkg5ZjhUVnJhQUFNQW9HQ0NxR1NNNDlCQU1DQTBjQU1FUUNJRWUrbHFINjl5bjEKWnhLeWNDS3M1",
  "enJyd2lhejRleGRZUTJjeG82WWVEZU1BaUJ2MWpWdThEOVBPMXpyamY0VDhUbGpwWjFIMXBNeQpmKysz",
  "cEQ1WWIvN2hRQT09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=",
].join("");
const files = {
  "web.yaml": `${deployment}---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
`,
  "green.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {color: green}\n",
  // No controller makes it here, and no pod is without one.
  "account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n",
  "pods.yaml": `apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: a}}
spec: {containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, labels: {app: b}}
spec: {containers: [{name: c, image: x, resources: {requests: {cpu: 100m}}}]}
`,
  "broken.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n   labels: x\n",
  "unknown.yaml": "apiVersion: v1\nkind: Foo\nmetadata: {name: f}\n",
  "field.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f}\nfoo: bar\n",
  "labels.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: f, labels: {"a b": c}}\n',
  "nodes.yaml": `apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: east}}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
`,
  "placed.yaml": `apiVersion: v1
kind: Pod
metadata: {name: alone, namespace: default}
spec: {nodeName: n1, terminationGracePeriodSeconds: 0, containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata:
  name: kept
  namespace: default
  ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: d, uid: u, controller: true}]
spec: {nodeName: n1, terminationGracePeriodSeconds: 0, containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Pod
metadata: {name: local, namespace: default}
spec:
  nodeName: n1
  terminationGracePeriodSeconds: 0
  volumes: [{name: v, emptyDir: {}}]
  containers: [{name: c, image: x}]
`,
  "request.yaml": `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: joe}
spec:
  signerName: example.com/people
  usages: [client auth]
  request: ${certificateRequest}
`,
  "unnamed.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {a: b}}\n",
  "mixed.yaml":
    "apiVersion: v1\nkind: Foo\nmetadata: {name: f}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\n",
};

/** A journey: each line as typed, in this order. */
const journey = `
apply -f web.yaml
apply -f web.yaml
apply -f green.yaml --dry-run=server
apply -f green.yaml
get deploy,cm
get deployment web -o name
get cm settings -o jsonpath={.data.color}
get deploy web -o custom-columns=NAME:.metadata.name,IMAGES:.spec.template.spec.containers[*].image
describe deploy web
events
events --for deploy
events --types=some
describe cm settings
rollout status deploy/web --watch=false
rollout history deploy/web
rollout pause deploy/web
rollout pause deploy/web
rollout restart deploy/web
rollout resume deploy/web
rollout undo deploy/web
rollout status cm/settings
scale deploy web --replicas=5
scale deploy/web --replicas=1 --current-replicas=9
scale deploy web
create -f account.yaml
create -f pods.yaml
create -f pods.yaml
get pods
get pods -l app=a --show-labels
get pods -A --no-headers
get pod/a pod/b
get pod a nope
get pods --sort-by=.metadata.name -o name
describe pod b
delete -f pods.yaml
delete pod a
delete pod a --ignore-not-found
delete cm settings -o name
delete deploy --all --dry-run=client
get pods
apply -f broken.yaml
apply -f unknown.yaml
apply -f field.yaml
apply -f labels.yaml
apply -f unnamed.yaml
apply -f mixed.yaml
apply -f nofile.yaml
apply
get
get nope
get pods -o wrong
get pods --wrong
get pods -l "a in (b"
logs nope
exec a ls
wrong
`;

/** What people do with machines, and with who may what. */
const administration = `
create -f account.yaml
apply -f nodes.yaml
cordon n1
cordon n1
uncordon node/n1 n2
cordon -l zone=east --dry-run=client
cordon
cordon n1 -l zone=east
cordon nope
taint nodes n1 a=b:NoSchedule
taint nodes n1 a=c:NoSchedule
taint nodes n1 a=c:NoSchedule --overwrite
taint node --all x:NoExecute
taint node n1 n2 x-
taint node n1 x-
taint node n1 a=b
taint node n1 a=b:Never
taint node n1 a=b:NoSchedule a:NoSchedule-
taint pods n1 a=b:NoSchedule
get node n1 -o jsonpath={.spec.taints}
apply -f placed.yaml
drain n1
drain n1 --ignore-daemonsets --force
drain n1 --ignore-daemonsets --force --delete-emptydir-data --dry-run=client
drain n1 --ignore-daemonsets --force --delete-emptydir-data
drain n1 --ignore-daemonsets
get pods
uncordon n1
apply -f request.yaml
certificate approve joe
certificate approve joe
get csr joe -o jsonpath={.status.conditions[*].message}
certificate deny joe
certificate approve
certificate sign joe
auth can-i get
auth who
cluster-info
config view
config view --raw -o jsonpath={.users[0].user.token}
config view --minify --context=nope
config get-contexts
config get-contexts -o name
config get-contexts nope
config get-clusters
config current-context
config set-context there --cluster=home --user=other --namespace=a
config set-context there --namespace=b
config set-context --current --namespace=c
config set-context
config use-context there
config use-context nope
config rename-context there elsewhere
config rename-context nope other
config rename-context elsewhere here
config set-cluster away --server=https://10.0.0.2:6443 --insecure-skip-tls-verify
config set-credentials other --token=abc
config view
config delete-context elsewhere
config delete-context elsewhere
config delete-cluster away
config delete-user other
config unset current-context
config current-context
config wrong
`;

describe("commands against the API server", () => {
  let commands: CommandRunner;
  beforeAll(async () => void (commands = await startCommands(files)));
  afterAll(() => commands[Symbol.dispose]());

  for (const [file, lines] of [
    ["journey", journey],
    ["administration", administration],
  ] as const) {
    it(`go as the transcript ${file} says`, async () => {
      using commands = await startCommands(files);
      const transcript = await transcriptOf(commands, lines);
      await expect(transcript).toMatchFileSnapshot(`testdata/${file}.txt`);
    });
  }

  it("take for granted only what discovery tells too", async () => {
    const { knownMapper } = await import("../../pkg/kubectl/known-resources.ts");
    const discovered = await commands.mapper();
    const known = knownMapper(["pods"])?.resources ?? [];
    expect(known.length).toBeGreaterThan(10);
    for (const { group, plural, kind, namespaced, singular, shortNames } of known)
      expect(discovered.byName(group === "" ? plural : `${plural}.${group}`)).toMatchObject({
        kind,
        namespaced,
        singular,
        shortNames,
      });
  });

  it("ask the server for what it alone can know", async () => {
    const { knownMapper } = await import("../../pkg/kubectl/known-resources.ts");
    for (const words of [["all"], ["widgets"], ["pods,widgets"], ["pod/a", "widget/b"], []])
      expect(knownMapper(words)).toBeUndefined();
  });

  it("watch until the server ends it", async () => {
    const watching = commands.run("get cm -w --watch-only -o name");
    await commands.run("create -f web.yaml");
    await commands.run("delete deploy web");
    commands.server.stop();
    const { text } = await watching;
    expect(text).toContain("configmap/settings\n");
  });
});
