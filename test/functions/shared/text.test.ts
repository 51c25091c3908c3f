import {
  encoderOf,
  truncate,
  truncateBytes,
  visible,
  visibleLines,
  type Encoded,
} from "../../../functions/shared/text";
import { anyCodePoint } from "../../support/code-points";
import fc from "../../support/fast-check";

const anyText = fc.string({ unit: anyCodePoint, maxLength: 40 });

describe("visible text", () => {
  it.each([
    ["a line break, in each of its forms", "a\r\nb\u2028c\u0085d\u000be", "a⏎b⏎c⏎d⏎e"],
    ["a terminal's escape", "\u001b[2Jred\u009b31m", "\ufffd[2Jred\ufffd31m"],
    ["what reorders its neighbours", "invoice\u202egpj.exe\u2066x\u200e", "invoice\ufffdgpj.exe\ufffdx\ufffd"],
    ["what is not shown", "pass\u200bword\u{e0041}\ufeff", "pass\ufffdword\ufffd\ufffd"],
    ["half a surrogate pair", "a\ud83d", "a\ufffd"],
    ["a tab", "a\tb", "a b"],
  ])("shows %s", (_, text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  it("leaves names of all scripts and emoji alone", () => {
    const text = "Łódź, 東京, ‏".replace("\u200f", "") + "मुंबई, العربية, 👩‍👧 €";
    expect(visible(text)).toBe(text);
  });

  it("is one line without control characters, whatever the text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(visible(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u);
        expect(visibleLines(text)).not.toMatch(/(?![\n\t])\p{Cc}|[\p{Cs}\p{Bidi_Control}]/u);
      }),
    );
  });
});

describe("truncated text", () => {
  it("is short enough, well-formed, and a beginning of the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), fc.integer({ min: 4, max: 40 }), (text, max) => {
        for (const [cut, length] of [
          [truncate(text, max), (part: string) => part.length],
          [truncateBytes(text, max), (part: string) => Buffer.byteLength(part)],
        ] as const) {
          expect(length(cut)).toBeLessThanOrEqual(max);
          expect(cut).not.toMatch(/\p{Cs}/u);
          if (cut !== text) expect(text.startsWith(cut.slice(0, -1))).toBe(true);
          expect(cut === text).toBe(length(text) <= max);
        }
      }),
    );
  });
});

describe("an encoder", () => {
  const { template, joined } = encoderOf("shout", (text) => text.toUpperCase());

  it("encodes the values of its templates, and nothing twice", () => {
    const inner = template`<${"b"}>`;
    expect(template`a ${"b"} ${1} ${null}${false}${[inner, "c"]}`.toString()).toBe("a B 1 <B>C");
    expect(joined([inner, "c"], " and ").toString()).toBe("<B> AND C");
  });

  it("is its text in JSON", () => {
    expect(JSON.stringify({ text: template`${"a"}` })).toBe('{"text":"A"}');
  });

  it("takes neither text nor what another encoder made", () => {
    const other = encoderOf("whisper", (text) => text.toLowerCase());
    const send = (text: Encoded<"shout">) => text.toString();
    // @ts-expect-error -- text is not encoded
    const unencoded = () => send("a");
    // @ts-expect-error -- encoded for another sink
    const foreign = () => send(other.template`a`);
    expect([unencoded(), foreign(), send(template`a`)]).toEqual(["a", "a", "a"]);
  });
});
