import { pipelineSchema } from "../../../../functions/pipelines/contract";
import { readMessage } from "../../../../functions/pipelines/message/message";
import { notificationOf, type Notification } from "../../../../functions/pipelines/slack/notification";
import { rowOf } from "../../../../functions/pipelines/storage/row";
import { composeMessage, type SlackMessage } from "../../../../functions/pipelines/slack/slack-message";
import { blockFaults } from "../../../../scripts/local/slack/rules";
import fc from "../../../support/fast-check";

const REDACTED = "•••";

const pipeline = pipelineSchema.parse({
  key: "/jobOrderId",
  version: "/revision",
  summary: { Customer: "/customer/name", Total: "/total", Everything: "/customer" },
  private: ["/customer/name"],
});
const row = (order: object) => rowOf(readMessage(JSON.stringify(order), pipeline, Date.parse("2026-11-21T07:00:00Z")));
const notification = (overrides: Partial<Notification> = {}): Notification => ({
  pipeline: "jobOrder",
  key: "17",
  version: "1",
  kind: "new",
  receivedAt: "2026-11-21T07:00:00.000Z",
  fields: [],
  ...overrides,
});

/** As Slack gets it. */
const faultsOf = (message: SlackMessage) => blockFaults(JSON.parse(JSON.stringify(message)));

const textsOf = ({ text, blocks = [] }: SlackMessage): string =>
  [
    text,
    ...blocks.flatMap((block) => {
      if (block.type === "context") return block.elements.map((element) => element.text);
      if (block.type === "header") return block.text.text;
      return [...(block.text ? [block.text.text] : []), ...(block.fields ?? []).map((field) => field.text)];
    }),
  ].join("\n");

describe("a notification", () => {
  const first = row({ jobOrderId: "17", revision: 1, customer: { name: "Ada", city: "Bern" }, total: 10 });
  const second = row({ jobOrderId: "17", revision: 2, customer: { name: "Zoe", city: "Bern" }, total: 12 });

  it("has what is new, and redacts what is private", () => {
    expect(notificationOf("jobOrder", pipeline, { before: undefined, after: first })).toEqual({
      pipeline: "jobOrder",
      key: "17",
      version: "1",
      kind: "new",
      receivedAt: "2026-11-21T07:00:00.000Z",
      fields: [
        { label: "Customer", value: REDACTED },
        { label: "Total", value: "10" },
        { label: "Everything", value: `{"name":"${REDACTED}","city":"Bern"}` },
      ],
    });
  });

  it("has the summary in the order of the configuration", () => {
    const labels = ["Zeta", "Alpha", "Mid"];
    const ordered = pipelineSchema.parse({
      key: "/k",
      summary: Object.fromEntries(labels.map((label) => [label, "/x"])),
    });
    const after = rowOf(readMessage('{"k":"1","x":"y"}', ordered, 0));
    const { fields } = notificationOf("jobOrder", ordered, { before: undefined, after }) ?? { fields: [] };
    expect(fields.map(({ label }) => label)).toEqual(labels);
  });

  it("has what has changed, and what it was", () => {
    const { kind, fields } = notificationOf("jobOrder", pipeline, { before: first, after: second }) ?? { fields: [] };
    expect(kind).toBe("changed");
    expect(fields[1]).toEqual({ label: "Total", value: "12", before: "10" });
    expect(JSON.stringify(fields)).not.toMatch(/Ada|Zoe/);
  });

  it("is none when the same comes again", () => {
    expect(
      notificationOf("jobOrder", pipeline, { before: first, after: { ...first, version: { N: "9" } } }),
    ).toBeUndefined();
  });

  it("is none of what a quiet replay has written", () => {
    const quiet = rowOf(readMessage('{"jobOrderId":"17","revision":1}', pipeline, 0), { quiet: true });
    expect(notificationOf("jobOrder", pipeline, { before: undefined, after: quiet })).toBeUndefined();
    expect(notificationOf("jobOrder", pipeline, { before: quiet, after: second })?.kind).toBe("changed");
  });

  it("redacts a key that is private", () => {
    const secret = { ...pipeline, private: ["/jobOrderId"] };
    expect(notificationOf("jobOrder", secret, { before: undefined, after: first })?.key).toBe(REDACTED);
    const within = { ...pipeline, private: ["/order"] };
    const after = { key: { S: "17" }, keySource: { S: "/order/id" } };
    expect(notificationOf("jobOrder", within, { before: undefined, after })?.key).toBe(REDACTED);
  });

  it("redacts the key of a row that has another pointer, by that pointer", () => {
    const secret = { ...pipeline, private: ["/email"] };
    const row = { key: { S: "ann@example" }, keySource: { S: "/email" } };
    expect(notificationOf("jobOrder", secret, { before: undefined, after: row })?.key).toBe(REDACTED);
    expect(notificationOf("jobOrder", pipeline, { before: undefined, after: row })?.key).toBe("ann@example");
  });

  it("redacts a version that is private, also of a row that has another pointer", () => {
    const secret = { ...pipeline, private: ["/revision"] };
    const after = row({ jobOrderId: "17", revision: 4711 });
    expect(notificationOf("jobOrder", secret, { before: undefined, after })?.version).toBe(REDACTED);
    const moved = { ...secret, version: "/updated" };
    expect(notificationOf("jobOrder", moved, { before: undefined, after })?.version).toBe(REDACTED);
  });

  it("is there for any row, even a malformed one", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.record({ S: fc.string() }), fc.record({ N: fc.string() }))),
        (any) => {
          expect(notificationOf("jobOrder", pipeline, { before: undefined, after: any })).toBeDefined();
        },
      ),
    );
  });
});

it("a notification of a malformed row has no values of Object's own", () => {
  const labelled = pipelineSchema.parse({ key: "/k", summary: { constructor: "/x", toString: "/y" } });
  const malformed = { key: { S: "1" }, data: { S: "not JSON" } };
  expect(
    notificationOf("p", labelled, { before: malformed, after: { ...malformed, digest: { S: "2" } } })?.fields,
  ).toEqual([]);
});

describe("a Slack message", () => {
  it("of one notification is a card", () => {
    const one = notification({
      kind: "changed",
      version: "2",
      fields: [{ label: "Total", value: "12 & more", before: "<10>" }],
    });
    expect(composeMessage([one], "almanac-staging")).toMatchSnapshot();
  });

  it("of some notifications is a list", () => {
    const some = ["1", "2", "3"].map((key, index) =>
      notification({ key, kind: index === 2 ? "changed" : "new", fields: [{ label: "Total", value: key }] }),
    );
    expect(composeMessage(some, "almanac-staging")).toMatchSnapshot();
  });

  it("of very many is a digest: each by its key, as many as Slack accepts", () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      notification({ key: String(1_000_000 + (index % 6_000)) }),
    );
    const { message, included } = composeMessage(many, "almanac-staging");
    expect(included).toBeGreaterThan(1_000);
    expect(message.text.toString()).toBe(`${included} changes: Job order ${included} new`);
    const texts = textsOf(message);
    for (const { key } of many.slice(0, included)) expect(texts).toContain(key);
  });

  const texts = (message: SlackMessage): object[] =>
    (message.blocks ?? []).flatMap((block): object[] => {
      if (block.type === "context") return [...block.elements];
      if (block.type === "header") return [block.text];
      return [...(block.text ? [block.text] : []), ...(block.fields ?? [])];
    });

  it.each([1, 2, 3_000])("shows values as they are, in a message of %i", (count) => {
    const value = "*bold* _it_ ~no~ :100: `code` https://example.org <!channel> @here &amp;";
    const all = Array.from({ length: count }, () =>
      notification({ key: value, fields: [{ label: ":label:", value, before: value }] }),
    );
    const { message } = composeMessage(all, "almanac-staging");
    expect(textsOf(message)).toContain(value);
    for (const text of texts(message)) expect(text).toMatchObject({ type: "plain_text", emoji: false });
    expect(message.mrkdwn).toBe(false);
    expect(message.text.toString()).not.toContain("<!channel>");
  });

  it("shows more fields than Slack has room for in a section as text, in their order", () => {
    const fields = Array.from({ length: 30 }, (_, index) => ({ label: `L${index}`, value: `value ${index}.` }));
    const { message } = composeMessage([notification({ fields })], "almanac-staging");
    expect(textsOf(message).match(/value \d+\./g)).toEqual(fields.map(({ value }) => value));
    expect(faultsOf(message)).toEqual([]);
  });

  it("shows a blank key in quotes: Slack refuses a section that shows nothing", () => {
    const fields = Array.from({ length: 5 }, (_, index) => ({ label: `Field ${index}`, value: "x".repeat(200) }));
    for (let count = 10; count < 20; count += 1) {
      const keys = [...Array.from({ length: count }, (_, index) => `${index}`.padEnd(200, "x")), "  "];
      const { message, included } = composeMessage(
        keys.map((key) => notification({ key, fields })),
        "almanac-staging",
      );
      expect(included).toBe(keys.length);
      expect(faultsOf(message)).toEqual([]);
      expect(textsOf(message)).toContain('"  "');
    }
  });

  it("says how many fields a message has no room for", () => {
    const fields = Array.from({ length: 90 }, (_, index) => ({ label: `L${index}`, value: "x".repeat(200) }));
    const { message } = composeMessage([notification({ fields })], "almanac-staging");
    expect(textsOf(message)).toMatch(/and \d+ more/);
    expect(faultsOf(message)).toEqual([]);
  });

  it("cuts no character in half", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 300 }), (shift, count) => {
        const long = `${"x".repeat(shift)}${"😀".repeat(2_000)}`;
        const read = notificationOf("jobOrder", pipeline, {
          before: undefined,
          after: row({
            jobOrderId: long.slice(0, 2 * 200 + shift),
            revision: 1,
            total: long,
            customer: { name: long },
          }),
        });
        const long_ = notification({ key: long, fields: [{ label: "Total", value: long, before: long }] });
        for (const format of ["blocks", "text", "counts"] as const) {
          const { message } = composeMessage(
            Array.from({ length: count }, () => long_),
            "almanac-staging",
            format,
          );
          expect(JSON.stringify([message, read])).not.toMatch(/\\ud[89a-f]/);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("has one line for each notification, whatever its texts are", () => {
    const hostile = fc
      .array(fc.constantFrom("17", "\n", "\r", "\u2028", "\u0085", "• Job order 18", "\u202e", "\u001b[2J", "\u200b"), {
        maxLength: 8,
      })
      .map((parts) => parts.join(""));
    const any = fc.record({
      pipeline: fc.constant("jobOrder"),
      key: hostile,
      version: hostile,
      kind: fc.constant("new" as const),
      receivedAt: hostile,
      fields: fc.array(fc.record({ label: fc.constant("Customer"), value: hostile, before: hostile }), {
        maxLength: 3,
      }),
    });
    fc.assert(
      fc.property(fc.array(any, { minLength: 2, maxLength: 8 }), (notifications) => {
        const { message } = composeMessage(notifications, "almanac-staging");
        const [section] = (message.blocks ?? []).filter(({ type }) => type === "section");
        const lines = (section?.type === "section" ? (section.text?.text ?? "") : "").split("\n");
        expect(lines.filter((line) => line.startsWith("• Job order "))).toHaveLength(notifications.length);
        expect(lines).toHaveLength(notifications.length);
        expect(textsOf(message)).not.toMatch(/(?!\n)\p{Cc}|[\u2028\u202e\u200b]/u);
      }),
    );
  });

  it("is one that Slack accepts, and includes the first of them, whatever it is about", () => {
    const text = fc.oneof(fc.string({ maxLength: 300 }), fc.stringMatching(/^[<>&]{200}$/));
    const any = fc.record({
      pipeline: fc.constantFrom("jobOrder", "invoice", "x"),
      key: text,
      kind: fc.constantFrom("new", "changed", "removed" as const),
      receivedAt: fc.constant("2026-11-21T07:00:00.000Z"),
      fields: fc.array(fc.record({ label: fc.string({ minLength: 1, maxLength: 60 }), value: text, before: text }), {
        maxLength: 60,
      }),
    });
    const formats = fc.constantFrom("blocks", "text", "counts" as const);
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 120 }), formats, (notifications, format) => {
        const { message, included } = composeMessage(notifications, "almanac-staging", format);
        expect(faultsOf(message)).toEqual([]);
        expect(included).toBeGreaterThanOrEqual(1);
        expect(textsOf(message).length).toBeLessThanOrEqual(13_000);
      }),
    );
  });
});
