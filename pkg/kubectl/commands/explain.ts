import { UsageError } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import { defineCommand } from "../command.ts";
import { explainBody, explainHead, type OpenApiDocument } from "../explain-plan.ts";
import { BareFailure } from "../failures.ts";
import { apiVersionOf, type ApiResource, type ResourceMapper } from "../resource-mapper.ts";

function resourceOf(
  mapper: ResourceMapper,
  word: string,
  apiVersion: string | undefined,
): ApiResource {
  const found = mapper.find(word);
  if (found === undefined)
    throw new BareFailure(`the server doesn't have a resource type "${word}"`);
  if (apiVersion === undefined || apiVersion === "") return found;
  const wanted = mapper.resources.find(
    (one) => one.plural === found.plural && apiVersionOf(one) === apiVersion,
  );
  if (wanted !== undefined) return wanted;
  throw new UsageError(`couldn't find resource for "${apiVersion}, Resource=${found.plural}"`);
}

export const explain = defineCommand({
  usage: "explain TYPE[.FIELD[.FIELD...]] [--recursive] [--api-version=GROUP/VERSION]",
  flags: {
    recursive: { kind: "bool", help: "All fields below, without their texts" },
    "api-version": { kind: "text", help: "In this version of the API: apps/v1" },
    output: { short: "o", kind: "text", help: "plaintext" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const [word] = args;
    if (word === undefined) {
      throw new UsageError(
        'You must specify the type of resource to explain. Use "tskubectl api-resources" for a complete list of supported resources.',
      );
    }
    if (args.length > 1) throw new UsageError("We accept only this format: explain RESOURCE");
    if (flags.output !== undefined && flags.output !== "plaintext")
      throw new UsageError(`unrecognized format: ${flags.output}`);
    const [type = "", ...path] = word.replace(/\.$/, "").split(".");
    if (path.includes(""))
      throw new UsageError("invalid jsonpath syntax, first node must be field node");
    const apiVersion = flags["api-version"];
    const mapper = await kubectl.mapper(apiVersion === undefined ? [type] : undefined);
    const resource = resourceOf(mapper, type, apiVersion);
    const { group, version } = resource;
    const place = group === "" ? `api/${version}` : `apis/${group}/${version}`;
    const missing = `couldn't find resource for "${group}/${version}, Resource=${resource.plural}"`;
    const document = await kubectl.api
      .send<OpenApiDocument>({ method: "GET", path: `/openapi/v3/${place}` })
      .catch((error: unknown) => {
        throw isReason(error, "NotFound") ? new UsageError(missing) : error;
      });
    kubectl.terminal.out(explainHead(resource));
    const body = explainBody(document, { ...resource, path, isRecursive: flags.recursive });
    if (body === undefined) throw new UsageError(missing);
    kubectl.terminal.out(body);
    return 0;
  },
});
