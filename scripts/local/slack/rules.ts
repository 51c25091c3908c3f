/** The limits of Slack's incoming webhooks: https://docs.slack.dev/reference/block-kit/blocks */
import * as z from "zod";

const LIMITS = {
  blocks: 50,
  header: 150,
  section: 3_000,
  field: 2_000,
  fields: 10,
  elements: 10,
  all: 13_200,
  text: 40_000,
};

/** With a character that is shown. */
const shownText = (longest: number) => z.string().max(longest).regex(/\S/);

const plainText = (longest: number) =>
  z.strictObject({
    type: z.literal("plain_text"),
    text: shownText(longest),
    emoji: z.boolean().optional(),
  });

const anyText = (longest: number) =>
  z.discriminatedUnion("type", [
    plainText(longest),
    z.strictObject({
      type: z.literal("mrkdwn"),
      text: shownText(longest),
      verbatim: z.boolean().optional(),
    }),
  ]);

const blockSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("header"),
    text: plainText(LIMITS.header),
  }),
  z
    .strictObject({
      type: z.literal("section"),
      text: anyText(LIMITS.section).optional(),
      fields: z.array(anyText(LIMITS.field)).min(1).max(LIMITS.fields).optional(),
    })
    .refine(({ text, fields }) => text !== undefined || fields !== undefined, "has neither text nor fields"),
  z.strictObject({
    type: z.literal("context"),
    elements: z.array(anyText(LIMITS.section)).min(1).max(LIMITS.elements),
  }),
  z.strictObject({ type: z.literal("divider") }),
]);

const messageSchema = z.looseObject({
  text: z.string().max(LIMITS.text).optional(),
  blocks: z.array(z.unknown()).optional(),
});

/** Slack's error codes for a message, with their places; empty when Slack accepts it. */
export function blockFaults(message: unknown): readonly string[] {
  const parsed = messageSchema.safeParse(message);
  if (!parsed.success) return ["invalid_payload"];
  const { text = "", blocks } = parsed.data;
  if (blocks === undefined) return text === "" ? ["no_text"] : [];
  if (blocks.length > LIMITS.blocks) return ["invalid_blocks: more than 50"];
  const faults = blocks.flatMap((block, index) => {
    const { error } = blockSchema.safeParse(block);
    return error === undefined
      ? []
      : [`invalid_blocks: ${index}: ${error.issues.map(({ message }) => message).join("; ")}`];
  });
  if (faults.length > 0) return faults;
  return lengthOfTexts(blocks) > LIMITS.all ? ["msg_blocks_too_long"] : [];
}

function lengthOfTexts(value: unknown): number {
  if (Array.isArray(value)) return value.map(lengthOfTexts).reduce((a, b) => a + b, 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value)
    .map(([name, item]: [string, unknown]) =>
      name === "text" && typeof item === "string" ? item.length : lengthOfTexts(item),
    )
    .reduce((a, b) => a + b, 0);
}
