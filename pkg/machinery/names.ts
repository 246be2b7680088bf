/**
 * What names, labels and other short texts must look like. Each function gives what is wrong, in
 * upstream's words, and nothing when all is well.
 */
type Complaints = readonly string[];

const complain = (isWrong: boolean, message: string): Complaints => (isWrong ? [message] : []);

const tooManyCharacters = (most: number): string => `must be no more than ${most} characters`;
const tooManyBytes = (most: number): string => `must be no more than ${most} bytes`;

export function regexComplaint(rule: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  const before = examples.length === 0 ? "" : `e.g. ${shown}`;
  return `${rule} (${before}regex used for validation is '${pattern}')`;
}

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const labelKey = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelKeyRegex = new RegExp(`^${labelKey}$`);
const labelRegex = new RegExp(`^${label}$`);
const subdomainRegex = new RegExp(`^${subdomain}$`);
const label1035Regex = new RegExp(`^${label1035}$`);

// Made once: most names are right, and many come with every request.
const wrongLabel = regexComplaint(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', " +
    "and must start and end with an alphanumeric character",
  label,
  "my-name",
  "123-abc",
);
const wrongSubdomain = regexComplaint(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', " +
    "and must start and end with an alphanumeric character",
  subdomain,
  "example.com",
);
const wrongLabel1035 = regexComplaint(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', " +
    "start with an alphabetic character, and end with an alphanumeric character",
  label1035,
  "my-name",
  "abc-123",
);
const wrongLabelKey = regexComplaint(
  "must consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character",
  labelKey,
  "MyName",
  "my.name",
  "123-abc",
);
const wrongLabelValue = regexComplaint(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
    "and must start and end with an alphanumeric character",
  `(${labelKey})?`,
  "MyValue",
  "my_value",
  "12345",
);
const wrongConfigKey = regexComplaint(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  "[-._a-zA-Z0-9]+",
  "key.name",
  "KEY_NAME",
  "key-name",
);

export function dnsLabelComplaints(value: string): Complaints {
  const long = complain(value.length > 63, tooManyCharacters(63));
  if (labelRegex.test(value)) return long;
  if (subdomainRegex.test(value)) return [...long, "must not contain dots"];
  return [...long, wrongLabel];
}

export const dnsSubdomainComplaints = (value: string): Complaints => [
  ...complain(value.length > 253, tooManyCharacters(253)),
  ...complain(!subdomainRegex.test(value), wrongSubdomain),
];

export const dns1035LabelComplaints = (value: string): Complaints => [
  ...complain(value.length > 63, tooManyCharacters(63)),
  ...complain(!label1035Regex.test(value), wrongLabel1035),
];

/** A part of a URL: RBAC's names, for example. */
export function pathSegmentComplaints(value: string): Complaints {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((one) => value.includes(one)).map((one) => `may not contain '${one}'`);
}

function labelKeyNameComplaints(name: string): Complaints {
  return [
    ...complain(name === "", "name part must be non-empty"),
    ...complain(name.length > 63, `name part ${tooManyBytes(63)}`),
    ...complain(!labelKeyRegex.test(name), `name part ${wrongLabelKey}`),
  ];
}

/** Keys of labels and annotations, finalizers: an optional DNS subdomain, "/", a name. */
export function qualifiedNameComplaints(value: string): Complaints {
  const parts = value.split("/");
  const [first = "", second] = parts;
  if (parts.length > 2) {
    const prefix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a valid label key ${wrongLabelKey} ${prefix}`];
  }
  if (second === undefined) return labelKeyNameComplaints(first);
  const prefix = first === "" ? ["must be non-empty"] : dnsSubdomainComplaints(first);
  return [...prefix.map((one) => `prefix part ${one}`), ...labelKeyNameComplaints(second)];
}

export const labelValueComplaints = (value: string): Complaints => [
  ...complain(value.length > 63, tooManyBytes(63)),
  ...complain(value !== "" && !labelKeyRegex.test(value), wrongLabelValue),
];

export const portNumberComplaints = (port: number): Complaints =>
  complain(port < 1 || port > 65_535, "must be between 1 and 65535, inclusive");

export const portNameComplaints = (name: string): Complaints => [
  ...complain(name.length > 15, tooManyCharacters(15)),
  ...complain(
    !/^[-a-z0-9]+$/.test(name),
    "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
  ),
  ...complain(!/[a-z]/.test(name), "must contain at least one letter (a-z)"),
  ...complain(name.includes("--"), "must not contain consecutive hyphens"),
  ...complain(/^-|-$/.test(name), "must not begin or end with a hyphen"),
];

/** Names of environment variables: printable ASCII without "=". */
export const envVarNameComplaints = (name: string): Complaints => [
  ...complain(name === "", "environment variable name must be non-empty"),
  ...complain(
    name !== "" && !/^[\x20-\x3c\x3e-\x7e]+$/.test(name),
    "a valid environment variable name must consist only of printable ASCII characters other than '='",
  ),
];

/** Keys of ConfigMaps and Secrets, which become file names. */
export const configKeyComplaints = (key: string): Complaints => [
  ...complain(key.length > 253, tooManyCharacters(253)),
  ...(/^[-._a-zA-Z0-9]+$/.test(key) ? parentFolderComplaints(key) : [wrongConfigKey]),
];

function parentFolderComplaints(value: string): Complaints {
  if (value === "." || value === "..") return [`must not be '${value}'`];
  return complain(value.startsWith(".."), "must not start with '..'");
}

export type NameRule = "dns-subdomain" | "dns-label" | "dns-1035-label" | "path-segment";

const nameRules: Readonly<Record<NameRule, (value: string) => Complaints>> = {
  "dns-subdomain": dnsSubdomainComplaints,
  "dns-label": dnsLabelComplaints,
  "dns-1035-label": dns1035LabelComplaints,
  "path-segment": pathSegmentComplaints,
};

/** A prefix (generateName) may end where a name may not: a suffix will follow. */
export function nameComplaints(rule: NameRule, name: string, isPrefix = false): Complaints {
  const isDns = rule !== "path-segment";
  const whole =
    isPrefix && isDns && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name;
  return nameRules[rule](whole);
}
