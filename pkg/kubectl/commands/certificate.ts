/** certificate approve and deny: a person's decision about a request for a certificate. */
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { UsageError } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { qualifiedKind } from "../resource-mapper.ts";

interface Decision {
  readonly type: "Approved" | "Denied";
  readonly reason: string;
  readonly message: string;
}
const decisions: Readonly<Record<string, Decision>> = {
  approve: {
    type: "Approved",
    reason: "KubectlApprove",
    message: "This CSR was approved by kubectl certificate approve.",
  },
  deny: {
    type: "Denied",
    reason: "KubectlDeny",
    message: "This CSR was denied by kubectl certificate deny.",
  },
};

/** A decision that was taken before stays as it is, unless it is forced. */
async function decide(
  { api, terminal }: Kubectl,
  { path, name, resource }: ObjectTarget,
  decision: Decision,
  isForced: boolean,
): Promise<void> {
  const request = await api.send<CertificateSigningRequest>({ method: "GET", path });
  const conditions = request.status?.conditions ?? [];
  const others = conditions.filter(({ type }) => type !== decision.type);
  if (isForced || others.length === conditions.length) {
    const body = {
      ...request,
      status: {
        ...request.status,
        conditions: [...others, { ...decision, status: "True" }],
      },
    };
    await api.send({ method: "PUT", path: `${path}/approval`, body });
  }
  terminal.out(`${qualifiedKind(resource)}/${name} ${decision.type.toLowerCase()}\n`);
}

export const certificate = defineCommand({
  usage: "certificate (approve | deny) (NAME ... | -f FILE)",
  flags: {
    filename: { short: "f", kind: "list", help: "Files that name the requests" },
    recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
    force: { kind: "bool", help: "Write the decision again" },
  } as const,
  run: async (kubectl, { flags, args: [word = "", ...names] }) => {
    const decision = decisions[word];
    if (decision === undefined)
      throw new UsageError(`unknown command "${word}" for "tskubectl certificate"`);
    if (names.length === 0 && flags.filename.length === 0)
      throw new UsageError("one or more CSRs must be specified as <name> or -f <filename>");
    const targets = await chooseObjects(kubectl, ["certificatesigningrequests", ...names], {
      ...flags,
      selector: undefined,
      all: false,
      allNamespaces: false,
    });
    const failures = await eachOf(targets, (one) => decide(kubectl, one, decision, flags.force));
    if (failures !== undefined) throw failures;
    return 0;
  },
});
