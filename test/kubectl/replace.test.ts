import { describe, expect, it } from "vitest";
import { startCommands, transcriptOf } from "./run-commands.ts";

const files = {
  "account.yaml": "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n",
  "one.yaml": 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "1"}\n',
  "two.yaml":
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: "2"}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n',
  "one.json": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"a":"3"}}',
};

/** Upstream's kubectl says the same to each. */
const lines = `
create -f account.yaml
replace
replace -f one.yaml
create -f one.yaml
replace -f two.yaml
get cm one -o jsonpath={.data}
replace -f one.yaml --dry-run=client
replace -f one.yaml --dry-run=server
replace -f one.yaml -o name
replace -f one.yaml --save-config -o jsonpath={.metadata.annotations}
replace -f nope.yaml
replace --force -f two.yaml
replace --force -f two.yaml --grace-period=0
replace --grace-period=3 -f one.yaml
replace --timeout=3s -f one.yaml
get cm -o name
create --raw /api/v1/namespaces/default/configmaps
get --raw /nope
delete --raw /nope
diff
explain
explain nope
explain pods a
explain pods.nope
explain cm.data
explain lease.spec --recursive
explain deploy --api-version=apps/v2
completion words -- exp
completion words -- get cm o
completion words -- get confi
completion words -- create s
completion words -- get -o j
completion words -- get pods -n d
completion
completion foo
plugin list
`;

describe("replace, explain, completion", () => {
  it("go as the transcript says", async () => {
    using commands = await startCommands(files);
    const transcript = await transcriptOf(commands, lines);
    await expect(transcript).toMatchFileSnapshot("testdata/replace.txt");
  });
});
