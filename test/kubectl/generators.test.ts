import { describe, expect, it } from "vitest";
import { startCommands, transcriptOf } from "./run-commands.ts";

const files = {
  "account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n",
  "f.txt": "hello\nworld\n",
  "d/k1": "x\n",
  "d/k2": "y\n",
  env1: "# a comment\na=1\n  b=two words\nHOME\n",
};

/** Upstream's kubectl says the same to each, but for the list of commands of a group. */
const lines = `
create -f account.yaml
create
create nope
create ns a --dry-run=client -o yaml
create ns a --dry-run=client
create ns
create ns a b
create namespace a --dry-run=server -o name
create cm c --from-literal=a=1 --from-literal=b=x=y --dry-run=client -o yaml
create cm c --dry-run=client -o yaml
create cm
create cm c --from-env-file=env1 --dry-run=client -o yaml
create cm c --from-env-file=env1 --from-literal=a=1 --dry-run=client -o yaml
create cm c --from-literal=a --dry-run=client -o yaml
create cm c --from-literal=a=1 --from-literal=a=2 --dry-run=client -o yaml
create cm c --from-literal=a/b=1 --dry-run=client -o yaml
create cm c --from-file=nope --dry-run=client -o yaml
create cm c --from-file==x --dry-run=client -o yaml
create cm c --from-literal=a=1 --dry-run=client -o json
create secret
create secret generic s --from-literal=a=1 --from-file=f.txt --dry-run=client -o yaml
create secret generic s --type=x/y --dry-run=client -o yaml
create secret tls t --cert=nope --key=f.txt --dry-run=client -o name
create secret docker-registry r --docker-username=u --docker-password=p --docker-email=e@x --dry-run=client -o yaml
create secret docker-registry r --docker-username=u --dry-run=client -o yaml
create secret docker-registry r --docker-username=u --docker-password=p --docker-server=h:5000 --dry-run=client -o yaml
create secret docker-registry r --from-file=f.txt --dry-run=client -o yaml
create secret docker-registry r --from-file=.dockerconfigjson=f.txt --dry-run=client -o yaml
create sa s --dry-run=client -o yaml
create sa
create deployment d --dry-run=client -o yaml
create deployment d --image=nginx --dry-run=client -o yaml
create deploy d --image=nginx:1 --image=busybox --replicas=3 --dry-run=client -o yaml
create deploy d --image=reg.io:5000/a/nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000 --port=80 --dry-run=client -o yaml
create deploy d --image=nginx:1 --port=80 --dry-run=client -o yaml -- sh -c date
create deploy d --image=nginx --image=b -- date
create deploy d --image=nginx --replicas=-2 --dry-run=client
create deploy d sh --image=nginx --dry-run=client
create service
create svc clusterip s --tcp=80 --dry-run=client -o yaml
create svc clusterip s --tcp=80:8080,443 --dry-run=client -o yaml
create svc clusterip s --clusterip=None --dry-run=client -o yaml
create svc clusterip s --dry-run=client -o yaml
create svc clusterip s --tcp=80:http --dry-run=client -o yaml
create svc clusterip s --tcp=x --dry-run=client -o yaml
create svc clusterip s --tcp=80:70000 --dry-run=client -o yaml
create svc clusterip s --tcp=1:2:3 --dry-run=client -o yaml
create svc clusterip s --clusterip=None --tcp=80 --dry-run=client -o yaml
create svc nodeport s --tcp=80:8080 --node-port=30080 --dry-run=client -o yaml
create svc nodeport s --tcp=80:8080 --tcp=81 --node-port=30080 --dry-run=client -o yaml
create svc nodeport s --dry-run=client -o yaml
create svc loadbalancer s --tcp=80:8080 --dry-run=client -o yaml
create svc externalname s --external-name=a.b --tcp=80 --dry-run=client -o yaml
create svc externalname s --external-name=a.b --dry-run=client -o yaml
create svc externalname s --dry-run=client -o yaml
create svc clusterip
create svc nope x
create role r --verb=get,list --resource=pods,deployments.apps --dry-run=client -o yaml
create role r --verb=get --resource=pods/log,svc --resource-name=a --dry-run=client -o yaml
create role r --verb=get --resource=pods --resource-name=a --resource-name=b --dry-run=client -o yaml
create role r --dry-run=client -o yaml
create role r --verb=get --dry-run=client -o yaml
create role r --verb=get --resource=nope --dry-run=client -o yaml
create role r --verb=foo --resource=pods --dry-run=client -o yaml
create role r --verb=* --verb=get --resource=pods --dry-run=client -o yaml
create role r --verb=get --verb=get --resource=rs.apps/scale,deploy --dry-run=client -o yaml
create role r --verb=get --resource=pods,a/b/c --dry-run=client -o yaml
create role r --verb=use --resource=pods --dry-run=client -o yaml
create role r --verb=get --resource=* --dry-run=client -o yaml
create clusterrole r --verb=get,list --resource=pods,nodes --dry-run=client -o yaml
create clusterrole r --verb=get --non-resource-url=/logs/* --dry-run=client -o yaml
create clusterrole r --verb=use --non-resource-url=/logs/* --dry-run=client -o yaml
create clusterrole r --verb=get --non-resource-url=logs --dry-run=client -o yaml
create clusterrole r --aggregation-rule=a=b,c=d --dry-run=client -o yaml
create clusterrole r --aggregation-rule=a=b --verb=get --resource=pods --dry-run=client -o yaml
create clusterrole r --dry-run=client -o yaml
create clusterrole r --verb=get --dry-run=client -o yaml
create rolebinding b --clusterrole=view --user=joe --group=g1 --serviceaccount=ns:sa --dry-run=client -o yaml
create rolebinding b --role=r --user=joe,ann --dry-run=client -o yaml
create rolebinding b --dry-run=client -o yaml
create rolebinding b --role=r --clusterrole=v --dry-run=client -o yaml
create rolebinding b --role=r --serviceaccount=x --dry-run=client -o yaml
create clusterrolebinding b --clusterrole=view --user=joe --group=g1 --serviceaccount=ns:sa --dry-run=client -o yaml
create clusterrolebinding b --dry-run=client -o yaml
create clusterrolebinding b --user=a --dry-run=client -o yaml
create token
create token nope
create token default --duration=10s
create token default --duration=-10s
create token default --bound-object-kind=Foo --bound-object-name=x
create token default --bound-object-kind=Pod
create token default --bound-object-name=x
create token default --bound-object-kind=Pod --bound-object-name=nope
create sa s1 -n kube-system --dry-run=server
create deploy d1 --image=nginx --save-config --dry-run=client -o yaml
create cm c --from-literal=a=1 --validate=wrong
create cm c --from-literal=a=1 --dry-run=wrong
create ns a -f x
create ns a -n foo --dry-run=client -o yaml
create cm a -n foo --dry-run=client -o yaml
create cm A_b --from-literal=a=1
create cm A_b --from-literal=a=1 --dry-run=client
create secret nope x
create ns default
create ns A_b
create sa default
create sa A_b
create cm kube-root-ca.crt
create secret generic A_b
create secret docker-registry A_b --docker-username=a --docker-password=b
create deploy A_b --image=x
create svc clusterip A_b --tcp=80
create svc clusterip kubernetes --tcp=80
create svc nodeport kubernetes --tcp=80
create svc externalname kubernetes --external-name=a
create role A%b --verb=get --resource=pods
create clusterrole view --verb=get --resource=pods
create rolebinding A%b --clusterrole=view --user=j
create clusterrolebinding cluster-admin --clusterrole=view --user=j
create deploy dd --image=nginx
create rolebinding rb --clusterrole=view
create role rr --verb=get --resource=pods
create secret generic x --from-literal=.=1 --dry-run=client
create secret generic x --from-literal=a=1 --from-literal=a=1 --dry-run=client
create secret generic x --from-file=a=b=c --dry-run=client
create cm x --from-file=k=d --dry-run=client
create cm x --from-literal==v --dry-run=client
create cm x --from-literal='a="q"' --from-literal="b='x'" --dry-run=client -o yaml
create cm x --from-env-file=nope --dry-run=client
create secret generic x --from-env-file=env1 --dry-run=client -o yaml
create role x --verb=get --resource=pods --resource-name=a --resource=svc --resource-name= --dry-run=client -o yaml
create role x --verb=get,foo --resource=pods.v1 --dry-run=client -o yaml
create role x --verb=get --resource=*.apps,secrets --dry-run=client -o yaml
create clusterrole x --verb=get --resource=pods --non-resource-url=/a --dry-run=client -o yaml
create role x --verb=get --resource=nodes --dry-run=client -o yaml
create role x --verb=escalate --resource=pods --dry-run=client -o yaml
create role x --verb=escalate,bind --resource=roles --dry-run=client -o yaml
create cm c --from-file=f.txt --from-file=k=f.txt --from-file=d --dry-run=client -o yaml
create cm c --from-literal=a=1 --append-hash --dry-run=client -o name
create secret generic s --from-literal=a=1 --append-hash --dry-run=client -o name
`;

describe("create with words alone", () => {
  it("goes as the transcript says", async () => {
    using commands = await startCommands(files);
    const transcript = await transcriptOf(commands, lines);
    await expect(transcript).toMatchFileSnapshot("testdata/generators.txt");
  });
});
