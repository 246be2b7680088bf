/** The selectors of a request → what they choose of one kind. Pure. */
import {
  type FieldRequirement,
  FieldSelectorError,
  formatFieldSelector,
  parseFieldSelector,
} from "../../machinery/field-selector.ts";
import {
  formatRequirements,
  matchesRequirements,
  parseLabelSelector,
  type Requirement,
  SelectorError,
} from "../../machinery/label-selector.ts";
import type { Entry } from "../cache/entry.ts";
import type { EntryCodec } from "../cache/entry-codec.ts";
import type { Selection } from "../cache/watch-group.ts";
import { badRequest } from "../refusals.ts";

export interface SelectionRequest {
  /** "": all namespaces. */
  readonly namespace: string;
  /** "", or the name in the path. */
  readonly name: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

interface Place {
  namespace: string;
  name: string;
  indexed: Selection["indexed"];
  readonly rest: FieldRequirement[];
}

/** Throws StatusError "BadRequest" for a selector that cannot be read or a field no kind has. */
export function selectionOf(codec: EntryCodec, request: SelectionRequest): Selection {
  const { namespace, name, labelSelector, fieldSelector } = request;
  if (labelSelector === "" && fieldSelector === "") return everythingIn(namespace, name);
  const labels = readLabels(labelSelector);
  const place: Place = { namespace, name, indexed: undefined, rest: [] };
  for (const requirement of readFields(fieldSelector)) settle(codec, place, requirement);
  const fields = place.rest.map((one) => fieldTest(codec, one));
  const tests = [
    ...(labels.length === 0 ? [] : [(entry: Entry) => matchesRequirements(labels, entry.labels)]),
    ...fields,
  ];
  return {
    id: [
      place.namespace,
      place.name,
      formatRequirements(labels),
      formatFieldSelector(place.rest),
      place.indexed === undefined ? "" : `${place.indexed.field}=${place.indexed.value}`,
    ].join("|"),
    namespace: place.namespace,
    name: place.name,
    indexed: place.indexed,
    labels: labels.filter(isEquality),
    matches: tests.length === 0 ? undefined : (entry) => tests.every((test) => test(entry)),
  };
}

export const everythingIn = (namespace: string, name = ""): Selection => ({
  id: `${namespace}|${name}|||`,
  namespace,
  name,
  indexed: undefined,
  labels: [],
  matches: undefined,
});

const isEquality = ({ operator }: Requirement): boolean =>
  operator === "=" || operator === "==" || operator === "in";

function readLabels(text: string): readonly Requirement[] {
  try {
    return text === "" ? [] : parseLabelSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function readFields(text: string): readonly FieldRequirement[] {
  try {
    return text === "" ? [] : parseFieldSelector(text);
  } catch (error) {
    if (error instanceof FieldSelectorError) throw badRequest(error.message);
    throw error;
  }
}

/** A field that says where objects are narrows the place; any other is a test on each object. */
function settle(codec: EntryCodec, place: Place, requirement: FieldRequirement): void {
  const { field, operator, value } = requirement;
  const isEqual = operator === "=" && value !== "";
  if (isEqual && field === "metadata.name" && (place.name === "" || place.name === value)) {
    place.name = value;
    return;
  }
  const isPlace = field === "metadata.namespace" && codec.isNamespaced;
  if (isEqual && isPlace && (place.namespace === "" || place.namespace === value)) {
    place.namespace = value;
    return;
  }
  const position = codec.fieldLabels.indexOf(field);
  const isIndexed = operator === "=" && codec.indexedFields.includes(position);
  if (isIndexed && place.indexed === undefined) place.indexed = { field: position, value };
  else place.rest.push(requirement);
}

/** Upstream's words differ between kinds with labels of their own and those without. */
const unknownField = ({ fieldLabels }: EntryCodec, field: string): string =>
  fieldLabels.length > 0
    ? `field label not supported: ${field}`
    : `${JSON.stringify(field)} is not a known field selector: ` +
      'only "metadata.name", "metadata.namespace"';

function fieldTest(
  codec: EntryCodec,
  { field, operator, value }: FieldRequirement,
): (entry: Entry) => boolean {
  const wanted = operator === "=";
  if (field === "metadata.name") return ({ name }) => (name === value) === wanted;
  if (field === "metadata.namespace" && codec.isNamespaced) {
    return ({ namespace }) => (namespace === value) === wanted;
  }
  const position = codec.fieldLabels.indexOf(field);
  if (position < 0) throw badRequest(unknownField(codec, field));
  return ({ fields }) => (fields[position] === value) === wanted;
}
