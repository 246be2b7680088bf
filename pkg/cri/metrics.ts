/** What pods and containers use, as metrics: reads the files that `metrics-plan.ts` names. */
import { readFile } from "node:fs/promises";
import type { ContainerMetrics, PodSandboxMetrics } from "../../api/cri/v1.ts";
import { controllerFolder } from "../linux/cgroup-host.ts";
import type { CriContext } from "./context.ts";
import {
  metricFiles,
  planContainerMetrics,
  planPodMetrics,
  type MetricOwner,
} from "./metrics-plan.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import type { StatsReader } from "./stats.ts";
import { cgroupParentOf } from "./spec-plan.ts";

export class MetricsReader {
  readonly #context: CriContext;
  readonly #stats: StatsReader;

  constructor(context: CriContext, stats: StatsReader) {
    this.#context = context;
    this.#stats = stats;
  }

  /** Of a pod and those of its containers that run. */
  async sandbox(
    record: SandboxRecord,
    containers: readonly ContainerRecord[],
  ): Promise<PodSandboxMetrics> {
    const running = containers.filter(({ life }) => life.at === "running");
    return {
      podSandboxId: record.id,
      metrics: await this.#pod(record, running[0]),
      containerMetrics: await Promise.all(
        running.map(async (container) => await this.#container(record, container)),
      ),
    };
  }

  async #container(pod: SandboxRecord, record: ContainerRecord): Promise<ContainerMetrics> {
    const path = record.spec.linux?.cgroupsPath ?? "";
    const { life } = record;
    const owner = ownerOf(pod, {
      container: record.config.metadata?.name ?? "",
      id: path,
      image: record.imageName,
      name: record.id,
    });
    const facts = {
      files: await this.#files(path),
      layer: await this.#stats.layerUsage(record.id),
      startedAtMs: life.at === "running" ? life.startedAtMs : 0,
      nowMs: this.#context.clock.now(),
      resources: record.spec.linux?.resources ?? {},
    };
    return { containerId: record.id, metrics: planContainerMetrics(facts, owner) };
  }

  /** Interfaces as a process of the pod sees them; on the host's network they are not the pod's. */
  async #pod(record: SandboxRecord, container: ContainerRecord | undefined) {
    const hasOwn = container?.spec.linux?.namespaces?.some(({ type }) => type === "network");
    if (container?.life.at !== "running" || hasOwn !== true) return [];
    const table = await readFile(`/proc/${container.life.pid}/net/dev`, "utf8").catch(() => "");
    const id = cgroupParentOf(record.config);
    const owner = ownerOf(record, { container: "", id, image: "", name: record.id });
    return planPodMetrics(table, { owner, nowMs: this.#context.clock.now() });
  }

  async #files(path: string): Promise<ReadonlyMap<string, string>> {
    const { cgroups } = this.#context;
    const found = await Promise.all(
      metricFiles.map(async ([controller, file]) => {
        const folder = controllerFolder(cgroups, controller, path);
        if (folder === undefined) return [];
        const text = await readFile(`${folder}/${file}`, "utf8").catch(() => undefined);
        return text === undefined ? [] : [[file, text] as const];
      }),
    );
    return new Map(found.flat());
  }
}

const ownerOf = (
  { config }: SandboxRecord,
  its: Omit<MetricOwner, "namespace" | "pod">,
): MetricOwner => ({
  ...its,
  namespace: config.metadata?.namespace ?? "",
  pod: config.metadata?.name ?? "",
});
