import { escape, joined, markup, trusted } from "../../../../../functions/heartbeats/status-page/markup/html-escape";
import { anyCodePoint } from "../../../../support/code-points";
import fc from "../../../../support/fast-check";

/** What a browser makes of escaped text. */
const unescaped = (text: string) =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");

describe("escaped text", () => {
  it("holds nothing that could begin or end markup, an attribute or an entity", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCodePoint }), (text) => {
        expect(escape(text)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  it("reads as the text that went in", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("<>&\"';#amplt39 ü🙂\n")) }), (text) => {
        expect(unescaped(escape(text))).toBe(text);
      }),
    );
  });

  it("has no characters that XML can't have, which would break a whole badge", () => {
    expect(escape("a\u0000b\u001bc\ud800d\uffffe\nf")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\nf");
  });
});

describe("a markup template", () => {
  it("escapes strings wherever they stand, and leaves markup alone", () => {
    const inner = markup`<b>${"<i>"}</b>`;
    expect(markup`<p title="${'"'}">${inner}${["<", inner]}${1}</p>`.toString()).toBe(
      '<p title="&quot;"><b>&lt;i&gt;</b>&lt;<b>&lt;i&gt;</b>1</p>',
    );
  });

  it("writes nothing for what is not there", () => {
    expect(markup`<p>${null}${false}${[]}</p>`.toString()).toBe("<p></p>");
  });

  it("joins with a separator that is escaped like everything else", () => {
    expect(joined([markup`<b></b>`, "<"], " & ").toString()).toBe("<b></b> &amp; &lt;");
  });

  it("takes our own constants as they are, when they say so", () => {
    expect(markup`<style>${trusted("a>b{}")}</style>`.toString()).toBe("<style>a>b{}</style>");
  });
});
