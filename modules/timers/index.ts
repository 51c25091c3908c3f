/** The module of timers: API, dispatcher, callbacks with their queues, tables, alarms. */
import type { TerraformStack, TerraformVariable } from "cdktf";
import * as z from "zod";
import {
  API_ROUTES,
  CLAIM_KEYS,
  CALLBACK_NAME,
  CALLBACK_VARIABLES,
  DEFAULT_CALLBACK,
  DUE_INDEX,
  HISTORY_KEYS,
  TIMER_KEYS,
  dispatchTargets,
  scopesSchema,
  type ApiEnvironment,
  type CallbackEnvironment,
  type Callbacks,
  type DispatchEnvironment,
} from "../../functions/timers/contract";
import { Alarm } from "../constructs/resources/alarm";
import type { Graph } from "../constructs/dashboard";
import { exportsHandler } from "../constructs/bundling/entry";
import { escapeTemplate } from "../constructs/escape-template";
import { Feature, type Deployment } from "../constructs/feature";
import { permissionSchema, variablesSchema } from "../constructs/own-function";
import type { Binding } from "../constructs/resources/grants";
import { ApiFunction } from "../constructs/patterns/api-function";
import { QueueFunction } from "../constructs/patterns/queue-function";
import { ScheduledFunction } from "../constructs/patterns/scheduled-function";
import { Table } from "../constructs/resources/table";

/** Less than a minute, so that the lease of a killed run has expired at the next tick. */
const DISPATCH_TIMEOUT_SECONDS = 55;

/** One CPU: sending is CPU-bound when many fires are due. */
const DISPATCH_MEMORY_MB = 1_769;

/** A backlog's rows live for as long as their batches are in flight: twice V8's own. Its rate is a tenth higher. */
export const DISPATCH_SEMI_SPACE_MB = 32;

/** After a minute the next tick does the work. Lambda's minimum. */
const MAX_TICK_AGE_SECONDS = 60;

const FIRES_PER_CALLBACK = 10;

/** The wrapper of callbacks gives up earlier: after eight attempts, unless a timer's `retry` has more. SQS, for a function that never starts. */
const MAX_RECEIVES = 100;

/** The longest delay of a message is 15 minutes. */
const OLDEST_FIRE_SECONDS = 1_800;

/** For all clients together. A request can be a batch of 25. */
const API_THROTTLING = { requestsPerSecond: 500, burst: 1_000 } as const;

/** All methods of the routes, and the headers that a client sends. */
const API_CORS = {
  methods: ["OPTIONS", ...new Set(API_ROUTES.map(({ method }) => method))].join(),
  headers: "Content-Type,Authorization,Idempotency-Key,X-Amz-Content-Sha256,X-Amz-Date,X-Amz-Security-Token",
} as const;

/** Logs each fire. */
const DEFAULT_ENTRY = "functions/timers/log-fire.ts";

const callbackSchema = z.strictObject({
  /** The file that exports `handler = onTimer(...)`. @default "functions/timers/log-fire.ts", which logs each fire */
  entry: z
    .string()
    .regex(/^[\w./-]+\.ts$/, { error: 'is not a file such as "functions/reminders/remind.ts"', abort: true })
    .superRefine(exportsHandler())
    .default(DEFAULT_ENTRY),
  /** Additional variables. No secrets: Terraform's state would contain them. @default none */
  environment: variablesSchema((name) => CALLBACK_VARIABLES.has(name)),
  /** Additional permissions: IAM actions on ARNs. @default none */
  permissions: z.array(permissionSchema).default([]),
  /** For a batch of up to ten fires. @default 30 */
  timeoutSeconds: z.int().min(5).max(900).default(30),
  /** CPU scales with memory. @default 512 */
  memoryMb: z.int().min(128).max(10_240).default(512),
  /** Maximum concurrent invocations, each with up to ten fires: 2 to 1,000. @default the account's limit */
  maxConcurrency: z.int().min(2).max(1_000).optional(),
  /** Records each fire for seven days, with outcome, lateness and attempts: one write for each. @default true for the default entry */
  history: z.boolean().optional(),
});
type CallbackConfig = z.output<typeof callbackSchema>;

export const timersSchema = z.strictObject({
  /** Number of shards, each dispatched independently. One handles 20,000 fires per minute. @default 4 */
  shards: z.int().min(1).max(1_000).default(4),
  /**
   * What is called when a timer fires: by name, each with a queue, dead letters and alarms of its own, so that a slow one delays no other. A
   * timer names its callback: `callback: "billing"`. @default { default: {} }
   */
  callbacks: z
    .record(z.string().regex(CALLBACK_NAME, 'is not a name such as "billing"'), callbackSchema)
    .refine((callbacks) => DEFAULT_CALLBACK in callbacks, `lacks ${DEFAULT_CALLBACK}`)
    .prefault({ [DEFAULT_CALLBACK]: {} }),
  /**
   * Which ids each caller may put, read, list and delete: prefixes by the ARN of its IAM role or user. The empty prefix allows every id; a
   * caller that is not listed may name none. @default every caller may name every id
   */
  scopes: scopesSchema.optional(),
});

type TimersConfig = z.output<typeof timersSchema>;

/** Calls a function at a given time, once or repeatedly. */
export class Timers extends Feature {
  readonly deadLetterAlarm = {
    description: "Dispatcher invocations failed (messages in the dead-letter queue)",
    impact: "Timers may have fired late. Later runs catch up.",
    runbook: "timers#dead-letter-queue",
  } as const;

  constructor(environment: TerraformStack, deployment: Deployment, config: TimersConfig) {
    super(environment, "timers", deployment);
    const table = this.createTable();
    const history = this.createHistory();
    const shards = this.inputShards(config);
    const callbacks = this.createCallbacks({ table, history, claims: this.createClaims() }, config);
    const parts = { table, history, shards, fires: firesOf(callbacks) };
    const dispatcher = this.createDispatcher(parts, config);
    const { api } = this.createApi(parts, config);
    this.createCursorLagAlarm();
    this.createDashboardRow("Timers", this.graphs(callbacks));

    this.output("table_name", "Name of the timers table", table.name);
    this.output("history_table_name", "Name of the table of fires that have been delivered", history.name);
    this.output("dispatch_function_name", "Name of the dispatcher's function", dispatcher.name);
    for (const { name, callback } of callbacks) this.outputCallback(name, callback);
    this.output("api_url", "Base URL of the REST API: <api_url>/periodic/<id>", api.url);
    this.output("api_id", "Id of the REST API", api.id);
    this.output(
      "api_arns",
      "ARNs for the execute-api:Invoke permission of clients",
      API_ROUTES.map((route) => api.arnOf(route)),
    );
  }

  private createTable(): Table {
    return new Table(this, "table", {
      partitionKey: { name: TIMER_KEYS.partition, type: "S" },
      sortKey: { name: TIMER_KEYS.sort, type: "S" },
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
      description: "Number of shards, 1 to 1,000",
      value: shards,
      schema: timersSchema.shape.shards,
    });
  }

  private createCallbacks(tables: Tables, { callbacks }: TimersConfig): readonly NamedCallback[] {
    return Object.entries(callbacks).map(([name, config]) => {
      const history = config.history ?? config.entry === DEFAULT_ENTRY;
      return { name, history, callback: this.createCallback(name, { ...config, history }, tables) };
    });
  }

  private createCallback(
    name: string,
    { entry, environment, permissions, timeoutSeconds, memoryMb, maxConcurrency, history }: CallbackConfig,
    tables: Tables,
  ): QueueFunction<CallbackEnvironment> {
    const of = name === DEFAULT_CALLBACK ? "" : ` of ${name}`;
    return new QueueFunction<CallbackEnvironment>(this, withName("callback", name), {
      entry,
      timeoutSeconds,
      memoryMb,
      permissions: escapeTemplate(permissions),
      queue: { nameSuffix: withName("fires", name), maxReceives: MAX_RECEIVES },
      batch: { batchSize: FIRES_PER_CALLBACK, ...(maxConcurrency !== undefined && { maxConcurrency }) },
      environment: (queue) => ({
        ...escapeTemplate(environment),
        TIMERS_TABLE: tables.table.grant("BatchGetItem"),
        FIRES_QUEUE_URL: queue.grantChangeVisibility(),
        FIRES_DEAD_LETTER_QUEUE_URL: queue.deadLetterQueue.grantSend(),
        CLAIMS_TABLE: tables.claims.grant("DeleteItem", "UpdateItem"),
        HISTORY_TABLE: tables.history.grant("BatchWriteItem", "PutItem"),
        HISTORY: String(history ?? false),
      }),
      alarms: {
        deadLetterQueue: {
          depth: {
            description: `Timer callbacks${of} are failing (messages in the dead-letter queue)`,
            impact: "Some timers fired, but their callback did not succeed.",
            runbook: "timers#callbacks-are-failing",
          },
        },
        oldestMessageAge: {
          description: `Timer fires${of} have been waiting for their callback for 30 minutes`,
          impact: "Callbacks run late.",
          runbook: "timers#fires-are-waiting",
          seconds: OLDEST_FIRE_SECONDS,
        },
      },
    });
  }

  private outputCallback(name: string, { queue, name: functionName }: QueueFunction<CallbackEnvironment>): void {
    const [fires, callback] = name === DEFAULT_CALLBACK ? ["fires", "callback"] : [`fires_${name}`, `callback_${name}`];
    const of = `of the callback "${name}"`;
    this.output(`${fires}_queue_url`, `URL of the queue of fires ${of}`, queue.url);
    this.output(`${fires}_dead_letter_queue_url`, `URL of the dead-letter queue ${of}`, queue.deadLetterQueue.url);
    this.output(`${callback}_function_name`, `Name of the function ${of}`, functionName);
  }

  /** For exactlyOnce and overlap. */
  private createClaims(): Table {
    return new Table(this, "claims", {
      nameSuffix: "claims",
      partitionKey: { name: CLAIM_KEYS.partition, type: "S" },
      timeToLiveAttribute: CLAIM_KEYS.timeToLive,
    });
  }

  private createHistory(): Table {
    return new Table(this, "history", {
      nameSuffix: "history",
      partitionKey: { name: HISTORY_KEYS.partition, type: "S" },
      sortKey: { name: HISTORY_KEYS.sort, type: "S" },
      timeToLiveAttribute: HISTORY_KEYS.timeToLive,
    });
  }

  private createDispatcher(
    { table, fires, shards }: Parts,
    config: TimersConfig,
  ): ScheduledFunction<DispatchEnvironment> {
    return new ScheduledFunction<DispatchEnvironment>(this, "dispatch", {
      entry: "functions/timers/dispatch.ts",
      environment: {
        TIMERS_TABLE: table.grant("BatchGetItem", "GetItem", "PartiQLUpdate", "Query", "UpdateItem"),
        CALLBACKS: fires,
        SHARDS: shards.stringValue,
      },
      timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
      memoryMb: DISPATCH_MEMORY_MB,
      semiSpaceMb: DISPATCH_SEMI_SPACE_MB,
      schedule: {
        everyMinutes: 1,
        targets: dispatchTargets(config.shards),
        description: "Dispatches due timers",
      },
      retries: 0, // the next tick is the retry
      maxEventAgeSeconds: MAX_TICK_AGE_SECONDS,
      alarms: {
        errors: {
          description: "The timer dispatcher is failing",
          impact: "Timers of the affected shards fire late.",
          runbook: "timers#the-dispatcher-is-failing",
        },
        noInvocations: {
          description: "The timer dispatcher is not running",
          impact: "No timers fire, except those put less than ten minutes before their due time.",
          runbook: "timers#the-dispatcher-is-not-running",
        },
      },
    });
  }

  /** One function for all routes. */
  private createApi({ table, history, fires, shards }: Parts, { scopes }: TimersConfig): ApiFunction<ApiEnvironment> {
    return new ApiFunction<ApiEnvironment>(this, "api", {
      entry: "functions/timers/api.ts",
      environment: {
        TIMERS_TABLE: table.grant(
          "BatchGetItem",
          "DeleteItem",
          "GetItem",
          "PartiQLUpdate",
          "PutItem",
          "Query",
          "UpdateItem",
        ),
        HISTORY_TABLE: history.grant("Query"),
        CALLBACKS: fires,
        SHARDS: shards.stringValue,
        SCOPES: scopes === undefined ? "" : escapeTemplate(JSON.stringify(scopes)),
      },
      routes: API_ROUTES,
      api: { description: "Puts, gets, lists and deletes timers", throttling: API_THROTTLING, cors: API_CORS },
      alarms: {
        serverErrors: {
          description: "The timers API returns 5xx",
          impact: "Clients cannot create, read or delete timers.",
          runbook: "timers#the-api-returns-5xx",
        },
      },
    });
  }

  /** The lag is zero while all fires are enqueued before their due time. */
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

  private graphs(callbacks: readonly NamedCallback[]): readonly Graph[] {
    return [
      {
        title: "Fires",
        lines: [
          { ...this.metric("enqueued"), label: "enqueued by the dispatcher", statistic: "Sum" },
          { ...this.metric("fired"), label: "fired", statistic: "Sum" },
          { ...this.metric("fenced"), label: "fenced", statistic: "Sum" },
          { ...this.metric("duplicates"), label: "duplicates", statistic: "Sum" },
          { ...this.metric("dropped"), label: "dropped (late)", statistic: "Sum" },
          { ...this.metric("skipped"), label: "skipped (overlap)", statistic: "Sum" },
          ...callbacks.map(({ name, callback: { queue } }) => ({
            ...queue.metric("ApproximateNumberOfMessagesVisible"),
            label: withName("backlog", name),
            statistic: "Maximum" as const,
          })),
        ],
      },
      {
        title: "Lateness (ms)",
        lines: [
          { ...this.metric("lateness"), label: "p50", statistic: "p50" },
          { ...this.metric("lateness"), label: "p99", statistic: "p99" },
          { ...this.metric("cursorLag"), label: "cursor lag", statistic: "Maximum" },
        ],
      },
    ];
  }
}

interface Tables {
  readonly table: Table;
  readonly claims: Table;
  readonly history: Table;
}

interface NamedCallback {
  readonly name: string;
  readonly history: boolean;
  readonly callback: QueueFunction<CallbackEnvironment>;
}

interface Parts {
  readonly table: Table;
  readonly history: Table;
  /** The queues of all callbacks. */
  readonly fires: Binding;
  readonly shards: TerraformVariable;
}

/** `callback`, or `callback-billing`. */
function withName(id: string, name: string): string {
  return name === DEFAULT_CALLBACK ? id : `${id}-${name}`;
}

function firesOf(callbacks: readonly NamedCallback[]): Binding {
  const value: Callbacks = Object.fromEntries(
    callbacks.map(({ name, history, callback: { queue } }) => [name, { queueUrl: queue.url, history }]),
  );
  const queues = callbacks.map(({ callback: { queue } }) => queue.grantSend());
  return {
    value: JSON.stringify(value),
    actions: [...new Set(queues.flatMap(({ actions }) => actions))],
    resources: queues.flatMap(({ resources }) => resources),
  };
}
