/**
 * A pipeline from its gate to Slack on a virtual clock: SQS delivers late, twice and in any order, calls fail before or after they take
 * effect, the stream repeats batches, and Slack answers what it does not document. The seed determines the course.
 */
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { pipelineSchema, type Pipeline } from "../../functions/pipelines/contract";
import { MalformedMessageError, readMessage, type Message } from "../../functions/pipelines/message/message";
import { notificationOf, type Image, type Notification } from "../../functions/pipelines/slack/notification";
import { webhookQueue } from "../../functions/pipelines/slack/notifications-table";
import { sendQueued, type NotificationQueue, type SenderPorts } from "../../functions/pipelines/slack/slack-sender";
import { ingestBatch, type IngestPorts, type ReceivedMessage } from "../../functions/pipelines/storage/ingest-batch";
import { messageWriter } from "../../functions/pipelines/storage/pipeline-table";
import { AwsJsonError } from "../../functions/shared/aws/aws-json";
import { sleep, type Clock } from "../../functions/shared/clock";
import { slackPost, type PostOutcome } from "../../functions/shared/slack";
import { MINUTE_MS } from "../../functions/shared/time";
import { conditionHolds } from "./dynamodb-condition";
import { seeded } from "./random";
import { inMemoryLeases } from "./slack-simulation";
import { virtualClock } from "./virtual-clock";

/** The pipeline is configured with the one, the other or none, and with another one from time to time. */
export const WEBHOOKS = ["/almanac/slack/orders", "/almanac/slack/sales"] as const;
const PIPELINE = "jobOrder";
const STEPS = 120;
const KEYS = 6;
const MAX_RECEIVES = 3;

/** What a mutant replaces. */
export interface PipelineParts {
  readonly accept: (text: string, pipeline: Pipeline, now: number) => Message;
  readonly ingest: (batch: readonly ReceivedMessage[], ports: IngestPorts) => ReturnType<typeof ingestBatch>;
  readonly write: IngestPorts["write"];
  readonly archive: IngestPorts["archive"];
  readonly notify: typeof notificationOf;
  readonly queue: NotificationQueue;
  readonly post: SenderPorts["post"];
}

interface QueuedMessage extends ReceivedMessage {
  receives: number;
}

interface StreamRecord {
  readonly before: Image | undefined;
  readonly after: Image | undefined;
}

/** The broken promises of a run; empty when there are none. */
export async function simulatePipeline(
  seed: number,
  mutate: (parts: PipelineParts) => PipelineParts = (parts) => parts,
): Promise<readonly string[]> {
  const clock = virtualClock(Date.parse("2026-11-21T07:00:00Z"));
  const random = seeded(seed);
  const pick = <Value>(values: readonly [Value, ...Value[]]): Value =>
    values[Math.floor(random() * values.length)] ?? values[0];
  const versions = pick(["none", "integer", "decimal", "time"] as const);
  const pipeline = pipelineSchema.parse({
    key: "/id",
    ...(versions !== "none" && { version: "/v" }),
    summary: { Text: "/text" },
    slack: WEBHOOKS[0],
  });
  let slack: string | undefined = pipeline.slack;
  const table = new Map<string, Image>();
  const archived = new Set<string>();
  const stream: StreamRecord[] = [];
  const stored = new Map<string, Notification | undefined>();
  const setAside = new Set<string>();
  const sqs: QueuedMessage[] = [];
  const dead: QueuedMessage[] = [];
  const accepted: Message[] = [];
  const impossible: string[] = [];
  const poison = new Set<string>();
  const deliveredAt = new Map<string, number>();
  const changedAt = new Map<string, number>();
  const slackTimes = new Map<string, number[]>();
  let ids = 0;
  let faults = true;

  /** Fails before or after it takes effect. */
  const flaky =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>, share: number) =>
    async (...args: Args): Promise<Result> => {
      const draw = faults ? random() : 1;
      if (draw < share / 2) throw new Error("before");
      const result = await call(...args);
      if (draw < share) throw new Error("after");
      return result;
    };

  const dynamodb = {
    call: (_: string, body: string): Promise<string> => {
      const request = JSON.parse(body) as Parameters<typeof conditionHolds>[0] & { readonly Item: Image };
      const key = (request.Item["key"] as { readonly S: string }).S;
      const before = table.get(key);
      if (!conditionHolds(request, before))
        return Promise.reject(new AwsJsonError("ConditionalCheckFailedException", "", 400));
      table.set(key, request.Item);
      stream.push({ before, after: request.Item });
      return Promise.resolve("{}");
    },
    close: () => undefined,
  };

  const parts = mutate({
    accept: readMessage,
    ingest: ingestBatch,
    write: messageWriter({ ...dynamodb, call: flaky(dynamodb.call, 0.05) }, "table"),
    archive: flaky(({ text }) => {
      for (const line of text.trimEnd().split("\n")) archived.add(line.slice(line.indexOf('"data":') + 7, -1));
      return Promise.resolve();
    }, 0.05),
    notify: notificationOf,
    queue: webhookQueue(queueOver(stored, setAside), (webhook) => (webhook === slack ? [PIPELINE] : [])),
    post: slackPost(
      ssm(),
      undocumentedSlack(() => (faults ? random() : 1), clock, slackTimes, deliveredAt),
      clock,
    ),
  });

  const leases = new Map(WEBHOOKS.map((webhook) => [webhook, inMemoryLeases()]));
  let owners = 0;
  /** Of both: an invocation may be for the webhook of before. */
  const send = () => Promise.all(WEBHOOKS.map(sendTo));
  const sendTo = async (webhook: (typeof WEBHOOKS)[number]): Promise<void> => {
    const ports: SenderPorts = {
      queue: {
        read: flaky(parts.queue.read, 0.02),
        remove: flaky(parts.queue.remove, 0.02),
        setAside: flaky(parts.queue.setAside, 0.02),
      },
      leases: leases.get(webhook) ?? inMemoryLeases(),
      post: async (webhook, message): Promise<PostOutcome> => {
        await sleep(clock, 1 + random() * 3_000);
        return parts.post(webhook, message);
      },
      clock,
      owner: String(++owners),
      source: "almanac-test",
      onFailure: () => undefined,
      onSetAside: () => undefined,
    };
    await sendQueued(webhook, clock.now() + 55_000, ports).catch(() => undefined);
  };

  /** As JSON, with digits that JavaScript's numbers do not have. */
  const version = (): string => {
    const step = Math.floor(random() * 40);
    if (versions === "integer") return pick([`${step}`, `90071992547409930${step}`, `"9007199254740993${step}"`]);
    if (versions === "decimal") return pick([`${step / 8}`, `${step}.000000000000000001`, `"${step}.00"`]);
    return `"2026-11-21T07:00:00.1230${String(step).padStart(3, "0")}Z"`;
  };

  const produce = (): void => {
    const text = JSON.stringify(pick(["a", "b", "*c*", "😀"]));
    const message = `{"id":"key-${Math.floor(random() * KEYS)}.","v":${version()},"text":${text}}`;
    const body = pick([
      ...([message, message, message, message] as const),
      '{"id":"key-0.","v":1,"text":"\\ud83d"}',
      '{"id":"key-0.","v":1,"v":1}',
      `{"id":"key-0.","v":1,"text":${"[".repeat(200)}${"]".repeat(200)}}`,
    ]);
    const receivedAt = clock.now();
    try {
      const { data } = parts.accept(body, pipeline, receivedAt);
      sqs.push({ id: String(++ids), text: data, receivedAt, archived: false, quiet: false, receives: 0 });
    } catch (error) {
      if (!(error instanceof MalformedMessageError)) throw error;
      return;
    }
    try {
      accepted.push(readMessage(body, pipeline, receivedAt));
    } catch {
      impossible.push(body);
    }
    if (random() < 0.02) {
      poison.add(String(++ids));
      sqs.push({ id: String(ids), text: "{ poison", receivedAt, archived: false, quiet: false, receives: 0 });
    }
  };

  const deliver = async (): Promise<void> => {
    const batch: QueuedMessage[] = [];
    for (let count = Math.ceil(random() * 10); count > 0 && sqs.length > 0; count -= 1) {
      const [message] = sqs.splice(Math.floor(random() * sqs.length), 1);
      if (message === undefined) break;
      batch.push(message);
      if (faults && random() < 0.1) sqs.push({ ...message }); // SQS delivers at least once
    }
    const { failures } = await parts.ingest(batch, {
      name: PIPELINE,
      pipeline,
      archive: parts.archive,
      write: parts.write,
    });
    const failed = new Set(failures.map(({ id }) => id));
    for (const message of batch) {
      if (!failed.has(message.id)) continue;
      message.receives += 1;
      // A real queue's dead letters are redriven; the faults of this one are transient, so only poison stays dead.
      if (message.receives >= MAX_RECEIVES && poison.has(message.id)) dead.push(message);
      else sqs.push(message);
    }
  };

  let sequence = 0;
  const pollStream = (): void => {
    const records = stream.slice(0, Math.ceil(random() * 5));
    for (const record of records) {
      sequence += 1;
      if (textOf(record.before, "data") !== textOf(record.after, "data"))
        changedAt.set(textOf(record.after, "key"), clock.now());
      const notification = parts.notify(PIPELINE, pipeline, record);
      if (notification !== undefined) stored.set(String(sequence).padStart(8, "0"), notification);
    }
    if (faults && random() < 0.05) stored.set(`${String(sequence).padStart(8, "0")}x`, undefined);
    if (faults && random() < 0.1) return; // the batch comes again
    stream.splice(0, records.length);
  };

  for (let step = 0; step < STEPS; step += 1) {
    await sleep(clock, random() * 2_000);
    produce();
    if (random() < 0.6) await deliver();
    if (random() < 0.6) pollStream();
    if (random() < 0.3) void send();
    if (random() < 0.05) slack = pick([...WEBHOOKS, undefined]);
  }
  faults = false;
  slack = pick(WEBHOOKS);
  for (let rounds = 0; rounds < 200 && sqs.length > 0; rounds += 1) await deliver();
  for (let rounds = 0; rounds < 500 && stream.length > 0; rounds += 1) pollStream();
  for (let minutes = 0; minutes < 30 && stored.size > 0; minutes += 1) {
    await sleep(clock, MINUTE_MS);
    void send();
  }
  await sleep(clock, 2 * MINUTE_MS);

  const newest = new Map<string, Message>();
  const isNewer = (a: Message, b: Message | undefined): boolean =>
    b === undefined || a.versionOrder > b.versionOrder || (a.versionOrder === b.versionOrder && a.digest > b.digest);
  for (const message of accepted) if (isNewer(message, newest.get(message.key))) newest.set(message.key, message);
  const rowIs = (key: string, data: string) => JSON.stringify(table.get(key)?.["data"]) === JSON.stringify({ S: data });
  const list = (text: string, some: readonly unknown[]) =>
    some.length === 0 ? [] : [`seed ${seed}: ${some.length} ${text}`];
  const tooClose = [...slackTimes.values()].flatMap((unordered) => {
    const times = [...unordered].sort((a, b) => a - b);
    return times.filter((time, index) => index > 0 && time - (times[index - 1] ?? 0) < 1_000);
  });
  return [
    ...list("accepted messages that cannot become a row", impossible),
    ...list(
      "accepted messages not in the archive",
      accepted.filter(({ data }) => !archived.has(data)),
    ),
    ...list(
      "keys without their newest message",
      [...newest].filter(([key, { data }]) => !rowIs(key, data)),
    ),
    ...list(
      "rows of no accepted message",
      [...table.keys()].filter((key) => !newest.has(key)),
    ),
    ...list("messages left in the queue", sqs),
    ...list(
      "poison messages not dead",
      [...poison].filter((id) => !dead.some((letter) => letter.id === id)),
    ),
    ...list(
      "keys whose last change is not in Slack",
      [...changedAt].filter(([key, at]) => (deliveredAt.get(key) ?? 0) < at),
    ),
    ...list(
      "rows that nobody was notified of",
      [...table.keys()].filter((key) => !changedAt.has(key)),
    ),
    ...list("notifications left", [...stored.keys()]),
    ...list(
      "readable notifications set aside",
      [...setAside].filter((position) => !position.endsWith("x")),
    ),
    ...list("messages to a webhook within a second", tooClose),
  ];
}

function textOf(image: Image | undefined, name: string): string {
  const value = image?.[name];
  return typeof value === "object" && value !== null ? String(Reflect.get(value, "S")) : "";
}

function queueOver(
  stored: Map<string, Notification | undefined>,
  setAside: Set<string>,
): Parameters<typeof webhookQueue>[0] {
  return {
    read: (pipeline, limit) =>
      Promise.resolve(
        [...stored]
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .slice(0, limit)
          .map(([position, notification]) =>
            notification === undefined
              ? { pipeline, position, fault: "unreadable" }
              : { pipeline, position, notification },
          ),
      ),
    remove: (places) => {
      for (const { position } of places) stored.delete(position);
      return Promise.resolve();
    },
    setAside: ({ position }) => {
      stored.delete(position);
      setAside.add(position);
      return Promise.resolve();
    },
  };
}

function ssm(): SSMClient {
  const client = new SSMClient({ region: "eu-central-1" });
  mockClient(client)
    .on(GetParameterCommand)
    .callsFake(({ Name }: { Name: string }) => ({ Parameter: { Value: `https://hooks.example${Name}` } }));
  return client;
}

/** Records what it accepts. A redirect leads to a page that answers 200. */
function undocumentedSlack(
  random: () => number,
  clock: Clock,
  times: Map<string, number[]>,
  deliveredAt: Map<string, number>,
): typeof fetch {
  return (url, { body, redirect } = {}) => {
    const webhook = url instanceof Request ? url.url : String(url);
    times.set(webhook, [...(times.get(webhook) ?? []), clock.now()]);
    const draw = random();
    if (draw < 0.1) {
      const page = redirect === "manual" ? new Response("", { status: 302 }) : new Response("<html>");
      return Promise.resolve(page);
    }
    if (draw < 0.15) return Promise.resolve(new Response("<html>ok</html>"));
    if (draw < 0.2) return Promise.resolve(new Response("", { status: 429, headers: { "Retry-After": "2" } }));
    if (draw < 0.25) return Promise.resolve(new Response("", { status: 503 }));
    if (draw < 0.3) return Promise.reject(new TypeError("reset"));
    const text = typeof body === "string" ? body : "";
    for (const [key] of text.matchAll(/key-\d+\./g)) deliveredAt.set(key, clock.now());
    return Promise.resolve(new Response("ok"));
  };
}
