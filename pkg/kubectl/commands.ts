import type { CommandEntry } from "./command.ts";
// Asked for more than all others together: loaded with the program.
import { get } from "./commands/get.ts";

/** Every command, in the order in which help lists them. */
export const commands: readonly CommandEntry[] = [
  {
    name: "get",
    summary: "Display one or many resources",
    load: async () => get,
  },
  {
    name: "describe",
    summary: "Show details of resources, with their events",
    load: async () => (await import("./commands/describe.ts")).describe,
  },
  {
    name: "explain",
    summary: "Print what a type's fields mean",
    load: async () => (await import("./commands/explain.ts")).explain,
  },
  {
    name: "apply",
    summary: "Create or change resources so that they are as files say",
    load: async () => (await import("./commands/apply.ts")).apply,
  },
  {
    name: "create",
    summary: "Create resources from files or from words",
    load: async () => (await import("./commands/create.ts")).create,
  },
  {
    name: "replace",
    summary: "Put other objects in the place of those that are there",
    load: async () => (await import("./commands/replace.ts")).replace,
  },
  {
    name: "diff",
    summary: "Show what apply would change",
    load: async () => (await import("./commands/diff.ts")).diff,
  },
  {
    name: "edit",
    summary: "Change objects in an editor",
    load: async () => (await import("./commands/edit.ts")).edit,
  },
  {
    name: "run",
    summary: "Run an image in a pod",
    load: async () => (await import("./commands/run.ts")).run,
  },
  {
    name: "expose",
    summary: "Make a service that leads to what is there",
    load: async () => (await import("./commands/expose.ts")).expose,
  },
  {
    name: "delete",
    summary: "Delete resources by file, name, selector or all of a type",
    load: async () => (await import("./commands/delete.ts")).deleteCommand,
  },
  {
    name: "logs",
    summary: "Print the logs of a container",
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    name: "exec",
    summary: "Run a command in a container",
    load: async () => (await import("./commands/exec.ts")).exec,
  },
  {
    name: "attach",
    summary: "Join a container that runs",
    load: async () => (await import("./commands/attach.ts")).attach,
  },
  {
    name: "cp",
    summary: "Copy files into a container or out of it",
    load: async () => (await import("./commands/cp.ts")).cp,
  },
  {
    name: "port-forward",
    summary: "Reach ports of a pod from here",
    load: async () => (await import("./commands/port-forward.ts")).portForward,
  },
  {
    name: "scale",
    summary: "Set a new size for a deployment or replica set",
    load: async () => (await import("./commands/scale.ts")).scale,
  },
  {
    name: "rollout",
    summary: "Watch, undo, restart, pause or resume a deployment's rollout",
    load: async () => (await import("./commands/rollout.ts")).rollout,
  },
  {
    name: "patch",
    summary: "Change fields of an object",
    load: async () => (await import("./commands/patch.ts")).patch,
  },
  {
    name: "label",
    summary: "Set or remove labels",
    load: async () => (await import("./commands/label.ts")).label,
  },
  {
    name: "annotate",
    summary: "Set or remove annotations",
    load: async () => (await import("./commands/label.ts")).annotate,
  },
  {
    name: "set",
    summary: "Set images or environment variables of a workload",
    load: async () => (await import("./commands/set.ts")).set,
  },
  {
    name: "wait",
    summary: "Wait for a condition of objects",
    load: async () => (await import("./commands/wait.ts")).wait,
  },
  {
    name: "events",
    summary: "Print what happened, oldest first",
    load: async () => (await import("./commands/events.ts")).events,
  },
  {
    name: "cordon",
    summary: "Keep new pods off nodes",
    load: async () => (await import("./commands/cordon.ts")).cordon,
  },
  {
    name: "uncordon",
    summary: "Let pods come to nodes again",
    load: async () => (await import("./commands/cordon.ts")).uncordon,
  },
  {
    name: "drain",
    summary: "Move a node's pods elsewhere, as before its maintenance",
    load: async () => (await import("./commands/drain.ts")).drain,
  },
  {
    name: "taint",
    summary: "Set or remove taints of nodes",
    load: async () => (await import("./commands/taint.ts")).taint,
  },
  {
    name: "certificate",
    summary: "Approve or deny requests for certificates",
    load: async () => (await import("./commands/certificate.ts")).certificate,
  },
  {
    name: "auth",
    summary: "Ask what you may do, and who you are",
    load: async () => (await import("./commands/auth.ts")).auth,
  },
  {
    name: "cluster-info",
    summary: "Print where the cluster's own services are",
    load: async () => (await import("./commands/cluster-info.ts")).clusterInfo,
  },
  {
    name: "config",
    summary: "Show or change which clusters the kubeconfig names, and which is chosen",
    load: async () => (await import("./commands/config.ts")).config,
  },
  {
    name: "api-resources",
    summary: "Print the resources that the server serves",
    load: async () => (await import("./commands/api-resources.ts")).apiResources,
  },
  {
    name: "api-versions",
    summary: "Print the versions of the API that the server serves",
    load: async () => (await import("./commands/api-versions.ts")).apiVersions,
  },
  {
    name: "version",
    summary: "Print the client's and the server's version",
    load: async () => (await import("./commands/version.ts")).version,
  },
  {
    name: "completion",
    summary: "Print what makes a shell complete words: bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  {
    name: "options",
    summary: "Print the flags that every command takes",
    load: async () => (await import("./commands/options.ts")).options,
  },
  {
    name: "plugin",
    summary: "List programs that extend kubectl",
    load: async () => (await import("./commands/plugin.ts")).plugin,
  },
];
