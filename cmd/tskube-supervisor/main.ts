/**
 * tskube-supervisor STATE_FOLDER: owns the node's containers. Started by tskube-cri, which it
 * outlives. Imports little: every node has one for as long as it runs.
 */
import { runSupervisorProgram } from "../wiring/supervising.ts";

await runSupervisorProgram(process.argv[2]);
