/** A server with the parts of DynamoDB, Step Functions, S3 and STS that exports use. Its errors have the form of AWS's. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import * as z from "zod";

import { holds, updated, type Item, type Request } from "./dynamodb-expressions";

export interface AwsRequest {
  /** `Scan`, `UploadPart` */
  readonly action: string;
  /** A table, a role or `<bucket>/<key>`. */
  readonly resource: string;
  /** Parsed JSON; bytes for S3. */
  readonly body: unknown;
}

export interface AwsError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Other fields of the response. */
  readonly details?: object;
}

export const accessDenied = (action: string): AwsError => ({
  status: action.startsWith("s3:") || action.startsWith("sts:") ? 403 : 400,
  code: action.startsWith("dynamodb:") ? "AccessDeniedException" : "AccessDenied",
  message: `User: arn:aws:sts::000000000000:assumed-role/exports-read-segment/read is not authorized to perform: ${action}`,
});

export interface NativeExport {
  readonly arn: string;
  readonly request: Readonly<Record<string, unknown>>;
  description: Readonly<Record<string, unknown>> & { readonly ExportStatus: "IN_PROGRESS" | "COMPLETED" | "FAILED" };
}

export const requestSchema = z.looseObject({
  TableName: z.string().optional(),
  Key: z.custom<Item>().optional(),
  Item: z.custom<Item>().optional(),
});

export class FakeAws {
  endpoint = "";
  /** The pages of each exported table. Segments get them in turn. */
  readonly tables = new Map<string, readonly (readonly Item[])[]>();
  /** Of tables that were deleted and created again: how often. */
  private readonly recreations = new Map<string, number>();
  /** By bucket and key. */
  readonly objects = new Map<string, Buffer>();
  readonly buckets = new Set<string>();
  readonly uploads = new Map<
    string,
    { readonly resource: string; readonly chunks: Map<number, Buffer>; readonly owner: string }
  >();
  /** Metadata of objects that were uploaded in chunks. */
  private readonly owners = new Map<string, string>();
  readonly rows = new Map<string, Item>();
  /** Status of each execution, by ARN. */
  readonly executions = new Map<string, () => string>();
  readonly nativeExports: NativeExport[] = [];
  requests: AwsRequest[] = [];
  /** Called before each request; the request fails with a returned error. */
  before: (request: AwsRequest) => AwsError | undefined = () => undefined;

  /** Called when a request arrives. It is processed once the promise resolves, as if its sender had been slow. */
  stall: (request: number) => Promise<void> | undefined = () => undefined;
  private arrived = 0;

  private readonly server = createServer((request, response) => {
    void this.respond(request, response);
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
    const { owners, tables, recreations, objects, buckets, uploads, rows, executions } = this;
    for (const each of [owners, tables, recreations, objects, buckets, uploads, rows, executions]) each.clear();
    this.nativeExports.length = 0;
    this.requests = [];
    this.before = () => undefined;
    this.stall = () => undefined;
    this.arrived = 0;
  }

  /** Deletes a table and creates it with other items. */
  recreate(table: string, pages: readonly (readonly Item[])[]): void {
    this.recreations.set(table, (this.recreations.get(table) ?? 0) + 1);
    this.tables.set(table, pages);
  }

  /** Another table of the same name has another one. */
  tableId(table: string): string {
    return `${table}-${this.recreations.get(table) ?? 0}`;
  }

  count(action: string): number {
    return this.requests.filter((request) => request.action === action).length;
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    await this.stall(++this.arrived);
    const target = request.headers["x-amz-target"];
    if (typeof target === "string") this.respondJson(target.split(".")[1] ?? "", bytes, response);
    else if (bytes.includes("Action=AssumeRole")) this.respondSts(bytes.toString(), response);
    else this.respondS3(request, bytes, response);
  }

  private injectedError(request: AwsRequest): AwsError | undefined {
    this.requests.push(request);
    return this.before(request);
  }

  private respondJson(action: string, bytes: Buffer, response: ServerResponse): void {
    const body: unknown = JSON.parse(bytes.toString());
    const request = requestSchema.parse(body);
    const reply = (status: number, value: unknown): void => {
      response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(value));
    };
    const outcome =
      this.injectedError({ action, resource: request.TableName ?? "", body }) ?? this.execute(action, request);
    if ("code" in outcome)
      reply(outcome.status, { __type: `com.amazonaws#${outcome.code}`, message: outcome.message, ...outcome.details });
    else reply(200, outcome.response);
  }

  /** A request to DynamoDB or Step Functions. */
  execute(action: string, request: z.output<typeof requestSchema>): AwsError | { readonly response: unknown } {
    const { TableName = "" } = request;
    if (action === "DescribeExecution") {
      const status = this.executions.get(String(request["executionArn"]))?.();
      if (status === undefined) return { status: 400, code: "ExecutionDoesNotExist", message: "no such execution" };
      return { response: { status } };
    }
    if (action === "StartExecution") return { response: { executionArn: "arn:execution:started" } };
    if (action === "ExportTableToPointInTime") return { response: { ExportDescription: this.startExport(request) } };
    if (action === "DescribeExport") {
      const found = this.nativeExports.find(({ arn }) => arn === request["ExportArn"]);
      if (found === undefined) return { status: 400, code: "ExportNotFoundException", message: "no such export" };
      return { response: { ExportDescription: { ExportArn: found.arn, ...found.description } } };
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
      if (action === "Scan") return { response: pageOf(pages, request) };
      const TableArn = `arn:aws:dynamodb:eu-central-1:000000000000:table/${TableName}`;
      const TableId = this.tableId(TableName);
      return { response: { Table: { TableArn, TableId, ItemCount: pages.flat().length, TableSizeBytes: 1_000_000 } } };
    }
    switch (action) {
      case "GetItem":
        return { response: { Item: this.rows.get(keyOf(request.Key)) } };
      case "Query": {
        const values = request["ExpressionAttributeValues"] as Item;
        const prefix = `${values[":pk"]?.S ?? ""}|${values[":prefix"]?.S ?? ""}`;
        const direction = request["ScanIndexForward"] === false ? -1 : 1;
        const found = [...this.rows]
          .filter(([key]) => key.startsWith(prefix))
          .sort(([a], [b]) => (a < b ? -direction : direction));
        const after = request["ExclusiveStartKey"] as Item | undefined;
        const from = after === undefined ? 0 : found.findIndex(([key]) => key === keyOf(after)) + 1;
        const Items: Item[] = [];
        let bytes = 0;
        for (const [, item] of found.slice(from, from + Number(request["Limit"] ?? Infinity))) {
          if (bytes > QUERY_PAGE_BYTES) break;
          Items.push(item);
          bytes += JSON.stringify(item).length;
        }
        const { pk, sk } = Items.at(-1) ?? {};
        const more = from + Items.length < found.length;
        return { response: { Items, ...(more && pk && sk && { LastEvaluatedKey: { pk, sk } }) } };
      }
      case "UpdateItem": {
        if (!this.conditionHolds(request))
          return { status: 400, code: "ConditionalCheckFailedException", message: "The conditional request failed" };
        this.write(request);
        return { response: { Attributes: this.rows.get(keyOf(request.Key)) } };
      }
      default:
        throw new Error(`unsupported action: ${action}`);
    }
  }

  private transact(request: Readonly<Record<string, unknown>>): AwsError | { readonly response: unknown } {
    const items = request["TransactItems"] as readonly Partial<Record<"Update" | "Put" | "Delete", Request>>[];
    const writes = items.map(({ Update, Put, Delete }) => Update ?? Put ?? Delete ?? {});
    const reasons = writes.map((write) => ({ Code: this.conditionHolds(write) ? "None" : "ConditionalCheckFailed" }));
    if (reasons.some(({ Code }) => Code !== "None"))
      return {
        status: 400,
        code: "TransactionCanceledException",
        message: "Transaction cancelled",
        details: { CancellationReasons: reasons },
      };
    for (const { Update, Put, Delete } of items)
      if (Delete === undefined) this.write(Update ?? Put ?? {});
      else this.rows.delete(keyOf(Delete.Key));
    return { response: {} };
  }

  private conditionHolds(request: Request): boolean {
    const { ConditionExpression } = request;
    const before = this.rows.get(keyOf(request.Item ?? request.Key)) ?? {};
    return ConditionExpression === undefined || holds(ConditionExpression, before, request);
  }

  private write(request: Request): void {
    const key = keyOf(request.Item ?? request.Key);
    this.rows.set(key, request.Item ?? updated({ ...(this.rows.get(key) ?? request.Key) }, request));
  }

  /** Idempotent by client token. */
  private startExport(request: Readonly<Record<string, unknown>>): object {
    let found = this.nativeExports.find((each) => each.request["ClientToken"] === request["ClientToken"]);
    if (found === undefined) {
      const arn = `arn:aws:dynamodb:eu-central-1:000000000000:table/any/export/0${++this.ids}`;
      found = { arn, request, description: { ExportStatus: "IN_PROGRESS" } };
      this.nativeExports.push(found);
    }
    return { ExportArn: found.arn, ...found.description };
  }

  private respondSts(body: string, response: ServerResponse): void {
    const role = new URLSearchParams(body).get("RoleArn") ?? "";
    const error = this.injectedError({ action: "AssumeRole", resource: role, body });
    response.writeHead(error?.status ?? 200, { "Content-Type": "text/xml" });
    response.end(
      error
        ? `<ErrorResponse><Error><Type>Sender</Type><Code>${error.code}</Code><Message>${error.message}</Message></Error></ErrorResponse>`
        : `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    );
  }

  /** As S3 does for conditional requests. */
  private preconditionError(resource: string, headers: IncomingMessage["headers"]): AwsError | undefined {
    const object = this.objects.get(resource);
    const { "if-match": match, "if-none-match": noneMatch } = headers;
    if (match !== undefined && object === undefined)
      return { status: 404, code: "NoSuchKey", message: "The specified key does not exist." };
    if ((match !== undefined && object && match !== tagOf(object)) || (noneMatch === "*" && object !== undefined))
      return { status: 412, code: "PreconditionFailed", message: "At least one of the pre-conditions did not hold" };
    return undefined;
  }

  private respondS3(
    { method = "", url = "", headers }: IncomingMessage,
    bytes: Buffer,
    response: ServerResponse,
  ): void {
    const { pathname, searchParams: query } = new URL(url, "http://s3");
    const resource = decodeURIComponent(pathname.slice(1)).replace(/\/$/, "");
    const [bucket = ""] = resource.split("/");
    const action = s3Action(method, query);
    const xml = (status: number, text: string): void => {
      response.writeHead(status, { "Content-Type": "application/xml", ETag: `"tag-${this.ids}"` });
      response.end(method === "HEAD" ? undefined : text);
    };
    const error =
      this.injectedError({ action, resource, body: bytes }) ??
      (this.buckets.has(bucket)
        ? undefined
        : { status: 404, code: "NoSuchBucket", message: "The specified bucket does not exist" }) ??
      this.preconditionError(resource, headers);
    if (error !== undefined) {
      xml(error.status, `<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`);
      return;
    }
    const upload = query.get("uploadId") ?? "";
    switch (action) {
      case "CreateMultipartUpload": {
        const id = `upload-${++this.ids}`;
        this.uploads.set(id, { resource, chunks: new Map(), owner: String(headers["x-amz-meta-almanac-run"] ?? "") });
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
        this.objects.set(
          resource,
          Buffer.concat([...found.chunks].sort(([a], [b]) => a - b).map(([, chunk]) => chunk)),
        );
        this.owners.set(resource, found.owner);
        this.uploads.delete(upload);
        xml(200, "<R><ETag>tag-1</ETag></R>");
        return;
      }
      case "AbortMultipartUpload":
        this.uploads.delete(upload);
        xml(204, "");
        return;
      case "ListMultipartUploads": {
        const prefix = `${bucket}/${query.get("prefix") ?? ""}`;
        const listed = [...this.uploads].flatMap(([id, upload]) =>
          upload.resource.startsWith(prefix)
            ? `<Upload><Key>${upload.resource.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`
            : [],
        );
        xml(200, `<R>${listed.join("")}</R>`);
        return;
      }
      case "ListObjectsV2": {
        const prefix = `${bucket}/${query.get("prefix") ?? ""}`;
        const listed = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
        xml(
          200,
          `<R>${listed.map((key) => `<Contents><Key>${key.slice(bucket.length + 1)}</Key></Contents>`).join("")}</R>`,
        );
        return;
      }
      case "DeleteObject":
        this.objects.delete(resource);
        xml(204, "");
        return;
      case "PutObject": {
        const { "x-amz-copy-source": source, "x-amz-copy-source-if-match": match } = headers;
        const copied = typeof source === "string" ? this.objects.get(decodeURIComponent(source)) : undefined;
        if (source !== undefined && (copied === undefined || (match !== undefined && match !== tagOf(copied))))
          xml(412, "<Error><Code>PreconditionFailed</Code><Message>of the source</Message></Error>");
        else {
          this.objects.set(resource, copied ?? bytes);
          xml(200, "<CopyObjectResult><ETag></ETag></CopyObjectResult>");
        }
        return;
      }
    }
    const object = this.objects.get(resource);
    if (object === undefined) xml(404, "<Error><Code>NoSuchKey</Code></Error>");
    else {
      response.writeHead(200, {
        ETag: tagOf(object),
        "Content-Length": object.length,
        "x-amz-meta-almanac-run": this.owners.get(resource) ?? "",
      });
      response.end(method === "HEAD" ? undefined : object);
    }
  }
}

/** DynamoDB's limit. */
const QUERY_PAGE_BYTES = 1_048_576;

const tagOf = (object: Buffer): string => `"${createHash("md5").update(object).digest("hex")}"`;

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
