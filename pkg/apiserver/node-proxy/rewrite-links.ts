/**
 * A page that is shown below …/proxy/ names its own files from its root: such links are led back
 * through the proxy, in pages and in redirects, as upstream's proxy does. Pure.
 */

/** Attributes that hold addresses, by element (HTML Living Standard, Attributes). */
const linksOf: Readonly<Record<string, readonly string[]>> = {
  a: ["href"],
  area: ["href"],
  audio: ["src"],
  base: ["href"],
  blockquote: ["cite"],
  body: ["background"],
  button: ["formaction"],
  del: ["cite"],
  embed: ["src"],
  form: ["action"],
  frame: ["longdesc", "src"],
  head: ["profile"],
  html: ["manifest"],
  iframe: ["longdesc", "src"],
  img: ["longdesc", "src", "usemap"],
  input: ["src", "usemap", "formaction"],
  ins: ["cite"],
  link: ["href"],
  object: ["classid", "codebase", "data", "usemap"],
  q: ["cite"],
  script: ["src"],
  source: ["src"],
  video: ["poster", "src"],
};

/** Their content is text, whatever it looks like. */
const rawElements = ["script", "style", "textarea", "title"];

/** An unfinished tag or comment of more characters is passed on as it is. */
const heldCharsMax = 64 * 1024;

export interface ProxiedPlace {
  /** /api/v1/namespaces/default/pods/web/proxy */
  readonly prefix: string;
  /** Host and port of the pod, and what the client asked for: both mean the pod. */
  readonly hosts: readonly string[];
}

/** The address as the client must ask for it. What leads elsewhere, or is relative, stays. */
export function rewriteLink(link: string, { prefix, hosts }: ProxiedPlace): string {
  const [, host, path = ""] = /^(?:(?:https?:)?\/\/([^/?#]*))?(.*)$/s.exec(link) ?? [];
  if (host !== undefined && !hosts.includes(host)) return link;
  if (!path.startsWith("/")) return host === undefined ? link : `${prefix}/${path}`;
  return path.startsWith(`${prefix}/`) ? path : `${prefix}${path}`;
}

/** What begins a tag or comment, perhaps cut short; and each of them whole, where it begins. */
const beginning = /<(?:[a-z]|!--|!-?$|$)/gi;
const wholeTag = /<([a-z][a-z0-9]*)(?:"[^"]*"|'[^']*'|[^"'>])*>/iy;
const wholeComment = /<!--.*?-->/sy;
const attribute = /(\s)([a-z][a-z-]*)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi;

function rewriteTag(whole: string, name: string, place: ProxiedPlace): string {
  const links = linksOf[name];
  if (links === undefined) return whole;
  return whole.replaceAll(
    attribute,
    (text, gap: string, key: string, sign: string, value: string) => {
      if (!links.includes(key.toLowerCase())) return text;
      const quote = /^["']/.exec(value)?.[0] ?? "";
      const link = quote === "" ? value : value.slice(1, -1);
      return `${gap}${key}${sign}${quote}${rewriteLink(link, place)}${quote}`;
    },
  );
}

/** Takes a page in pieces, as one byte a character, and gives them back with their links led. */
export class PageRewriter {
  readonly #place: ProxiedPlace;
  #held = "";
  /** The element whose raw text is being passed. */
  #raw = "";

  constructor(place: ProxiedPlace) {
    this.#place = place;
  }

  write(piece: string): string {
    const text = this.#held + piece;
    const { done, rest } = this.#rewrite(text);
    if (rest.length <= heldCharsMax) {
      this.#held = rest;
      return done;
    }
    this.#held = "";
    return done + rest;
  }

  end(): string {
    const last = this.#held;
    this.#held = "";
    return last;
  }

  #rewrite(text: string): { readonly done: string; readonly rest: string } {
    let done = "";
    let at = 0;
    for (;;) {
      if (this.#raw !== "") {
        const end = text.toLowerCase().indexOf(`</${this.#raw}`, at);
        // Its last characters may be the beginning of the end.
        if (end < 0) {
          const safe = Math.max(at, text.length - this.#raw.length - 2);
          return { done: done + text.slice(at, safe), rest: text.slice(safe) };
        }
        done += text.slice(at, end);
        at = end;
        this.#raw = "";
      }
      beginning.lastIndex = at;
      const open = beginning.exec(text)?.index;
      if (open === undefined) return { done: done + text.slice(at), rest: "" };
      done += text.slice(at, open);
      const [whole, name = ""] =
        matchAt(wholeTag, text, open) ?? matchAt(wholeComment, text, open) ?? [];
      if (whole === undefined) return { done, rest: text.slice(open) };
      const element = name.toLowerCase();
      done += rewriteTag(whole, element, this.#place);
      at = open + whole.length;
      if (rawElements.includes(element) && !whole.endsWith("/>")) this.#raw = element;
    }
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
