/** What is fuzzed: each endpoint of each API, and each handler that parses an event. With valid inputs, which the fuzz breaks. */
import { createHmac, randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";

import { handler as minuteReport } from "../../../functions/examples/minute-report";
import { handler as exportsClaimRun } from "../../../functions/exports/claim-run";
import { handler as exportsFinishRun } from "../../../functions/exports/finish-run";
import { handler as exportsNativeExport } from "../../../functions/exports/native-export";
import { handler as exportsReadSegment } from "../../../functions/exports/read-segment";
import { handler as exportsReconcile } from "../../../functions/exports/reconcile";
import { handler as exportsRecordFailure } from "../../../functions/exports/record-failure";
import { handler as exportsStartExport } from "../../../functions/exports/start-export";
import { handler as exportsStartJobs } from "../../../functions/exports/start-jobs";
import { handler as heartbeatsCheck } from "../../../functions/heartbeats/check";
import { handler as heartbeatsHeartbeatApi } from "../../../functions/heartbeats/heartbeat-api";
import { PING_METHODS, PING_ROUTES, REPORT_ROUTES } from "../../../functions/heartbeats/contract";
import { pingKey } from "../../../functions/heartbeats/monitors/record-heartbeat";
import { handler as heartbeatsPublish } from "../../../functions/heartbeats/publish";
import { handler as pipelinesIngest } from "../../../functions/pipelines/ingest";
import { handler as pipelinesIngress } from "../../../functions/pipelines/ingress";
import { handler as pipelinesNotify } from "../../../functions/pipelines/notify";
import { handler as pipelinesSend } from "../../../functions/pipelines/send";
import { handler as pipelinesWebhook } from "../../../functions/pipelines/webhook";
import { handler as schedulesKeep } from "../../../functions/schedules/keep";
import { handler as timersApi } from "../../../functions/timers/api";
import { handler as timersDispatch } from "../../../functions/timers/dispatch";
import { handler as timersLogFire } from "../../../functions/timers/log-fire";
import { handler as workflowsReconcile } from "../../../functions/workflows/reconcile";
import { handler as workflowsStart } from "../../../functions/workflows/start";
import { handler as workflowsSweep } from "../../../functions/workflows/sweep";
import { handler as workflowsTasks } from "../../../functions/workflows/tasks";
import { PARAMETER_VALUE } from "./aws";

type Handler = (event: unknown, context: Context) => Promise<unknown>;

export interface FuzzTarget {
  readonly name: string;
  readonly kind: "endpoint" | "event";
  readonly handler: Handler;
  readonly samples: readonly unknown[];
  /** Of an endpoint that verifies its sender: the headers of a request that may pass. */
  readonly headersOf?: (body: string) => Readonly<Record<string, string>>;
}

/** An endpoint's request, as API Gateway sends it. `body` is JSON before it is text. */
export interface FuzzRequest {
  readonly httpMethod: string;
  readonly resource: string;
  readonly pathParameters: Readonly<Record<string, string>> | null;
  readonly queryStringParameters: Readonly<Record<string, string>> | null;
  readonly body?: unknown;
}

const request = (
  route: string,
  pathParameters: FuzzRequest["pathParameters"] = null,
  body?: unknown,
  queryStringParameters: FuzzRequest["queryStringParameters"] = null,
): FuzzRequest => {
  const [httpMethod = "", resource = ""] = route.split(" ");
  return { httpMethod, resource, pathParameters, queryStringParameters, ...(body !== undefined && { body }) };
};

const token = (key: unknown) => Buffer.from(JSON.stringify(key)).toString("base64url");
const id = { id: "tea" };
const policies = {
  catchUp: "latest",
  overlap: "skip",
  retry: { maxAttempts: 3, maxAgeSeconds: 60 },
  callback: "default",
};
const periodic = {
  timerCallbackData: { order: 7 },
  every: "15 minutes",
  jitterSeconds: 5,
  ifVersion: null,
  ...policies,
};
const cron = { cron: "0 17 * * ? *", timeZone: "Europe/Berlin", startAt: "2026-11-21T17:00:00Z", maxFires: 3 };
const oneshot = { delaySeconds: 9_000, timerCallbackData: ["a"], shardId: "shard0" };

const kinds = (["periodic", "oneshot"] as const).flatMap(
  (kind): readonly (readonly [string, readonly FuzzRequest[]])[] => [
    [
      `GET /${kind}`,
      [
        request(`GET /${kind}`, null, undefined, { limit: "10", next: token({ list: kind, range: 3 }) }),
        request(`GET /${kind}`, null, undefined, {
          limit: "10",
          state: "scheduled",
          dueBefore: "2026-11-21T17:00:00Z",
          prefix: "t",
          next: token({ list: `${kind} due`, range: 1, after: { sort: `${kind}#tea`, dueMs: 5 } }),
        }),
      ],
    ],
    [`POST /${kind}`, [request(`POST /${kind}`, null, { verb: "pause", prefix: "t" })]],
    [
      `GET /${kind}/{id}/{verb}`,
      [
        ...["fires", "audit"].map((verb) =>
          request(`GET /${kind}/{id}/{verb}`, { ...id, verb }, undefined, {
            limit: "5",
            next: token("2026"),
            sinceSeconds: "60",
          }),
        ),
        request(`GET /${kind}/{id}/{verb}`, { ...id, verb: "preview" }, undefined, { count: "5" }),
      ],
    ],
    [
      `POST /${kind}/{id}/{verb}`,
      [
        request(
          `POST /${kind}/{id}/{verb}`,
          { ...id, verb: "fire" },
          { fireId: `${kind}#tea#v1#2026-11-21T17:00:00.000Z` },
        ),
        request(`POST /${kind}/{id}/{verb}`, { ...id, verb: "pause" }),
        request(
          `POST /${kind}/{id}/{verb}`,
          { ...id, verb: "preview" },
          { at: "2026-11-21T17:00:00", timeZone: "Europe/Berlin" },
        ),
      ],
    ],
    [`GET /${kind}/{id}`, [request(`GET /${kind}/{id}`, id)]],
    [`DELETE /${kind}/{id}`, [request(`DELETE /${kind}/{id}`, id)]],
  ],
);

/** As GitHub signs. Half of the deliveries are other ones. */
const githubHeaders = (body: string) => ({
  "X-Hub-Signature-256": `sha256=${createHmac("sha256", PARAMETER_VALUE).update(body).digest("hex")}`,
  "X-GitHub-Delivery": body.length % 2 === 0 ? "72d3162e-cc78-11e3-81ab-4c9367dc0958" : randomUUID(),
});

const report = { durationMs: 90_000, log: "done" };
const ping = { key: pingKey("job", PARAMETER_VALUE) };
const exitCode = { event: "17" };
/** What a ping sends is the output of its run, and no JSON. */
const reports: readonly (readonly [Handler, string, readonly FuzzRequest[]])[] = [
  ...REPORT_ROUTES.map((route) => [`POST ${route}`, { name: "job" }, report] as const),
  ...PING_METHODS.flatMap((method) => PING_ROUTES.map((route) => [`${method} ${route}`, ping, "done"] as const)),
].map(([route, path, body]) => [
  heartbeatsHeartbeatApi,
  route,
  [request(route, route.endsWith("{event}") ? { ...path, ...exitCode } : path, body)],
]);

const endpoints: readonly (readonly [Handler, string, readonly FuzzRequest[]])[] = [
  ...kinds.map(([name, samples]) => [timersApi, name, samples] as const),
  [
    timersApi,
    "PUT /periodic/{id}",
    [periodic, cron, { minuteOfHour: "7" }].map((body) => request("PUT /periodic/{id}", id, body)),
  ],
  [
    timersApi,
    "PUT /oneshot/{id}",
    [request("PUT /oneshot/{id}", id, oneshot), request("PUT /oneshot/{id}", id, { at: "2026-11-21T17:00:00Z" })],
  ],
  [
    timersApi,
    "POST /batch",
    [
      request("POST /batch", null, {
        requests: [
          { method: "PUT", path: "/periodic/a", body: periodic },
          { method: "DELETE", path: "/oneshot/b" },
        ],
      }),
    ],
  ],
  [workflowsTasks, "POST /tasks", [request("POST /tasks", null, { taskId: "order-1", input: { amount: 7 } })]],
  [
    workflowsTasks,
    "GET /tasks",
    [
      request("GET /tasks", null, undefined, {
        status: "DONE",
        limit: "10",
        next: token({ taskId: "a", timestamp: 1, status: "DONE" }),
      }),
    ],
  ],
  [workflowsTasks, "GET /tasks/{id}", [request("GET /tasks/{id}", id)]],
  [workflowsTasks, "DELETE /tasks/{id}", [request("DELETE /tasks/{id}", id)]],
  [workflowsTasks, "POST /tasks/{id}/approve", [request("POST /tasks/{id}/approve", id, { comment: "fine" })]],
  [workflowsTasks, "POST /tasks/{id}/reject", [request("POST /tasks/{id}/reject", id, { state: "Approve" })]],
  [workflowsTasks, "POST /tasks/{id}/redrive", [request("POST /tasks/{id}/redrive", id)]],
  ...reports,
  [
    pipelinesIngress,
    "POST /pipelines/jobOrder",
    [
      request("POST /pipelines/jobOrder", null, {
        jobOrderId: "17",
        revision: 3,
        customer: { name: "Ada" },
        lines: [{ sku: "a", count: 1 }],
      }),
    ],
  ],
  [pipelinesWebhook, "POST /webhooks/jobOrder", [request("POST /webhooks/jobOrder", null, { jobOrderId: "17" })]],
];

const sqs = (body: string, messageAttributes: object = {}) => ({
  Records: [
    {
      messageId: "1",
      receiptHandle: "r",
      body,
      attributes: { SentTimestamp: "1795238400000", ApproximateReceiveCount: "1" },
      messageAttributes,
    },
  ],
});
const scheduled = {
  id: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
  "detail-type": "Scheduled Event",
  source: "aws.events",
  time: "2026-11-21T06:55:00Z",
  resources: ["arn:aws:events:eu-central-1:000000000000:rule/almanac-fuzz-exports-orders"],
  detail: {},
};
const attribute = (stringValue: string) => ({ stringValue, dataType: "String" });
const fire = {
  timerKind: attribute("oneshot"),
  timerId: attribute("tea"),
  timerVersion: attribute("v1"),
  shardId: attribute("shard0"),
  dueAt: attribute("2026-11-21T06:55:00.000Z"),
  fireId: attribute("f1"),
};
const job = {
  application: "shop",
  table_name: "orders",
  region: "eu-central-1",
  assume_role: "arn:aws:iam::000000000000:role/x",
};
const image = {
  key: { S: "17" },
  digest: { S: "d" },
  version: { N: "1" },
  receivedAt: { S: "2026-11-21T06:55:00Z" },
  data: { S: '{"customer":{"name":"Ada"}}' },
};
const run = { export: "orders", force: false };
const execution = {
  id: "arn:aws:states:eu-central-1:000000000000:execution:fuzz:1",
  startedAt: "2026-11-21T06:55:00Z",
};

const events: readonly (readonly [string, Handler, readonly unknown[]])[] = [
  ["timers/dispatch", timersDispatch, [{ ...scheduled, target: 0, targets: 1 }]],
  ["timers/log-fire", timersLogFire, [sqs('{"order":7}', fire)]],
  ["workflows/start", workflowsStart, [{ taskId: "order-1", input: { amount: 7 } }]],
  [
    "workflows/reconcile",
    workflowsReconcile,
    [{ ...scheduled, "detail-type": "Step Functions Execution Status Change", detail: { executionArn: "arn:fuzz:1" } }],
  ],
  ["workflows/sweep", workflowsSweep, [scheduled]],
  ["pipelines/ingest", pipelinesIngest, [sqs('{"jobOrderId":"17","revision":3}')]],
  [
    "pipelines/notify",
    pipelinesNotify,
    [{ Records: [{ dynamodb: { SequenceNumber: "1", ApproximateCreationDateTime: 1_795_238_400, NewImage: image } }] }],
  ],
  ["pipelines/send", pipelinesSend, [{ webhook: "/almanac/slack" }, {}]],
  ["exports/start-export", exportsStartExport, [scheduled, run, { export: "orders", day: "2026-11-21" }]],
  ["exports/start-jobs", exportsStartJobs, [sqs(JSON.stringify(job))]],
  ["exports/claim-run", exportsClaimRun, [{ request: run, execution }]],
  ["exports/finish-run", exportsFinishRun, [{ request: run, execution, run: { id: "1" } }]],
  ["exports/read-segment", exportsReadSegment, [{ request: run, execution, run: { id: "1" }, segment: 0 }]],
  ["exports/native-export", exportsNativeExport, [{ request: run, execution, run: { id: "1" } }]],
  ["exports/reconcile", exportsReconcile, [scheduled, { ...scheduled, detail: { executionArn: execution.id } }]],
  ["exports/record-failure", exportsRecordFailure, [{ request: run, execution, error: "Error", cause: "cause" }]],
  ["heartbeats/check", heartbeatsCheck, [scheduled]],
  ["heartbeats/publish", heartbeatsPublish, [scheduled]],
  ["schedules/keep", schedulesKeep, [scheduled]],
  [
    "schedules/run",
    minuteReport,
    [{ schedule: "minuteReport", run: "2026-11-21T06:55:00.000Z", attempt: 1, retries: { count: 1 } }],
  ],
];

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...endpoints.map(([handler, name, samples]): FuzzTarget => ({
    name,
    kind: "endpoint",
    handler,
    samples,
    ...(handler === pipelinesWebhook && { headersOf: githubHeaders }),
  })),
  ...events.map(([name, handler, samples]): FuzzTarget => ({ name, kind: "event", handler, samples })),
];
