/** The pod that `run` makes, and what may be exposed of it. Pure. */
import { UsageError } from "../../base/flags.ts";
import type { Generated } from "./config-plan.ts";

export interface PodWanted {
  readonly name: string;
  readonly image: string;
  readonly restart: string;
  readonly pullPolicy: string | undefined;
  /** "KEY=VALUE" */
  readonly env: readonly string[];
  /** "a=b,c=d" */
  readonly labels: string | undefined;
  readonly annotations: readonly string[];
  readonly port: number | undefined;
  readonly words: readonly string[];
  /** The words are the command, and not its arguments. */
  readonly isCommand: boolean;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly leaveStdinOpen: boolean;
  readonly privileged: boolean;
}

export function parseLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(",").map((word) => {
      const [key = "", value, ...more] = word.split("=");
      if (value === undefined || more.length > 0)
        throw new UsageError(`unexpected label spec: ${word}`);
      return [key, value];
    }),
  );
}

const parseEnv = (words: readonly string[]): readonly object[] =>
  words.map((word) => {
    const at = word.indexOf("=");
    if (at <= 0) throw new UsageError(`invalid env: ${word}`);
    const value = word.slice(at + 1);
    return { name: word.slice(0, at), ...(value === "" ? {} : { value }) };
  });

const parseAnnotations = (words: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at <= 0) throw new UsageError(`invalid annotation: ${word}`);
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );

export function pod(wanted: PodWanted): Generated {
  const { name, image, restart, pullPolicy, env, annotations, port, words } = wanted;
  const labels = wanted.labels === undefined ? { run: name } : parseLabels(wanted.labels);
  const container = {
    name,
    image,
    ...(words.length === 0 ? {} : wanted.isCommand ? { command: words } : { args: words }),
    ...(port === undefined || port <= 0 ? {} : { ports: [{ containerPort: port }] }),
    ...(env.length === 0 ? {} : { env: parseEnv(env) }),
    resources: {},
    ...(pullPolicy === undefined || pullPolicy === "" ? {} : { imagePullPolicy: pullPolicy }),
    ...(wanted.privileged ? { securityContext: { privileged: true } } : {}),
    ...(wanted.stdin ? { stdin: true } : {}),
    ...(wanted.stdin && !wanted.leaveStdinOpen ? { stdinOnce: true } : {}),
    ...(wanted.tty ? { tty: true } : {}),
  };
  return {
    kind: "Pod",
    apiVersion: "v1",
    metadata: {
      name,
      labels,
      ...(annotations.length === 0 ? {} : { annotations: parseAnnotations(annotations) }),
    },
    spec: { containers: [container], restartPolicy: restart, dnsPolicy: "ClusterFirst" },
    status: {},
  };
}
