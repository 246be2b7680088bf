import { invalid, required } from "../../machinery/field-error.ts";
import { dnsLabelComplaints, dnsSubdomainComplaints } from "../../machinery/names.ts";
import { tooLong } from "./data.ts";
import { type Errors, none } from "./rules.ts";

/** Characters: of a domain, and of a path that holds a label, a dot and a domain. */
const domainCharsMax = 253;
const pathCharsMax = 253 + 63 + 1;

/** Only the first label that is wrong, so that one mistake is told once. */
function checkLabels(
  path: string,
  segment: string,
  complaints: (label: string) => readonly string[],
): Errors {
  for (const label of segment.split(".")) {
    const wrong = complaints(label);
    if (wrong.length === 0) continue;
    const quoted = JSON.stringify(label);
    return wrong.map((why) => invalid(path, segment, `validating label ${quoted}: ${why}`));
  }
  return none;
}

/** "example.com/my-signer": a domain of two labels or more, and one path segment. */
export function validateSignerName(path: string, name: string): Errors {
  if (name === "") return [required(path)];
  const [domain = "", signer = "", ...more] = name.split("/");
  if (!name.includes("/") || more.length > 0) {
    const why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [invalid(path, name, why)];
  }
  const short = "should be a domain with at least two segments separated by dots";
  return [
    ...(domain.length > domainCharsMax ? [tooLong(path, domainCharsMax)] : none),
    ...checkLabels(path, domain, dnsLabelComplaints),
    ...(domain.includes(".") ? none : [invalid(path, domain, short)]),
    ...checkLabels(path, signer, dnsSubdomainComplaints),
    ...(signer.length > pathCharsMax ? [tooLong(path, pathCharsMax)] : none),
  ];
}
