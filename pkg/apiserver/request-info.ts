/** What a request asks for, read from its method and path alone. Pure. */

export interface RequestInfo {
  /** get, list, watch, create, update, patch, delete, deletecollection; for paths the method. */
  readonly verb: string;
  readonly resourceRequest: boolean;
  /** Without the query. */
  readonly path: string;
  readonly group: string;
  readonly version: string;
  /** Plural; "" when the path names none. */
  readonly resource: string;
  readonly subresource: string;
  /** "" for cluster-scoped kinds and for all namespaces. */
  readonly namespace: string;
  readonly name: string;
  /** What follows the subresource (pods/x/proxy/a/b: "/a/b"); "" when nothing does. */
  readonly rest: string;
}

const verbs: Readonly<Record<string, string>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
/** Subresources of a namespace itself; any other word behind namespaces/x/ is a resource in it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

const pathInfo = (method: string, path: string): RequestInfo => ({
  verb: method.toLowerCase(),
  resourceRequest: false,
  path,
  group: "",
  version: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  rest: "",
});

interface Place {
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  readonly rest: string;
}

/** Of an object: its resource, its name, its subresource. */
const namedWords = 3;

/** The words behind /api/v1 or /apis/g/v; `rest` is left to who knows them undecoded. */
function placeOf(words: readonly string[]): Omit<Place, "rest"> & { readonly length: number } {
  const [first = "", second = "", third = ""] = words;
  const inNamespace = first === "namespaces" && third !== "" && !namespaceSubresources.has(third);
  const own = inNamespace ? words.slice(2) : words;
  const [resource = "", name = "", subresource = ""] = own;
  const named = first === "namespaces" && !inNamespace;
  return {
    namespace: inNamespace ? second : named ? name : "",
    resource,
    name,
    subresource,
    length: words.length - own.length + namedWords,
  };
}

function verbOf(method: string, place: Pick<Place, "name">, query: URLSearchParams): string {
  const verb = verbs[method] ?? method.toLowerCase();
  if (place.name !== "") return verb;
  if (verb === "delete") return "deletecollection";
  if (verb !== "get") return verb;
  const watch = query.get("watch");
  return watch === "true" || watch === "1" || watch === "" ? "watch" : "list";
}

/** What follows so many words, to the letter: its escapes and last "/" are not ours to change. */
function restOf(path: string, count: number): string {
  let at = 0;
  for (let words = 0; words < count; words++) {
    while (path[at] === "/") at++;
    const end = path.indexOf("/", at);
    if (end < 0) return "";
    at = end;
  }
  return path.slice(at);
}

const decodeWord = (word: string): string => (word.includes("%") ? decodeURIComponent(word) : word);

/** `path` is without the query. Throws URIError when an escape in it is broken. */
export function parseRequestInfo(
  method: string,
  path: string,
  query: URLSearchParams,
): RequestInfo {
  const words = path.split("/").filter((word) => word !== "");
  const core = words[0] === "api";
  const head = core ? 2 : 3;
  if ((!core && words[0] !== "apis") || words.length <= head) return pathInfo(method, path);
  let own = words.slice(head).map(decodeWord);
  const watching = own[0] === "watch" && own.length > 1;
  if (watching) own = own.slice(1);
  const { length, ...place } = placeOf(own);
  const verb = watching ? "watch" : verbOf(method, place, query);
  return {
    verb: verb === "get" && place.name === "" ? "list" : verb,
    resourceRequest: true,
    path,
    group: core ? "" : decodeWord(words[1] ?? ""),
    version: decodeWord(words[head - 1] ?? ""),
    ...place,
    rest: restOf(path, head + (watching ? 1 : 0) + length),
  };
}
