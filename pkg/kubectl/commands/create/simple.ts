/** create namespace, serviceaccount, deployment: a name and little more. */
import { defineCommand } from "../../command.ts";
import { deployment } from "../../generate/deployment-plan.ts";
import { createFlags, createObject, onlyName, required } from "./create-object.ts";

export const createNamespace = defineCommand({
  usage: "create namespace NAME [--dry-run=server|client|none]",
  flags: createFlags,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create namespace");
    await createObject(kubectl, flags, {
      resource: "namespaces",
      object: { kind: "Namespace", apiVersion: "v1", metadata: { name }, spec: {}, status: {} },
    });
    return 0;
  },
});

export const createServiceAccount = defineCommand({
  usage: "create serviceaccount NAME [--dry-run=server|client|none]",
  flags: createFlags,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create serviceaccount");
    await createObject(kubectl, flags, {
      resource: "serviceaccounts",
      object: { kind: "ServiceAccount", apiVersion: "v1", metadata: { name } },
      failing: "failed to create serviceaccount:",
    });
    return 0;
  },
});

export const createDeployment = defineCommand({
  usage: "create deployment NAME --image=IMAGE [-- COMMAND [ARG...]]",
  flags: {
    ...createFlags,
    image: { kind: "list", help: "Images, one a container" },
    replicas: { short: "r", kind: "number", help: "Number of pods (1)" },
    port: { kind: "number", help: "The port that the containers listen at" },
  } as const,
  run: async (kubectl, { flags, args, rest = [] }) => {
    required(flags, "image");
    const { image, replicas = 1, port } = flags;
    const name = onlyName(args, "create deployment");
    const images = image.flatMap((words) => words.split(","));
    await createObject(kubectl, flags, {
      resource: "deployments",
      object: deployment({ name, images, replicas, port, command: rest }),
      failing: "failed to create deployment:",
    });
    return 0;
  },
});
