/** Pages of the benchmark's tables: Scan responses, seeded. */
import { seeded } from "../../../../test/support/random";
import { sizeOf, type Item } from "../heartbeats/processes/counting-dynamodb";
import type { ItemSize } from "./messages";

const PAGE_BYTES = 1_048_576;

/** Tables repeat this many pages: too many for the CPU cache. */
const DISTINCT_PAGES = 16;

export interface Page {
  /** The response up to the end of the items. */
  readonly head: Buffer;
  readonly items: number;
  /** Of the items, by DynamoDB's own rules. */
  readonly tableBytes: number;
}

export function pagesOf(size: ItemSize): readonly Page[] {
  return Array.from({ length: DISTINCT_PAGES }, (_, seed) => pageOf(size, seed));
}

/** Of a page that is alone: what a Scan returns. */
export function responseOf({ head }: Page): Buffer {
  return Buffer.concat([head, Buffer.from("}")]);
}

const WORDS =
  'delivery returned customer invoice pending shipment Zürich größe “quoted” \\ naïve order "box" today'.split(" ");

function itemOf(size: ItemSize, random: () => number): Item {
  const number = (limit: number): string => String(Math.floor(random() * limit));
  const words = (count: number): string =>
    Array.from({ length: count }, () => WORDS[Math.floor(random() * WORDS.length)]).join(" ");
  const log = {
    transaction_id: { S: Array.from({ length: 4 }, () => number(2 ** 32).padStart(10, "0")).join("-") },
    access_timestamp: { N: `17${number(1e8).padStart(8, "0")}` },
    user_id: { S: `user-${number(1e5)}` },
    path: { S: `/products/${number(1e4)}/reviews` },
    duration: { N: `${number(1e3)}.${number(1e6)}` },
    signed_in: { BOOL: random() < 0.5 },
    referrer: { NULL: true },
    tags: { SS: ["web", "beta"] },
  };
  if (size === "300b") return log;
  const line = () => ({
    M: {
      sku: { S: `sku-${number(1e6)}` },
      quantity: { N: number(9) },
      price: { N: `${number(1e3)}.99` },
      note: { S: words(8) },
    },
  });
  return {
    ...log,
    lines: { L: Array.from({ length: 12 }, line) },
    text: { S: words(180) },
    image: { B: Buffer.from(words(50)).toString("base64") },
  };
}

function pageOf(size: ItemSize, seed: number): Page {
  const random = seeded(seed);
  const items: string[] = [];
  let tableBytes = 0;
  for (let bytes = 0; bytes < PAGE_BYTES;) {
    const item = itemOf(size, random);
    const json = JSON.stringify(item);
    bytes += json.length;
    items.push(json);
    tableBytes += sizeOf(item);
  }
  const head = Buffer.from(`{"Count":${items.length},"Items":[${items.join(",")}]`);
  return { head, items: items.length, tableBytes };
}
