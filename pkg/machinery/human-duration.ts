const minuteSeconds = 60;
const hourSeconds = 3_600;
const daySeconds = 86_400;

/**
 * "5m30s", "3h", "2d4h": shorter the longer it is, in the steps in which kubectl's users know it.
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * minuteSeconds) return `${seconds}s`;
  const minutes = Math.trunc(seconds / minuteSeconds);
  if (minutes < 10) return `${minutes}m${rest(seconds % minuteSeconds, "s")}`;
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.trunc(seconds / hourSeconds);
  if (hours < 8) return `${hours}h${rest(minutes % 60, "m")}`;
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(seconds / daySeconds);
  if (days < 8) return `${days}d${rest(hours % 24, "h")}`;
  if (days < 2 * 365) return `${days}d`;
  const years = Math.trunc(days / 365);
  return years < 8 ? `${years}y${rest(days % 365, "d")}` : `${years}y`;
}

const rest = (count: number, unit: string): string => (count === 0 ? "" : `${count}${unit}`);

/** How long ago a `metav1.Time` was; "<unknown>" where it is absent. */
export function since(time: string | undefined, now: number): string {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? "<unknown>" : humanDuration(now - at);
}

/** "23h", "59m", "9y": in its largest unit alone, as kubeadm shows what is left. */
export function shortHumanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < minuteSeconds) return `${seconds}s`;
  if (seconds < hourSeconds) return `${Math.trunc(seconds / minuteSeconds)}m`;
  if (seconds < daySeconds) return `${Math.trunc(seconds / hourSeconds)}h`;
  const days = Math.trunc(seconds / daySeconds);
  return days < 365 ? `${days}d` : `${Math.trunc(days / 365)}y`;
}
