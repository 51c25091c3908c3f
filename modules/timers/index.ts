import type { TerraformStack, TerraformVariable } from "cdktf";
import { z } from "zod";
import {
  API_ROUTES,
  CALLBACK_VARIABLES,
  DUE_INDEX,
  RECORDED_FIRE_KEYS,
  TIMER_KEYS,
  dispatchTargets,
  type ApiEnvironment,
  type CallbackEnvironment,
  type DispatchEnvironment,
  type RecordFireEnvironment,
} from "../../functions/timers/contract";
import { Alarm } from "../constructs/alarm";
import type { Graph } from "../constructs/dashboard";
import { Feature, type Deployment } from "../constructs/feature";
import { escapeTemplate } from "../constructs/escape-template";
import { FanOutSchedule } from "../constructs/fan-out-schedule";
import { NodeFunction } from "../constructs/node-function";
import { DeadLetterQueue, Queue } from "../constructs/queue";
import { RestApi } from "../constructs/rest-api";
import { Table } from "../constructs/table";

/** Shorter than from one tick to the next: a run that is killed has lost its lease when the next one comes. */
const DISPATCH_TIMEOUT_SECONDS = 55;

/** One whole CPU: sending is what takes time when much falls due. */
const DISPATCH_MEMORY_MB = 1_769;

/** A tick that has waited for so long is behind the next one. Lambda's shortest, too. */
const MAX_TICK_AGE_SECONDS = 60;

/** What falls due at one time, handed to the callback at one time. */
const FIRES_PER_CALLBACK = 10;

/** Six times the consumer's timeout, says Lambda's documentation. */
const VISIBILITY_TIMEOUTS = 6;

/** Fires whose callback fails come again after 2, 4, 8, ... seconds. */
const MAX_RECEIVES = 8;

/** A message waits for 15 minutes at most before it may be received; half an hour after it was sent, something is wrong. */
const OLDEST_FIRE_SECONDS = 1_800;

/** As long as API Gateway waits for an answer. */
const API_TIMEOUT_SECONDS = 29;

/** All clients together; a request may be a batch of 25. */
const API_THROTTLING = { requestsPerSecond: 500, burst: 1_000 } as const;

const SHIPPED_CALLBACK = "functions/timers/record-fire.ts";

const permissionSchema = z.strictObject({
  actions: z.array(z.string().regex(/^[a-z0-9-]+:[A-Za-z]+$/, 'is not an action such as "dynamodb:PutItem"')).min(1),
  resources: z.array(z.string().regex(/^arn:/, "is not an ARN")).min(1),
});

const callbackSchema = z.strictObject({
  /** The file that exports `handler = onTimer(...)`. @default "functions/timers/record-fire.ts", which records fires for people to see */
  entry: z
    .string()
    .regex(/^functions\/[\w./-]+\.ts$/, 'is not a file such as "functions/reminders/remind.ts"')
    .default(SHIPPED_CALLBACK),
  /** Variables of its own. No secrets: they would be in Terraform's state. @default none */
  environment: z
    .record(
      z
        .string()
        .regex(/^[A-Z][A-Z0-9_]*$/, "is not a variable's name")
        .refine((name) => !CALLBACK_VARIABLES.has(name), "is a variable of Almanac's own"),
      z.string(),
    )
    .default({}),
  /** What it may do besides: IAM actions on ARNs. @default nothing */
  permissions: z.array(permissionSchema).default([]),
  /** Of ten fires that came together. @default 30 */
  timeoutSeconds: z.int().min(5).max(900).default(30),
  /** CPU comes with memory. @default 512 */
  memoryMb: z.int().min(128).max(10_240).default(512),
  /** Callbacks at a time at most, each with up to ten fires: 2 to 1,000. @default as many as the account has left */
  maxConcurrency: z.int().min(2).max(1_000).optional(),
});

export const timersSchema = z.strictObject({
  /** Into how many parts timers are spread, each worked off by itself: 20,000 fires a minute want one. @default 4 */
  shards: z.int().min(1).max(1_000).default(4),
  /** What is called when a timer fires. */
  callback: callbackSchema.prefault({}),
});
/** For the documentation's tests. */
export const timersCallbackSchema = callbackSchema;

type TimersConfig = z.output<typeof timersSchema>;

/** Calls back at a set time, once or again and again. */
export class Timers extends Feature {
  constructor(environment: TerraformStack, deployment: Deployment, config: TimersConfig) {
    super(environment, "timers", deployment);
    const table = this.createTable();
    const queue = this.createQueue(config);
    const deadLetters = this.createDeadLetters();
    const shards = this.inputShards(config);
    const dispatcher = this.createDispatcher({ table, queue, deadLetters, shards });
    this.createTick(dispatcher, deadLetters, config);
    const callback = this.createCallback(table, queue, config);
    const api = this.createApi(table, queue, shards);
    this.createAlarms(dispatcher, queue);
    this.showOnDashboard("Timers", this.graphs(dispatcher, callback, queue));

    this.output("table_name", "Timers, and how far they have been handed over", table.name);
    this.output("fires_queue_url", "Where fires wait for their time", queue.url);
    this.output("fires_dead_letter_queue_url", "Fires whose callback failed for good", queue.deadLetters.url);
    this.output("dispatch_function_name", "Hands over what falls due", dispatcher.name);
    this.output("callback_function_name", "Is called when a timer fires", callback.name);
    this.output("api_url", "Where the REST API's paths begin: <this>/periodic/<id>", api.url);
    this.output("api_id", "The REST API", api.id);
    this.output("api_arns", "What a client's role needs execute-api:Invoke on: all of it", api.arns);
    this.output("dead_letter_queue_url", "Ticks that failed for good", deadLetters.url);
  }

  private createTable(): Table {
    return new Table(this, "table", {
      partitionKey: { name: TIMER_KEYS.partition, type: "S" },
      timeToLiveAttribute: TIMER_KEYS.timeToLive,
      indexes: [
        {
          name: DUE_INDEX.name,
          partitionKey: { name: DUE_INDEX.partition, type: "S" },
          sortKey: { name: DUE_INDEX.sort, type: "N" },
        },
      ],
    });
  }

  private createQueue({ callback }: TimersConfig): Queue {
    return new Queue(this, "fires", {
      nameSuffix: "fires",
      visibilityTimeoutSeconds: VISIBILITY_TIMEOUTS * callback.timeoutSeconds,
      maxReceives: MAX_RECEIVES,
      alarms: { deadLetters: "Timers fired in vain. See modules/timers/README.md, 'Dead fires'" },
    });
  }

  private createDeadLetters(): DeadLetterQueue {
    return new DeadLetterQueue(this, "dead-letters", {
      alarms: { notEmpty: "Ticks were not worked off. See modules/timers/README.md, 'Dead letters'" },
    });
  }

  private inputShards({ shards }: TimersConfig): TerraformVariable {
    return this.input("shards", {
      type: "number",
      description: "Into how many parts timers are spread, 1 to 1,000",
      value: shards,
    });
  }

  private createDispatcher({ table, queue, deadLetters, shards }: DispatcherParts): NodeFunction<DispatchEnvironment> {
    return new NodeFunction<DispatchEnvironment>(this, "dispatch", {
      entry: "functions/timers/dispatch.ts",
      environment: {
        TIMERS_TABLE: table.grant("BatchGetItem", "GetItem", "Query", "UpdateItem"),
        FIRES_QUEUE: queue.grantSend(),
        SHARDS: shards.stringValue,
      },
      timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
      memoryMb: DISPATCH_MEMORY_MB,
      // The next tick does better than a retry.
      asynchronous: { deadLetters, retries: 0, maxEventAgeSeconds: MAX_TICK_AGE_SECONDS },
      alarms: { errors: "Timers are not dispatched. See modules/timers/README.md, 'The dispatcher fails'" },
    });
  }

  private createTick(
    dispatcher: NodeFunction<DispatchEnvironment>,
    deadLetters: DeadLetterQueue,
    { shards }: TimersConfig,
  ): void {
    new FanOutSchedule(this, "tick", {
      description: "Hands over the timers that fall due",
      targets: dispatchTargets(shards),
      target: dispatcher,
      deadLetters,
    });
  }

  private createCallback(table: Table, queue: Queue, { callback }: TimersConfig): NodeFunction<CallbackEnvironment> {
    const { entry, timeoutSeconds, memoryMb, maxConcurrency } = callback;
    const FIRES_QUEUE = queue.grantChangeVisibility();
    const common = {
      entry,
      timeoutSeconds,
      memoryMb,
      source: queue.eventSource({
        batchSize: FIRES_PER_CALLBACK,
        ...(maxConcurrency !== undefined && { maxConcurrency }),
      }),
      permissions: escapeTemplate(callback.permissions),
      alarms: {
        errors: "none, because a fire that fails comes again, and in the end is a dead letter, which has an alarm",
      },
    };
    const own = escapeTemplate(callback.environment);
    return entry === SHIPPED_CALLBACK
      ? new NodeFunction<RecordFireEnvironment>(this, "callback", {
          ...common,
          environment: {
            ...own,
            TIMERS_TABLE: table.grant("BatchGetItem"),
            FIRES_QUEUE,
            RECORDED_FIRES_TABLE: this.createRecordedFires().grant("PutItem"),
          },
        })
      : new NodeFunction<CallbackEnvironment>(this, "callback", {
          ...common,
          // UpdateItem and DeleteItem: its claims on fires, where it asks for exactly-once.
          environment: {
            ...own,
            TIMERS_TABLE: table.grant("BatchGetItem", "DeleteItem", "UpdateItem"),
            FIRES_QUEUE,
          },
        });
  }

  private createRecordedFires(): Table {
    const recorded = new Table(this, "recorded-fires", {
      nameSuffix: "recorded-fires",
      partitionKey: { name: RECORDED_FIRE_KEYS.partition, type: "S" },
      sortKey: { name: RECORDED_FIRE_KEYS.sort, type: "S" },
      timeToLiveAttribute: RECORDED_FIRE_KEYS.timeToLive,
    });
    this.output("recorded_fires_table_name", "What the shipped callback has recorded", recorded.name);
    return recorded;
  }

  /** One function for all of it. Browsers ask for the OPTIONS of each path. */
  private createApi(table: Table, queue: Queue, shards: TerraformVariable) {
    const handler = new NodeFunction<ApiEnvironment>(this, "api", {
      entry: "functions/timers/api.ts",
      environment: {
        TIMERS_TABLE: table.grant("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Scan", "UpdateItem"),
        FIRES_QUEUE: queue.grantSend(),
        SHARDS: shards.stringValue,
      },
      timeoutSeconds: API_TIMEOUT_SECONDS,
      alarms: { errors: "none, because what fails here is answered with 5xx, and the API has an alarm for that" },
    });
    const paths = [...new Set(API_ROUTES.map(({ path }) => path))];
    const api = new RestApi(this, "rest", {
      description: "Puts, gets, lists and deletes timers",
      routes: [
        ...API_ROUTES.map((route) => ({ ...route, handler })),
        ...paths.map((path) => ({ method: "OPTIONS", path, handler }) as const),
      ],
      throttling: API_THROTTLING,
      cors: true,
      alarms: { failures: "Timers can't be put. See modules/timers/README.md, 'Requests fail'" },
    });
    return { url: api.url, id: api.id, arns: API_ROUTES.map((route) => api.arnOf(route)) };
  }

  private createAlarms(dispatcher: NodeFunction<DispatchEnvironment>, queue: Queue): void {
    new Alarm(this, "silence", {
      text: "No timers are dispatched at all. See modules/timers/README.md, 'Silence'",
      ...dispatcher.metric("Invocations"),
      statistic: "Sum",
      comparison: "LessThanThreshold",
      threshold: 1,
      periodSeconds: 180,
      missingData: "breaching",
    });
    // As long as it is zero, everything is handed over before its time.
    new Alarm(this, "cursor-lag", {
      text: "Timers are handed over late. See modules/timers/README.md, 'Cursor lag'",
      ...this.metric("cursorLag"),
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: 0,
      periodSeconds: 60,
      periods: 3,
    });
    new Alarm(this, "old-fires", {
      text: "Fires wait for their callback. See modules/timers/README.md, 'Old fires'",
      ...queue.metric("ApproximateAgeOfOldestMessage"),
      statistic: "Maximum",
      comparison: "GreaterThanThreshold",
      threshold: OLDEST_FIRE_SECONDS,
      periodSeconds: 300,
    });
  }

  private graphs(
    dispatcher: NodeFunction<DispatchEnvironment>,
    callback: NodeFunction<CallbackEnvironment>,
    queue: Queue,
  ): readonly Graph[] {
    return [
      {
        title: "Fires",
        lines: [
          { ...this.metric("scheduled"), label: "handed over by the dispatcher", statistic: "Sum" },
          { ...this.metric("fired"), label: "fired", statistic: "Sum" },
          { ...this.metric("fenced"), label: "fenced", statistic: "Sum" },
          { ...this.metric("duplicates"), label: "duplicates", statistic: "Sum" },
        ],
      },
      {
        title: "Late (ms)",
        lines: [
          { ...this.metric("late"), label: "p50", statistic: "p50" },
          { ...this.metric("late"), label: "p99", statistic: "p99" },
          { ...this.metric("cursorLag"), label: "cursor lag", statistic: "Maximum" },
        ],
      },
      {
        title: "Queue and functions",
        lines: [
          { ...queue.metric("ApproximateNumberOfMessagesVisible"), label: "backlog", statistic: "Maximum" },
          { ...dispatcher.metric("Errors"), label: "dispatcher's errors", statistic: "Sum" },
          { ...callback.metric("Errors"), label: "callback's errors", statistic: "Sum" },
        ],
      },
    ];
  }
}

interface DispatcherParts {
  readonly table: Table;
  readonly queue: Queue;
  readonly deadLetters: DeadLetterQueue;
  readonly shards: TerraformVariable;
}
