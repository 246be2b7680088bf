import { describe, expect, it } from "vitest";
import { PageRewriter, rewriteLink } from "./rewrite-links.ts";

const prefix = "/api/v1/namespaces/default/pods/web/proxy";
const place = { prefix, hosts: ["10.0.0.1:80", "cluster:6443"] };

describe("a link of a page behind a proxy", () => {
  for (const [title, link, expected] of [
    ["from the root", "/a?b#c", `${prefix}/a?b#c`],
    ["to the root", "/", `${prefix}/`],
    ["to the pod's own address", "http://10.0.0.1:80/a", `${prefix}/a`],
    ["to the pod's own address, without a path", "http://10.0.0.1:80", `${prefix}/`],
    ["to who was asked, of the same scheme", "//cluster:6443/a", `${prefix}/a`],
    ["that was led already", `${prefix}/a`, `${prefix}/a`],
    ["relative to the page", "a/b", "a/b"],
    ["within the page", "#top", "#top"],
    ["elsewhere", "https://example.com/a", "https://example.com/a"],
    ["of another kind", "mailto:a@example.com", "mailto:a@example.com"],
  ] as const)
    it(title, () => expect(rewriteLink(link, place)).toBe(expected));
});

describe("a page behind a proxy", () => {
  const pages: readonly (readonly [title: string, page: string, expected: string])[] = [
    ["a link", '<a href="/rewriteme">test</a>', `<a href="${prefix}/rewriteme">test</a>`],
    [
      "several attributes, of any case and quotes",
      "<IMG alt='/x' SRC = '/y' usemap=/z>",
      `<IMG alt='/x' SRC = '${prefix}/y' usemap=${prefix}/z>`,
    ],
    ["a > in a value", '<a title="a>b" href="/c">', `<a title="a>b" href="${prefix}/c">`],
    ["what only looks like one", '<p href="/a"> a < b href="/c"', '<p href="/a"> a < b href="/c"'],
    ["a comment", '<!-- <a href="/a"> -->', '<!-- <a href="/a"> -->'],
    [
      "a script's own text",
      `<script src="/s.js">x = '<a href="/a">';</script><a href="/b">`,
      `<script src="${prefix}/s.js">x = '<a href="/a">';</script><a href="${prefix}/b">`,
    ],
    ["an end in the midst", '<p>a</p><a href="/b', '<p>a</p><a href="/b'],
    ["nothing", "", ""],
  ];
  for (const [title, page, expected] of pages) {
    it(`${title}, however it is cut`, () => {
      for (let size = 1; size <= Math.max(1, page.length); size++) {
        const rewriter = new PageRewriter(place);
        let text = "";
        for (let at = 0; at < page.length; at += size)
          text += rewriter.write(page.slice(at, at + size));
        expect(text + rewriter.end()).toBe(expected);
      }
    });
  }

  it("holds no more than a tag may be long", () => {
    const rewriter = new PageRewriter(place);
    const endless = `<a href="/${"x".repeat(70_000)}`;
    expect(rewriter.write(endless)).toBe(endless);
    expect(rewriter.end()).toBe("");
  });
});
