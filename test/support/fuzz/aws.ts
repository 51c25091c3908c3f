/** AWS on loopback for the fuzz: answers as if all went well, and refuses what the real one refuses. Each refusal would be a 500 of ours. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** The value of each parameter. */
export const PARAMETER_VALUE = "a secret of the fuzz, of 32 characters or more";

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

interface Answer {
  readonly status?: number;
  readonly body: unknown;
}

const refused = (type: string): Answer => ({ status: 400, body: { __type: type, message: "refused by the fuzz" } });

/** DynamoDB's limits of keys and items. */
function dynamodbRefuses(fields: Fields): boolean {
  const keys = [fields["Key"], fields["ExclusiveStartKey"]].flatMap((key) => Object.values(fieldsOf(key)));
  const badKey = keys.map(fieldsOf).some(({ S, N }) => {
    if (typeof S === "string") return S === "" || Buffer.byteLength(S) > 2_048;
    const magnitude = Math.abs(Number(N));
    return !(magnitude === 0 || (magnitude >= 1e-130 && magnitude < 1e126));
  });
  return badKey || (fields["Item"] !== undefined && Buffer.byteLength(JSON.stringify(fields["Item"])) > 409_600);
}

/** SQS's characters and sizes. */
function sqsRefuses(body: string): boolean {
  return (
    body === "" ||
    Buffer.byteLength(body) > 262_144 ||
    /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(body)
  );
}

function answerTo(operation: string, fields: Fields): Answer {
  const [service = "", action = ""] = operation.split(".");
  if (service.startsWith("DynamoDB")) {
    if (dynamodbRefuses(fields)) return refused("com.amazonaws.dynamodb.v20120810#ValidationException");
    const empty: Readonly<Record<string, unknown>> = {
      Query: { Items: [], Count: 0 },
      Scan: { Items: [], Count: 0 },
      BatchGetItem: { Responses: {}, UnprocessedKeys: {} },
      BatchWriteItem: { UnprocessedItems: {} },
    };
    return { body: empty[action] ?? {} };
  }
  if (service === "AmazonSQS") {
    const entries = Array.isArray(fields["Entries"]) ? (fields["Entries"] as unknown[]).map(fieldsOf) : [fields];
    if (entries.some(({ MessageBody }) => MessageBody !== undefined && sqsRefuses(textOf(MessageBody))))
      return refused("com.amazonaws.sqs#InvalidMessageContents");
    const sent = entries.map(({ Id, MessageBody }) => ({
      Id,
      MessageId: "1",
      MD5OfMessageBody: md5(textOf(MessageBody)),
    }));
    return { body: action === "SendMessage" ? sent[0] : { Successful: sent, Failed: [] } };
  }
  if (service === "AWSStepFunctions") {
    if (action === "ListExecutions") return { body: { executions: [] } };
    if (action !== "StartExecution") return refused("ExecutionDoesNotExist");
    if (Buffer.byteLength(textOf(fields["input"])) > 262_144) return refused("InvalidExecutionInput");
    if (!/^[\w-]{1,80}$/.test(textOf(fields["name"]))) return refused("InvalidName");
    return {
      body: {
        executionArn: `arn:aws:states:eu-central-1:000000000000:execution:fuzz:${textOf(fields["name"])}`,
        startDate: 1_795_238_400,
      },
    };
  }
  if (service === "AmazonSSM")
    return fields["Name"] === "/almanac/webhook"
      ? { body: { Parameter: { Name: "/almanac/webhook", Value: PARAMETER_VALUE } } }
      : refused("ParameterNotFound");
  return { status: 404, body: {} };
}

/** @param objects in S3, by the end of their key */
export async function startFuzzAws(objects: Readonly<Record<string, unknown>>) {
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const target = request.headers["x-amz-target"];
      const { pathname } = new URL(request.url ?? "/", "http://fuzz");
      const [, object] = Object.entries(objects).find(([key]) => pathname.endsWith(key)) ?? [];
      if (typeof target !== "string") {
        const isInvocation = pathname.endsWith("/invocations");
        response.writeHead(object === undefined && request.method === "GET" ? 404 : isInvocation ? 202 : 200);
        response.end(object === undefined ? "" : JSON.stringify(object));
        return;
      }
      const { status = 200, body } = answerTo(target, fieldsOf(JSON.parse(text) as unknown));
      response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" }).end(JSON.stringify(body));
    });
  });
  // Idle connections stay: closing one while a request is on its way is a reset, which is a 503.
  server.keepAliveTimeout = 0;
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
