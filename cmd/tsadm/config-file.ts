import { readFile } from "node:fs/promises";
import {
  readConfigDocuments,
  type ConfigDocuments,
} from "../../pkg/kubeadm/configuration-documents.ts";
import { idleEvictionSignals, kubeletSettings } from "../../pkg/kubeadm/kubelet-configuration.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";

const none: ConfigDocuments = { byKind: new Map(), mistakes: [], idle: [] };

/** One line on standard error, as the programs of Kubernetes write their warnings (klog). */
export function warn(text: string): void {
  const at = new Date(systemClock.now());
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  const micros = String(at.getMilliseconds() * 1000).padStart(6, "0");
  const pid = String(process.pid).padStart(7);
  process.stderr.write(`W${day} ${time}.${micros} ${pid} config] ${text}\n`);
}

/** Reads the file, if there is one, without telling what is odd about it. */
export async function readConfigFile(file: string | undefined): Promise<ConfigDocuments> {
  if (file === undefined) return none;
  const documents = readConfigDocuments(await readFile(file, "utf8"), file);
  const kubelet = documents.byKind.get("KubeletConfiguration");
  if (kubelet === undefined) return documents;
  const where = `${file}: KubeletConfiguration`;
  const idle = idleEvictionSignals(kubeletSettings(kubelet, where)).map(
    (signal) => `${where}: evictionHard.${signal} has no effect on tskube`,
  );
  return { ...documents, idle: [...documents.idle, ...idle] };
}

/** The same, and everything odd as a warning: misspelled fields, and fields without effect. */
export async function readConfigFileWarning(file: string | undefined): Promise<ConfigDocuments> {
  const documents = await readConfigFile(file);
  for (const text of [...documents.mistakes, ...documents.idle]) warn(text);
  return documents;
}
