/**
 * A whole cluster in one process on simulated time: the real API server on memory, the real
 * controllers and scheduler, simulated nodes. One seed decides everything that chance decides, so
 * a run that failed replays by its seed. It opens no socket and reads no clock.
 */
import { seededRandom, type Random } from "../base/random.ts";
import type { Handler } from "../base/wire.ts";
import type { Client, Informers } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import { createEventRecorder } from "../client/events.ts";
import { inMemoryTransport } from "../client/in-memory-transport.ts";
import { createInformers, withoutManagedFields } from "../client/informer.ts";
import type { Program } from "../controller/controller.ts";
import { runPrograms } from "../controller/run-programs.ts";
import { controllers, type ControllerSettings } from "../controllers/controllers.ts";
import { defaultPlugins } from "../scheduler/default-plugins.ts";
import { runScheduler } from "../scheduler/scheduler.ts";
import { silentLogger, type Logger } from "../telemetry/logger.ts";
import { faultyTransport, noFaults, type Faults } from "./faults.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { runSimulatedNode, type SimulatedNodeOptions } from "./simulated-node.ts";
import { simulatedServer, type SimulatedServer } from "./simulated-server.ts";

export interface SimulationOptions {
  readonly seed: number;
  /** How many nodes, or what each is like. */
  readonly nodes: number | readonly Omit<SimulatedNodeOptions, "index">[];
  readonly logger?: Logger;
  /** As a controller manager's; absent: nobody signs certificates. */
  readonly signing?: ControllerSettings["signing"];
}

export interface Simulation extends AsyncDisposable {
  readonly seed: number;
  readonly clock: SimulatedClock;
  readonly random: Random;
  /** An administrator's client, without faults on its way. */
  readonly client: Client;
  /** On the way of controllers, scheduler, nodes and clients that ask for them. */
  readonly faults: Faults;
  /** Somebody's client, without faults on its way. */
  clientAs(user: string, groups: readonly string[]): Client;
  /** One more administrator's client, with the faults on its way. */
  faultyClient(user: string): Client;
  /** Every write that reached the server: "12.345 node-3 PUT /api/v1/… → 200". */
  readonly transcript: readonly string[];
  /** The node falls silent; what ran on it is unknown to all. */
  loseNode(name: string): void;
  restoreNode(name: string): void;
  /** Controllers and scheduler are killed and started again: what they had in memory is lost. */
  crashControlPlane(): void;
  /** Lets time pass until the condition holds; false when it does not within the time. */
  runUntil(condition: () => boolean, timeoutMs: number): Promise<boolean>;
  /** Informers of the administrator: what conditions look at. */
  readonly informers: Informers;
}

/** A cluster that has started: its server answers, its components run, its nodes come up. */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const cluster = new SimulatedCluster(options);
  await cluster.start();
  return cluster;
}

class SimulatedCluster implements Simulation {
  readonly seed: number;
  readonly clock = new SimulatedClock();
  readonly random: Random;
  readonly faults = noFaults();
  readonly client: Client;
  readonly informers: Informers;
  readonly transcript: string[] = [];
  readonly #logger: Logger;
  readonly #signing: Pick<ControllerSettings, "signing">;
  readonly #stop = new AbortController();
  #controlStop = new AbortController();
  readonly #server: SimulatedServer;
  readonly #running: Promise<unknown>[] = [];
  readonly #nodes = new Map<string, SimulatedNodeOptions>();
  readonly #nodeStops = new Map<string, AbortController>();
  readonly #nodeInformers: Informers;

  constructor({ seed, nodes, logger = silentLogger, signing }: SimulationOptions) {
    this.seed = seed;
    this.random = seededRandom(seed);
    this.#logger = logger;
    this.#signing = signing === undefined ? {} : { signing };
    this.#server = simulatedServer(this.clock, this.random, logger);
    this.#keep(this.#server.run(this.#stop.signal), this.#stop.signal);
    this.client = this.#connect("admin", ["system:masters"], noFaults());
    this.informers = this.#informers(this.client);
    this.#nodeInformers = this.#informers(this.#connect("nodes", ["system:masters"], this.faults));
    const given =
      typeof nodes === "number"
        ? Array.from({ length: nodes }, (_, index) => ({ name: `node-${index}` }))
        : nodes;
    given.forEach((node, index) => this.#nodes.set(node.name, { ...node, index }));
  }

  async start(): Promise<void> {
    await this.#soon(this.#server.ready());
    await this.#soon(this.#server.prepare(this.#stop.signal));
    this.#startControlPlane();
    for (const name of this.#nodes.keys()) this.restoreNode(name);
  }

  clientAs(user: string, groups: readonly string[]): Client {
    return this.#connect(user, groups, noFaults());
  }

  faultyClient(user: string): Client {
    return this.#connect(user, ["system:masters"], this.faults);
  }

  loseNode(name: string): void {
    this.#nodeStops.get(name)?.abort(new Error(`simulated: node ${name} lost its power`));
    this.#nodeStops.delete(name);
  }

  restoreNode(name: string): void {
    const options = this.#nodes.get(name);
    if (options === undefined) throw new Error(`there is no simulated node ${name}`);
    if (this.#nodeStops.has(name)) return;
    const stop = new AbortController();
    this.#nodeStops.set(name, stop);
    const { clock, random } = this;
    const client = this.#connect(`system:node:${name}`, ["system:nodes"], this.faults);
    const doors = { client, informers: this.#nodeInformers, clock, random, logger: this.#logger };
    this.#keep(runSimulatedNode(doors, options, stop.signal), stop.signal);
  }

  crashControlPlane(): void {
    this.#controlStop.abort(new Error("simulated: the control plane was killed"));
    this.#controlStop = new AbortController();
    this.#startControlPlane();
  }

  runUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    return this.clock.runUntil(condition, timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reason = new Error("the simulation is over");
    for (const stop of this.#nodeStops.values()) stop.abort(reason);
    this.#controlStop.abort(reason);
    this.#stop.abort(reason);
    await this.#soon(Promise.allSettled(this.#running));
  }

  /** A client as whom its certificate would name. */
  #connect(user: string, organizations: readonly string[], faults: Faults): Client {
    const { clock, random } = this;
    const certificate = { commonName: user, organizations };
    const recorded: Handler = async (request) => {
      const response = await this.#server.handler(request);
      if (request.method !== "GET")
        this.transcript.push(
          `${(clock.monotonic() / 1_000).toFixed(3)} ${user} ` +
            `${request.method} ${request.path} → ${response.status}`,
        );
      return response;
    };
    const transport = inMemoryTransport(recorded, { certificate, address: "127.0.0.1" });
    return connect(faultyTransport(transport, faults, { clock, random }), { clock });
  }

  #informers(client: Client, signal: AbortSignal = this.#stop.signal): Informers {
    const { clock, random } = this;
    const doors = { client, clock, random, logger: this.#logger };
    return createInformers(doors, signal, withoutManagedFields);
  }

  /** What ends because it was stopped ends well; any other end is a bug, and fails the test. */
  #keep(running: Promise<void>, signal: AbortSignal): void {
    const ended = running.catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    this.#running.push(ended);
  }

  #startControlPlane(): void {
    const { signal } = this.#controlStop;
    this.#runControllers(signal);
    this.#runScheduler(signal);
  }

  #doors(component: string, client: Client, signal: AbortSignal) {
    const { clock, random } = this;
    const logger = this.#logger.child({ component });
    const events = createEventRecorder({ client, clock, logger }, component, signal);
    return { client, informers: this.#informers(client, signal), clock, random, logger, events };
  }

  /** Each reads through the manager, from one copy, and writes with the rights of its account. */
  #runControllers(signal: AbortSignal): void {
    const name = "kube-controller-manager";
    const shared = this.#doors(name, this.#connect(`system:${name}`, [], this.faults), signal);
    const doorsOf = ({ account }: Program) => {
      const groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
      const user = `system:serviceaccount:kube-system:${account}`;
      const own = this.#doors(account, this.#connect(user, groups, this.faults), signal);
      return { ...own, informers: shared.informers };
    };
    const programs = controllers({ rootCa: "simulated", ...this.#signing });
    this.#keep(runPrograms(programs, doorsOf, signal), signal);
  }

  #runScheduler(signal: AbortSignal): void {
    const client = this.#connect("system:kube-scheduler", [], this.faults);
    const doors = this.#doors("default-scheduler", client, signal);
    const options = { ...doors, plugins: defaultPlugins, name: "default-scheduler" };
    this.#keep(runScheduler(options, signal), signal);
  }

  /** Waits for a promise by letting as much time pass as it needs, up to a minute. */
  async #soon<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    await this.clock.runUntil(() => isSettled, 60_000);
    if (!isSettled) throw new Error(`simulation ${this.seed}: nothing happens any more`);
    return settled;
  }
}
