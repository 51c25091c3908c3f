/** An in-memory DynamoDB with the handlers' operations, which counts read and write units. Single client, so all conditions hold. */
import * as z from "zod";

const attributeSchema = z.record(z.string(), z.unknown());
const itemSchema = z.record(z.string(), attributeSchema);
export type Item = z.output<typeof itemSchema>;

const putSchema = z.object({ TableName: z.string(), Item: itemSchema });
const batchWriteSchema = z.object({
  RequestItems: z.record(z.string(), z.array(z.object({ PutRequest: z.object({ Item: itemSchema }) }))),
});
const transactionSchema = z.object({ TransactItems: z.array(z.object({ Put: putSchema })) });
const getSchema = z.object({ TableName: z.string(), Key: itemSchema, ConsistentRead: z.boolean().default(false) });
const addSchema = z.object({
  TableName: z.string(),
  Key: itemSchema,
  UpdateExpression: z.literal("ADD monitors :monitors"),
  ExpressionAttributeValues: itemSchema,
});
const setSchema = z.array(z.string()).default([]);
const batchGetSchema = z.object({ RequestItems: z.record(z.string(), z.object({ Keys: z.array(itemSchema) })) });
const querySchema = z.object({ TableName: z.string(), ExpressionAttributeValues: itemSchema });

/** A write unit is 1 KB, a read unit 4 KB. Transactional writes and consistent reads count twice. */
const WRITE_BYTES = 1_024;
const READ_BYTES = 4_096;

export class CountingDynamoDB {
  writeUnits = 0;
  readUnits = 0;
  /** Items by table, partition key and sort key. */
  private readonly tables = new Map<string, Map<string, Map<string, Item>>>();

  items(table: string): readonly Item[] {
    return [...(this.tables.get(table)?.values() ?? [])].flatMap((partition) => [...partition.values()]);
  }

  /** Puts an item without counting it. */
  preload(table: string, input: unknown): void {
    const item = itemSchema.parse(input);
    this.partition(table, partitionKeyOf(item)).set(sortKeyOf(item), item);
  }

  /** @param operation `DynamoDB_20120810.PutItem` */
  answer(operation: string, input: unknown): object {
    switch (operation.replace(/^.*\./, "")) {
      case "PutItem":
        return this.put(putSchema.parse(input), 1);
      case "BatchWriteItem":
        for (const [TableName, requests] of Object.entries(batchWriteSchema.parse(input).RequestItems))
          for (const { PutRequest } of requests) this.put({ TableName, Item: PutRequest.Item }, 1);
        return {};
      case "TransactWriteItems":
        for (const { Put } of transactionSchema.parse(input).TransactItems) this.put(Put, 2);
        return {};
      case "UpdateItem":
        return this.addToSet(addSchema.parse(input));
      case "GetItem": {
        const { TableName, Key, ConsistentRead } = getSchema.parse(input);
        const item = this.find(TableName, Key);
        this.read(item === undefined ? 0 : sizeOf(item), ConsistentRead ? 1 : 0.5);
        return item === undefined ? {} : { Item: item };
      }
      case "BatchGetItem":
        return { Responses: this.batchGet(batchGetSchema.parse(input)) };
      case "Query":
        return { Items: this.query(querySchema.parse(input)) };
      default:
        throw new Error(`unsupported operation: ${operation}`);
    }
  }

  private put({ TableName, Item: item }: z.output<typeof putSchema>, factor: number): object {
    const before = this.find(TableName, item);
    const bytes = Math.max(sizeOf(item), before === undefined ? 0 : sizeOf(before));
    this.writeUnits += factor * Math.ceil(bytes / WRITE_BYTES);
    this.preload(TableName, item);
    return {};
  }

  /** The only update: the monitor registry. */
  private addToSet({ TableName, Key, ExpressionAttributeValues: values }: z.output<typeof addSchema>): object {
    const before = this.find(TableName, Key)?.["monitors"]?.["SS"];
    const SS = [...setSchema.parse(before), ...setSchema.parse(values[":monitors"]?.["SS"])];
    return this.put({ TableName, Item: { ...Key, monitors: { SS } } }, 1);
  }

  private batchGet({ RequestItems }: z.output<typeof batchGetSchema>): Record<string, readonly Item[]> {
    return Object.fromEntries(
      Object.entries(RequestItems).map(([name, { Keys }]) => {
        const items = Keys.map((key) => this.find(name, key));
        for (const item of items) this.read(item === undefined ? 0 : sizeOf(item), 0.5);
        return [name, items.filter((item) => item !== undefined)];
      }),
    );
  }

  /** Items of one monitor between two sort keys. */
  private query({ TableName, ExpressionAttributeValues: values }: z.output<typeof querySchema>): readonly Item[] {
    const [from, to] = [text(values[":from"]), text(values[":to"])];
    const items = [...this.partition(TableName, text(values[":monitor"]))]
      .filter(([sortKey]) => sortKey >= from && sortKey <= to)
      .map(([, item]) => item);
    this.read(
      items.map(sizeOf).reduce((sum, bytes) => sum + bytes, 0),
      0.5,
    );
    return items;
  }

  /** A missing item costs as much as the smallest. */
  private read(bytes: number, unit: 0.5 | 1): void {
    this.readUnits += unit * Math.max(1, Math.ceil(bytes / READ_BYTES));
  }

  private find(table: string, key: Item): Item | undefined {
    return this.partition(table, partitionKeyOf(key)).get(sortKeyOf(key));
  }

  private partition(table: string, key: string): Map<string, Item> {
    const partitions = this.tables.get(table) ?? new Map<string, Map<string, Item>>();
    this.tables.set(table, partitions);
    const partition = partitions.get(key) ?? new Map<string, Item>();
    partitions.set(key, partition);
    return partition;
  }
}

function partitionKeyOf({ monitor, utcDate }: Item): string {
  return text(monitor ?? utcDate);
}

function sortKeyOf({ item, utcTime }: Item): string {
  return text(item ?? utcTime);
}

function text(attribute: Item[string] | undefined): string {
  return z.string().parse(attribute?.["S"]);
}

/** Bytes, by DynamoDB's rules. */
export function sizeOf(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOfValue(value), 0);
}

function sizeOfValue(attribute: Item[string]): number {
  const [entry] = Object.entries(attribute);
  if (entry === undefined) throw new Error("attribute without value");
  const [type, value] = entry;
  switch (type) {
    case "S":
      return Buffer.byteLength(z.string().parse(value));
    case "N":
      return Math.ceil(z.string().parse(value).replace(/\D/g, "").length / 2) + 1;
    case "B":
      return Buffer.from(z.string().parse(value), "base64").length;
    case "SS":
      return setSchema.parse(value).reduce((sum, member) => sum + Buffer.byteLength(member), 0);
    case "BOOL":
    case "NULL":
      return 1;
    case "M":
      return 3 + Object.keys(itemSchema.parse(value)).length + sizeOf(itemSchema.parse(value));
    case "L":
      return (
        3 +
        z
          .array(attributeSchema)
          .parse(value)
          .reduce((sum, each) => sum + 1 + sizeOfValue(each), 0)
      );
    default:
      throw new Error(`unsupported attribute type: ${type}`);
  }
}
