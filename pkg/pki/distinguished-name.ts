import { children, objectIdentifier, readObjectIdentifier, sequence, setOf } from "./der.ts";
import { utf8String, type Bytes, type DerValue } from "./der.ts";

/** Who a certificate is about. Kubernetes reads the user from CN and the groups from each O. */
export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

const commonNameId = "2.5.4.3";
const organizationId = "2.5.4.10";

/** O before CN, as Go's x509 writes names. Each O is an attribute of one set, as Go does it. */
export function encodeSubject({ commonName, organizations = [] }: Subject): Bytes {
  const attribute = (id: string, value: string): Bytes =>
    sequence(objectIdentifier(id), utf8String(value));
  const groups = organizations.map((name) => attribute(organizationId, name));
  return sequence(
    ...(groups.length === 0 ? [] : [setOf(...groups)]),
    ...(commonName === "" ? [] : [setOf(attribute(commonNameId, commonName))]),
  );
}

/** The last CN and every O of a Name. */
export function readSubject(name: DerValue): Required<Subject> {
  let commonName = "";
  const organizations: string[] = [];
  for (const attribute of children(name).flatMap(children)) {
    const [id, value] = children(attribute);
    if (id === undefined || value === undefined) continue;
    const text = Buffer.from(value.content).toString("utf8");
    const kind = readObjectIdentifier(id);
    if (kind === commonNameId) commonName = text;
    if (kind === organizationId) organizations.push(text);
  }
  return { commonName, organizations };
}
