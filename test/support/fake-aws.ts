/**
 * As much of AWS as exports ask for, behind a real socket: DynamoDB's and Step Functions' JSON, S3's multipart uploads, STS. What it
 * refuses, it refuses as AWS does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import * as z from "zod";

import { holds, updated, type Item, type Request } from "./dynamodb-expressions";

/** One request: `Scan` of a table, `UploadPart` of `<bucket>/<key>`. */
export interface Asked {
  readonly action: string;
  readonly of: string;
  /** Parsed JSON; of S3 the bytes. */
  readonly body: unknown;
}

/** What AWS says no with. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** What the answer says besides. */
  readonly more?: object;
}

export const accessDenied = (action: string): Refusal => ({
  status: action.startsWith("s3:") || action.startsWith("sts:") ? 403 : 400,
  code: action.startsWith("dynamodb:") ? "AccessDeniedException" : "AccessDenied",
  message: `User: arn:aws:sts::000000000000:assumed-role/exports/read is not authorized to perform: ${action}`,
});

/** One of DynamoDB's own exports, as DescribeExport tells of it. */
export interface NativeExport {
  readonly arn: string;
  readonly request: Readonly<Record<string, unknown>>;
  told: Readonly<Record<string, unknown>> & { readonly ExportStatus: "IN_PROGRESS" | "COMPLETED" | "FAILED" };
}

const requestSchema = z.looseObject({
  TableName: z.string().optional(),
  Key: z.custom<Item>().optional(),
  Item: z.custom<Item>().optional(),
});

export class FakeAws {
  endpoint = "";
  /** Tables that are exported: each page of a Scan. A segment gets every so-manieth. */
  readonly tables = new Map<string, readonly (readonly Item[])[]>();
  /** By bucket and key. */
  readonly objects = new Map<string, Buffer>();
  readonly buckets = new Set<string>();
  readonly uploads = new Map<string, { readonly of: string; readonly chunks: Map<number, Buffer> }>();
  readonly rows = new Map<string, Item>();
  /** Step Functions', by their ARNs. */
  readonly executions = new Map<string, () => string>();
  readonly nativeExports: NativeExport[] = [];
  asked: Asked[] = [];
  /** Hears of each request before it is answered; may refuse it. */
  before: (asked: Asked) => Refusal | undefined = () => undefined;

  private readonly server = createServer((request, response) => {
    void this.answer(request, response);
  });
  private ids = 0;

  constructor(private readonly stateTable: string) {}

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.endpoint = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  reset(): void {
    for (const each of [this.tables, this.objects, this.buckets, this.uploads, this.rows, this.executions])
      each.clear();
    this.nativeExports.length = 0;
    this.asked = [];
    this.before = () => undefined;
  }

  count(action: string): number {
    return this.asked.filter((asked) => asked.action === action).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const target = request.headers["x-amz-target"];
    if (typeof target === "string") this.answerJson(target.split(".")[1] ?? "", bytes, response);
    else if (bytes.includes("Action=AssumeRole")) this.answerSts(bytes.toString(), response);
    else this.answerS3(request, bytes, response);
  }

  private refusal(asked: Asked): Refusal | undefined {
    this.asked.push(asked);
    return this.before(asked);
  }

  private answerJson(action: string, bytes: Buffer, response: ServerResponse): void {
    const body: unknown = JSON.parse(bytes.toString());
    const request = requestSchema.parse(body);
    const reply = (status: number, value: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(value));
    };
    const outcome = this.refusal({ action, of: request.TableName ?? "", body }) ?? this.done(action, request);
    if ("code" in outcome)
      reply(outcome.status, { __type: `com.amazonaws#${outcome.code}`, message: outcome.message, ...outcome.more });
    else reply(200, outcome.answer);
  }

  private done(action: string, request: z.output<typeof requestSchema>): Refusal | { readonly answer: unknown } {
    const { TableName = "" } = request;
    if (action === "DescribeExecution") {
      const status = this.executions.get(String(request["executionArn"]))?.();
      if (status === undefined) return { status: 400, code: "ExecutionDoesNotExist", message: "no such execution" };
      return { answer: { status } };
    }
    if (action === "ExportTableToPointInTime") return { answer: { ExportDescription: this.exportNatively(request) } };
    if (action === "DescribeExport") {
      const found = this.nativeExports.find(({ arn }) => arn === request["ExportArn"]);
      if (found === undefined) return { status: 400, code: "ExportNotFoundException", message: "no such export" };
      return { answer: { ExportDescription: { ExportArn: found.arn, ...found.told } } };
    }
    if (action === "TransactWriteItems") return this.transact(request);
    if (TableName !== this.stateTable) {
      const pages = this.tables.get(TableName);
      if (pages === undefined)
        return {
          status: 400,
          code: "ResourceNotFoundException",
          message: `Requested resource not found: Table: ${TableName} not found`,
        };
      if (action === "Scan") return { answer: pageOf(pages, request) };
      const TableArn = `arn:aws:dynamodb:eu-central-1:000000000000:table/${TableName}`;
      return { answer: { Table: { TableArn, ItemCount: pages.flat().length, TableSizeBytes: 1_000_000 } } };
    }
    switch (action) {
      case "GetItem":
        return { answer: { Item: this.rows.get(keyOf(request.Key)) } };
      case "Query": {
        const values = request["ExpressionAttributeValues"] as Item;
        const beginning = `${values[":pk"]?.S ?? ""}|${values[":prefix"]?.S ?? ""}`;
        const found = [...this.rows].filter(([key]) => key.startsWith(beginning)).sort(([a], [b]) => (a < b ? -1 : 1));
        return { answer: { Items: found.map(([, item]) => item) } };
      }
      case "UpdateItem": {
        if (!this.isAllowed(request))
          return { status: 400, code: "ConditionalCheckFailedException", message: "The conditional request failed" };
        this.write(request);
        return { answer: { Attributes: this.rows.get(keyOf(request.Key)) } };
      }
      default:
        throw new Error(`${action} is not known here`);
    }
  }

  private transact(request: Readonly<Record<string, unknown>>): Refusal | { readonly answer: unknown } {
    const items = request["TransactItems"] as readonly { readonly Update?: Request; readonly Put?: Request }[];
    const writes = items.map(({ Update, Put }) => Update ?? Put ?? {});
    const reasons = writes.map((write) => ({ Code: this.isAllowed(write) ? "None" : "ConditionalCheckFailed" }));
    if (reasons.some(({ Code }) => Code !== "None"))
      return {
        status: 400,
        code: "TransactionCanceledException",
        message: "Transaction cancelled",
        more: { CancellationReasons: reasons },
      };
    for (const write of writes) this.write(write);
    return { answer: {} };
  }

  private isAllowed(request: Request): boolean {
    const { ConditionExpression } = request;
    const before = this.rows.get(keyOf(request.Item ?? request.Key)) ?? {};
    return ConditionExpression === undefined || holds(ConditionExpression, before, request);
  }

  private write(request: Request): void {
    const key = keyOf(request.Item ?? request.Key);
    this.rows.set(key, request.Item ?? updated({ ...(this.rows.get(key) ?? request.Key) }, request));
  }

  /** The same token is the same export. */
  private exportNatively(request: Readonly<Record<string, unknown>>): object {
    let found = this.nativeExports.find((each) => each.request["ClientToken"] === request["ClientToken"]);
    if (found === undefined) {
      const arn = `arn:aws:dynamodb:eu-central-1:000000000000:table/any/export/0${++this.ids}`;
      found = { arn, request, told: { ExportStatus: "IN_PROGRESS" } };
      this.nativeExports.push(found);
    }
    return { ExportArn: found.arn, ...found.told };
  }

  private answerSts(body: string, response: ServerResponse): void {
    const role = new URLSearchParams(body).get("RoleArn") ?? "";
    const refused = this.refusal({ action: "AssumeRole", of: role, body });
    response.writeHead(refused?.status ?? 200, { "Content-Type": "text/xml" });
    response.end(
      refused
        ? `<ErrorResponse><Error><Type>Sender</Type><Code>${refused.code}</Code><Message>${refused.message}</Message></Error></ErrorResponse>`
        : `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  }

  private answerS3({ method = "", url = "" }: IncomingMessage, bytes: Buffer, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(url, "http://s3");
    const of = decodeURIComponent(pathname.slice(1)).replace(/\/$/, "");
    const [bucket = ""] = of.split("/");
    const action = s3Action(method, query);
    const xml = (status: number, text: string): void => {
      response.writeHead(status, { "Content-Type": "application/xml", ETag: `"tag-${this.ids}"` });
      response.end(method === "HEAD" ? undefined : text);
    };
    const refused =
      this.refusal({ action, of, body: bytes }) ??
      (this.buckets.has(bucket)
        ? undefined
        : { status: 404, code: "NoSuchBucket", message: "The specified bucket does not exist" });
    if (refused !== undefined) {
      xml(refused.status, `<Error><Code>${refused.code}</Code><Message>${refused.message}</Message></Error>`);
      return;
    }
    const upload = query.get("uploadId") ?? "";
    switch (action) {
      case "CreateMultipartUpload": {
        const id = `upload-${++this.ids}`;
        this.uploads.set(id, { of, chunks: new Map() });
        xml(200, `<R><UploadId>${id}</UploadId></R>`);
        return;
      }
      case "UploadPart":
        this.uploads.get(upload)?.chunks.set(Number(query.get("partNumber")), bytes);
        xml(200, "");
        return;
      case "CompleteMultipartUpload": {
        const found = this.uploads.get(upload);
        if (found === undefined) {
          xml(404, "<Error><Code>NoSuchUpload</Code></Error>");
          return;
        }
        this.objects.set(of, Buffer.concat([...found.chunks].sort(([a], [b]) => a - b).map(([, chunk]) => chunk)));
        this.uploads.delete(upload);
        xml(200, "<R><ETag>tag-1</ETag></R>");
        return;
      }
      case "AbortMultipartUpload":
        this.uploads.delete(upload);
        xml(204, "");
        return;
      case "ListMultipartUploads": {
        const listed = [...this.uploads].map(
          ([id, { of: at }]) => `<Upload><Key>${at.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`,
        );
        xml(200, `<R>${listed.join("")}</R>`);
        return;
      }
      case "ListObjectsV2": {
        const beginning = `${bucket}/${query.get("prefix") ?? ""}`;
        const listed = [...this.objects.keys()].filter((key) => key.startsWith(beginning));
        xml(
          200,
          `<R>${listed.map((key) => `<Contents><Key>${key.slice(bucket.length + 1)}</Key></Contents>`).join("")}</R>`,
        );
        return;
      }
      case "DeleteObject":
        this.objects.delete(of);
        xml(204, "");
        return;
      case "PutObject":
        this.objects.set(of, bytes);
        xml(200, "");
        return;
    }
    const object = this.objects.get(of);
    if (object === undefined) xml(404, "<Error><Code>NoSuchKey</Code></Error>");
    else {
      response.writeHead(200, { ETag: '"tag-1"', "Content-Length": object.length });
      response.end(method === "HEAD" ? undefined : object);
    }
  }
}

const keyOf = (key: Item = {}): string => `${key["pk"]?.S ?? ""}|${key["sk"]?.S ?? ""}`;

function pageOf(pages: readonly (readonly Item[])[], request: Readonly<Record<string, unknown>>): object {
  const {
    Segment = 0,
    TotalSegments = 1,
    FilterExpression,
    ExclusiveStartKey,
  } = request as {
    readonly Segment?: number;
    readonly TotalSegments?: number;
    readonly FilterExpression?: string;
    readonly ExclusiveStartKey?: Item;
  };
  const own = pages.filter((_, index) => index % TotalSegments === Segment);
  const number = Number(ExclusiveStartKey?.["page"]?.N ?? "-1") + 1;
  const scanned = own[number] ?? [];
  const Items = scanned.filter(
    (item) => FilterExpression === undefined || holds(FilterExpression, item, request as Request),
  );
  return {
    Items,
    Count: Items.length,
    ScannedCount: scanned.length,
    ...(number + 1 < own.length && { LastEvaluatedKey: { page: { N: String(number) } } }),
    ConsumedCapacity: { CapacityUnits: 1 },
  };
}

function s3Action(method: string, query: URLSearchParams): string {
  if (query.has("uploads")) return method === "POST" ? "CreateMultipartUpload" : "ListMultipartUploads";
  if (query.has("uploadId"))
    return { PUT: "UploadPart", POST: "CompleteMultipartUpload", DELETE: "AbortMultipartUpload" }[method] ?? method;
  if (query.has("list-type")) return "ListObjectsV2";
  return { PUT: "PutObject", DELETE: "DeleteObject", HEAD: "HeadObject" }[method] ?? "GetObject";
}
