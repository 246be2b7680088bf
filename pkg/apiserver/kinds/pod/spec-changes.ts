const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const shown = (value: unknown): string => (value === undefined ? "unset" : JSON.stringify(value));

/** One line for each leaf that differs: `spec.dnsPolicy: "Default" -> "None"`. */
export function changesBetween(before: unknown, now: unknown, path: string): readonly string[] {
  if (before === now) return [];
  if (!isObject(before) || !isObject(now) || Array.isArray(before) !== Array.isArray(now))
    return [`  ${path}: ${shown(before)} -> ${shown(now)}`];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) => {
    const at = Array.isArray(now) ? `${path}[${key}]` : `${path}.${key}`;
    return changesBetween(before[key], now[key], at);
  });
}
