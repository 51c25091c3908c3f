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
import { escapeTemplate } from "../constructs/escape-template";
import { Feature, type Deployment } from "../constructs/feature";
import type { Bindings } from "../constructs/grants";
import { ApiFunction } from "../constructs/patterns/api-function";
import { QueueFunction, type QueueFunctionProps } from "../constructs/patterns/queue-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import type { Queue } from "../constructs/queue";
import { Table } from "../constructs/table";

/** Shorter than from one tick to the next: a run that is killed has lost its lease when the next one comes. */
const DISPATCH_TIMEOUT_SECONDS = 55;

/** One whole CPU: sending is what takes time when much falls due. */
const DISPATCH_MEMORY_MB = 1_769;

/** A tick that has waited for so long is behind the next one. Lambda's shortest, too. */
const MAX_TICK_AGE_SECONDS = 60;

/** What falls due at one time, handed to the callback at one time. */
const FIRES_PER_CALLBACK = 10;

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
  /** IAM actions: `dynamodb:PutItem`. */
  actions: z.array(z.string().regex(/^[a-z0-9-]+:[A-Za-z]+$/, 'is not an action such as "dynamodb:PutItem"')).min(1),
  /** ARNs. */
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
  readonly deadLetterAlarm = {
    description: "Dispatcher invocations failed (messages in the dead-letter queue)",
    impact: "Timers may have fired late. Later runs catch up.",
    runbook: "timers#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: TimersConfig) {
    super(environment, "timers", deployment);
    const table = this.createTable();
    const shards = this.inputShards(config);
    const callback = this.createCallback(table, config);
    const { queue } = callback;
    const dispatcher = this.createDispatcher({ table, queue, shards }, config);
    const { api } = this.createApi({ table, queue, shards });
    this.createCursorLagAlarm();
    this.createDashboardRow("Timers", this.graphs(queue));

    this.output("table_name", "Timers, and how far they have been handed over", table.name);
    this.output("fires_queue_url", "Where fires wait for their time", queue.url);
    this.output("fires_dead_letter_queue_url", "Fires whose callback failed for good", queue.deadLetterQueue.url);
    this.output("dispatch_function_name", "Hands over what falls due", dispatcher.name);
    this.output("callback_function_name", "Is called when a timer fires", callback.name);
    this.output("api_url", "Where the REST API's paths begin: <this>/periodic/<id>", api.url);
    this.output("api_id", "The REST API", api.id);
    this.output(
      "api_arns",
      "What a client's role needs execute-api:Invoke on: all of it",
      API_ROUTES.map((route) => api.arnOf(route)),
    );
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

  private inputShards({ shards }: TimersConfig): TerraformVariable {
    return this.input("shards", {
      type: "number",
      description: "Into how many parts timers are spread, 1 to 1,000",
      value: shards,
    });
  }

  private createCallback(table: Table, { callback }: TimersConfig): QueueFunction<CallbackEnvironment> {
    const { entry, timeoutSeconds, memoryMb, maxConcurrency } = callback;
    const own = escapeTemplate(callback.environment);
    const props: Omit<QueueFunctionProps<CallbackEnvironment>, "environment"> = {
      entry,
      timeoutSeconds,
      memoryMb,
      permissions: escapeTemplate(callback.permissions),
      queue: { nameSuffix: "fires", maxReceives: MAX_RECEIVES },
      batch: { batchSize: FIRES_PER_CALLBACK, ...(maxConcurrency !== undefined && { maxConcurrency }) },
      alarms: {
        deadLetterQueue: {
          depth: {
            description: "Timer callbacks are failing (messages in the dead-letter queue)",
            impact: "Some timers fired without their callback completing.",
            runbook: "timers#callbacks-are-failing",
          },
        },
        oldestMessageAge: {
          description: "Timer fires have been waiting for their callback for 30 minutes",
          impact: "Callbacks run late.",
          runbook: "timers#fires-are-waiting",
          seconds: OLDEST_FIRE_SECONDS,
        },
      },
    };
    if (entry === SHIPPED_CALLBACK) {
      const recordedFires = this.createRecordedFires();
      return new QueueFunction<RecordFireEnvironment>(this, "callback", {
        ...props,
        environment: (queue): Bindings<RecordFireEnvironment> => ({
          ...own,
          TIMERS_TABLE: table.grant("BatchGetItem"),
          FIRES_QUEUE: queue.grantChangeVisibility(),
          RECORDED_FIRES_TABLE: recordedFires.grant("PutItem"),
        }),
      });
    }
    return new QueueFunction<CallbackEnvironment>(this, "callback", {
      ...props,
      environment: (queue) => ({
        ...own,
        // UpdateItem and DeleteItem: its claims on fires, where it asks for exactly-once.
        TIMERS_TABLE: table.grant("BatchGetItem", "DeleteItem", "UpdateItem"),
        FIRES_QUEUE: queue.grantChangeVisibility(),
      }),
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

  private createDispatcher(
    { table, queue, shards }: Parts,
    config: TimersConfig,
  ): ScheduledFunction<DispatchEnvironment> {
    return new ScheduledFunction<DispatchEnvironment>(this, "dispatch", {
      entry: "functions/timers/dispatch.ts",
      environment: {
        TIMERS_TABLE: table.grant("BatchGetItem", "GetItem", "Query", "UpdateItem"),
        FIRES_QUEUE: queue.grantSend(),
        SHARDS: shards.stringValue,
      },
      timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
      memoryMb: DISPATCH_MEMORY_MB,
      schedule: {
        everyMinutes: 1,
        targets: dispatchTargets(config.shards),
        description: "Hands over the timers that fall due",
      },
      retries: 0, // the next tick does better than a retry
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The timer dispatcher is failing",
          impact: "Timers of the affected shards fire late.",
          runbook: "timers#the-dispatcher-is-failing",
        },
        noInvocations: {
          description: "The timer dispatcher is not running",
          impact: "No timers fire, except those that were created less than ten minutes before their time.",
          runbook: "timers#the-dispatcher-is-not-running",
        },
      },
    });
  }

  /** One function for all of it. Browsers ask for the OPTIONS of each path. */
  private createApi({ table, queue, shards }: Parts): ApiFunction<ApiEnvironment> {
    const paths = [...new Set(API_ROUTES.map(({ path }) => path))];
    return new ApiFunction<ApiEnvironment>(this, "api", {
      entry: "functions/timers/api.ts",
      environment: {
        TIMERS_TABLE: table.grant("BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Scan", "UpdateItem"),
        FIRES_QUEUE: queue.grantSend(),
        SHARDS: shards.stringValue,
      },
      timeoutSeconds: API_TIMEOUT_SECONDS,
      routes: [...API_ROUTES, ...paths.map((path) => ({ method: "OPTIONS", path }) as const)],
      api: { description: "Puts, gets, lists and deletes timers", throttling: API_THROTTLING, cors: true },
      alarms: {
        serverErrors: {
          description: "The timers API returns 5xx",
          impact: "Clients cannot create, read or delete timers.",
          runbook: "timers#the-api-returns-5xx",
        },
      },
    });
  }

  /** The lag is zero while all fires are queued before their time. */
  private createCursorLagAlarm(): void {
    new Alarm(this, "cursor-lag", {
      spec: {
        description: "The timer dispatcher is behind schedule",
        impact: "Timers fire late. None is lost.",
        runbook: "timers#cursor-lag",
      },
      ...this.metric("cursorLag"),
      statistic: "Maximum",
      periodSeconds: 60,
      periods: 3,
    });
  }

  private graphs(queue: Queue): readonly Graph[] {
    return [
      {
        title: "Fires",
        lines: [
          { ...this.metric("scheduled"), label: "handed over by the dispatcher", statistic: "Sum" },
          { ...this.metric("fired"), label: "fired", statistic: "Sum" },
          { ...this.metric("fenced"), label: "fenced", statistic: "Sum" },
          { ...this.metric("duplicates"), label: "duplicates", statistic: "Sum" },
          { ...queue.metric("ApproximateNumberOfMessagesVisible"), label: "backlog", statistic: "Maximum" },
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
    ];
  }
}

/** What the dispatcher and the API work with. */
interface Parts {
  readonly table: Table;
  readonly queue: Queue;
  readonly shards: TerraformVariable;
}
