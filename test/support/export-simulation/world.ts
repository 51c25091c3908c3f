/**
 * A simulated world of exports on a virtual clock: the real steps of the state machine against DynamoDB, S3 and Step Functions in memory,
 * with kills, workers that outlive their run, throttling, lost responses, stalls, lost and doubled events, clocks apart, and changes of the
 * configuration. Every world is determined by its seed.
 */
import { createHash } from "node:crypto";

import { DescribeTableCommand, DynamoDBClient, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import * as z from "zod";

import { claimStep } from "../../../functions/exports/claim-run";
import {
  exportSchema,
  manifestSchema,
  runRequestSchema,
  type ExportConfig,
  type Manifest,
  type NewRunRequest,
} from "../../../functions/exports/contract";
import { finishStep } from "../../../functions/exports/finish-run";
import { readStep } from "../../../functions/exports/read-segment";
import { reconcileStep } from "../../../functions/exports/reconcile";
import { recordFailureStep } from "../../../functions/exports/record-failure";
import { scanInput } from "../../../functions/exports/scan/segment-ports";
import { objectStore, ownerOf } from "../../../functions/exports/storage/object-store";
import { stateTable } from "../../../functions/exports/storage/state-table";
import { sleep, type Clock } from "../../../functions/shared/clock";
import { groupBy } from "../../../functions/shared/group-by";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../functions/shared/time";
import type { Json } from "../../../modules/asl/values";
import { exportMachine } from "../../../modules/exports/definition";
import { holds, type Item, type Request } from "../dynamodb-expressions";
import { oncePerObject } from "../once-per-object";
import { FakeAws, requestSchema } from "../fake-aws";
import { Random } from "../simulation/random";
import { runMachine, StatesError, type Run as Execution } from "../states-interpreter";
import { virtualClock } from "../virtual-clock";
import { MemoryS3, type S3Request } from "./memory-s3";

export const INVARIANTS = [
  "a published run is whole and exact",
  "a published run is of one table",
  "readers see a whole run at any time",
  "each item is in one incremental window",
  "the read limit is kept over any 10 s",
  "no upload is left",
  "no record says RUNNING long after its execution's end",
  "one execution at a time works on an export",
  "an older attempt takes no segment from a newer one",
  "a day that has a run has its marker",
  "every day that was due has its run",
] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}

export interface WorldOptions {
  readonly seed: number;
  readonly trace?: (time: number, line: string) => void;
}

const STATE = "state";
const TABLE = "orders";
const BUCKET = "files";
const START = Date.parse("2026-11-20T12:00:00Z");
const MACHINE = "arn:aws:states:eu-central-1:000000000000:stateMachine:exports";
const EXECUTIONS = MACHINE.replace("stateMachine", "execution");
const LAMBDA_MS = 15 * MINUTE_MS;

/** Writers' delays and clocks, together less than `settleSeconds`. */
const LATEST_ARRIVAL_MS = 200 * SECOND_MS;
const CLOCKS_APART_MS = 20 * SECOND_MS;

const FUNCTIONS = ["claimRun", "readSegment", "nativeExport", "finishRun", "recordFailure"] as const;
const machine = exportMachine({
  self: MACHINE,
  claimRun: "claimRun",
  readSegment: "readSegment",
  nativeExport: "nativeExport",
  finishRun: "finishRun",
  recordFailure: "recordFailure",
});
const invocationSchema = z.object({ FunctionName: z.enum(FUNCTIONS), Payload: z.record(z.string(), z.json()) });
const responseSchema = z.record(z.string(), z.unknown());
const startSchema = z.object({ Name: z.string(), Input: z.json() });

interface TableItem {
  readonly id: string;
  readonly at: Item[string] | undefined;
  /** Seconds; undefined when unusable. */
  readonly usableAt: number | undefined;
  readonly writtenAt: number;
  readonly hash: number;
  /** Its table: which of those that had the name. */
  readonly tableId: string;
}

/** One invocation of a function, which may be killed. */
interface Invocation {
  /** Changes while requests are in progress. */
  dead: boolean;
  /** Ends the caller's wait; the function itself may go on. */
  readonly fail: (error: Error) => void;
}

/** As a call, because it changes while a function waits. */
const isDead = ({ dead }: Invocation): boolean => dead;
const forever = <T>(): Promise<T> => new Promise(() => undefined);
const named = (name: string): Error => Object.assign(new Error(name), { name });

export class World {
  readonly faults = new Map<string, number>();
  readonly #isParquet: boolean;
  /** In the other worlds nothing asks for the table's id while it is read. */
  readonly #recreatesTable: boolean;
  /** In the other worlds each item is in one day. */
  readonly #resetsCursor: boolean;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #trace: (line: string) => void;
  readonly #dynamodb = new FakeAws(STATE);
  readonly #s3 = new MemoryS3();
  readonly #items: TableItem[] = [];
  readonly #executions = new Map<string, Execution>();
  /** Records that say RUNNING though their execution has ended: since when that was seen. */
  readonly #untrue = new Map<string, number>();
  readonly #reads: { readonly at: number; readonly units: number }[] = [];
  readonly #violations: Violation[] = [];
  readonly #days: number;
  readonly #limit: number | undefined;
  #configs: readonly ExportConfig[];
  #faulty = true;
  #names = 0;

  constructor({ seed, trace }: WorldOptions) {
    this.#random = new Random(seed);
    this.#isParquet = seed % 3 === 0;
    this.#recreatesTable = seed % 4 === 1;
    this.#resetsCursor = seed % 4 === 2;
    this.#clock = virtualClock(START);
    this.#trace = (line) => trace?.(this.#clock.now(), line);
    this.#days = this.#random.whole(2, 4);
    this.#limit = this.#random.chance(0.5) ? this.#random.whole(1, 3) : undefined;
    this.#configs = this.#configured();
    this.#dynamodb.tables.set(TABLE, [[]]);
    this.#s3.execute("PutObject", { Key: "exports.json", Body: Buffer.from("{}") });
    this.#configure();
    for (let count = this.#random.whole(5, 25); count > 0; count--)
      this.#write(START - this.#random.whole(1, 48) * HOUR_MS);
  }

  async run(): Promise<readonly Violation[]> {
    const end = START + this.#days * DAY_MS;
    const actors = [
      this.#writers(end),
      this.#operators(end),
      this.#schedules(end),
      this.#observer(end),
      this.#reconciler(end),
    ];
    await Promise.all(actors);
    // Then everything works again: two days with nothing but the schedule.
    this.#faulty = false;
    for (const day of [1, 2]) {
      await this.#until(end + day * DAY_MS);
      await this.#reconcile({});
      if (this.#recreatesTable) await this.#resetCursor();
      for (const { name } of this.#configs) await this.#follow(this.#start(name, "schedule", end + day * DAY_MS));
    }
    await this.#until(end + 3 * DAY_MS);
    await this.#reconcile({});
    this.#checkEnd(end);
    return this.#violations;
  }

  // --- what happens ---

  #configured(): readonly ExportConfig[] {
    const segments = this.#random.whole(1, 3);
    const base = { table: TABLE, compression: "none", ...(this.#limit && { maxReadUnitsPerSecond: this.#limit }) };
    // A document has one invocation, which a limit makes too short.
    const isDocument = this.#limit === undefined && this.#random.chance(0.2);
    const format = isDocument ? "json" : this.#isParquet ? "parquet" : "ndjson";
    return [
      exportSchema.parse({ ...base, name: "all", segments, format }),
      exportSchema.parse({ ...base, name: "new", segments, mode: "incremental", watermark: { attribute: "at" } }),
    ];
  }

  #configure(): void {
    const schedule = { expression: "cron(0 17 * * ? *)", timeZone: "UTC" };
    const tables = this.#configs.map((config) => ({ ...config, schedule }));
    this.#s3.execute("PutObject", { Key: "exports.json", Body: Buffer.from(JSON.stringify({ tables })) });
  }

  #write(now: number, stamp?: number): void {
    if (!this.#dynamodb.tables.has(TABLE)) return;
    const id = `i${this.#items.length}`;
    const stamped = stamp ?? Math.floor((now - this.#random.whole(-CLOCKS_APART_MS, LATEST_ARRIVAL_MS)) / SECOND_MS);
    const kind = this.#random.whole(1, 30);
    const at = kind === 1 ? undefined : kind === 2 ? { S: String(stamped) } : { N: String(stamped) };
    const hash = createHash("md5").update(id).digest().readUInt32BE();
    const usableAt = at?.N === undefined ? undefined : stamped;
    this.#items.push({ id, at, usableAt, writtenAt: now, hash, tableId: this.#dynamodb.tableId(TABLE) });
  }

  async #writers(end: number): Promise<void> {
    while (this.#clock.now() < end) {
      await this.#sleep(this.#random.whole(1, 240) * MINUTE_MS);
      this.#write(this.#clock.now());
    }
  }

  /** EventBridge: events are late, doubled and lost. */
  async #schedules(end: number): Promise<void> {
    for (let due = START + 5 * HOUR_MS; due < end; due += DAY_MS) {
      // An item at the very end of a window.
      await this.#until(due - 200 * SECOND_MS);
      this.#write(this.#clock.now(), (due - 300 * SECOND_MS) / SECOND_MS);
      await this.#until(due);
      for (const { name } of this.#configs) {
        if (this.#chance("lost event", 0.1)) continue;
        const event = `${name}-event-${due}`;
        this.#clock.after(this.#random.whole(0, 600) * SECOND_MS, () => this.#start(name, "schedule", due, {}, event));
        if (this.#chance("doubled event", 0.2))
          this.#clock.after(this.#random.whole(0, 90) * MINUTE_MS, () => this.#start(name, "schedule", due, {}, event));
      }
    }
  }

  /** People: they start, stop and repeat runs, and change the configuration. */
  async #operators(end: number): Promise<void> {
    while (this.#clock.now() < end) {
      await this.#sleep(this.#random.whole(10, 600) * MINUTE_MS);
      const { name } = this.#random.of(this.#configs);
      if (this.#random.chance(0.5))
        this.#clock.after(this.#random.whole(1, 400) * SECOND_MS, () =>
          this.#start(name, "manual", this.#clock.now(), { again: true }),
        );
      const running = [...this.#executions.values()].filter((execution) => execution.status() === "RUNNING");
      switch (this.#random.whole(0, 5)) {
        case 0:
          this.#start(name, "manual", this.#clock.now());
          break;
        case 1:
          this.#start(name, "manual", this.#clock.now(), { again: true });
          break;
        case 2:
          this.#start(name, "manual", this.#clock.now(), { force: true });
          break;
        case 3:
          this.#configs = this.#configured();
          this.#configure();
          this.#count("changed configuration");
          break;
        default:
          if (running.length > 0) this.#stop(this.#random.of(running));
      }
      if (this.#resetsCursor && this.#random.chance(0.1)) await this.#resetCursor();
    }
  }

  /** An operator stops a run that takes long: its functions go on, and the next run follows at once. */
  #stopSoon(name: string, arn: string): void {
    this.#clock.after(this.#random.whole(20, 1_200) * SECOND_MS, () => {
      const execution = this.#executions.get(arn);
      if (execution?.status() !== "RUNNING") return;
      this.#stop(execution);
      this.#clock.after(this.#random.whole(1, 60) * SECOND_MS, () =>
        this.#start(name, "manual", this.#clock.now(), { again: true }),
      );
    });
  }

  #stop(execution: Execution): void {
    this.#count("stopped execution");
    execution.abort("Stopped", "by an operator");
    const [arn = ""] = [...this.#executions].find(([, each]) => each === execution) ?? [];
    this.#trace(`stopped ${arn}`);
    if (!this.#chance("lost end event", 0.5)) void this.#reconcile({ detail: { executionArn: arn } });
  }

  /** Somebody deletes the table, and creates it with other items. Later an operator says where the incremental export continues. */
  #recreate(): void {
    if (!this.#dynamodb.tables.delete(TABLE)) return;
    this.#trace("deleted the table");
    this.#clock.after(this.#random.whole(1, 60) * SECOND_MS, () => {
      this.#dynamodb.recreate(TABLE, [[]]);
      this.#trace("created the table again");
      const now = this.#clock.now();
      for (let count = this.#random.whole(5, 15); count > 0; count--)
        this.#write(now, Math.floor((now - this.#random.whole(1, 48) * HOUR_MS) / SECOND_MS));
    });
    this.#clock.after(this.#random.whole(5, 300) * MINUTE_MS, () => void this.#resetCursor());
  }

  /** As the command does. */
  async #resetCursor(): Promise<void> {
    const send = (command: object) => Promise.resolve(this.#toDynamo(actionOf(command), inputOf(command)));
    const dynamodb = Object.assign(Object.create(CLIENTS.dynamodb) as DynamoDBClient, { send });
    const state = stateTable(dynamodb, STATE, this.#clock);
    const { active, cursor } = await state.exportState("new");
    const isOfAnother =
      cursor?.source?.tableId !== undefined && cursor.source.tableId !== this.#dynamodb.tableId(TABLE);
    const isRunning = active !== undefined && this.#executions.get(active.execution)?.status() === "RUNNING";
    if (!(isOfAnother || this.#resetsCursor) || active?.published === true || isRunning) return;
    if (await state.setCursor("new", undefined, active)) this.#count("reset cursor");
  }

  async #reconciler(end: number): Promise<void> {
    while (this.#clock.now() < end) {
      await this.#sleep(30 * MINUTE_MS);
      await this.#reconcile({});
    }
  }

  async #observer(end: number): Promise<void> {
    while (this.#clock.now() < end) {
      await this.#sleep(this.#random.whole(5, 45) * MINUTE_MS);
      this.#checkReaders();
      this.#checkRecords();
    }
  }

  #start(
    name: string,
    trigger: "schedule" | "manual",
    time: number,
    more: Partial<NewRunRequest> = {},
    executionName = `${name}-${++this.#names}`,
  ): string {
    const day = new Date(time).toISOString().slice(0, 10);
    const due = trigger === "schedule" ? { due: time } : {};
    const arn = this.#execute(executionName, { export: name, trigger, day, ...due, ...more });
    if (this.#chance("impatient operator", 0.2)) this.#stopSoon(name, arn);
    return arn;
  }

  #execute(name: string, request: unknown): string {
    const arn = `${EXECUTIONS}:${name}`;
    if (this.#executions.has(arn)) return arn;
    this.#trace(`started ${name} ${JSON.stringify(request)}`);
    if (this.#recreatesTable && this.#chance("recreated table", 0.05))
      this.#clock.after(this.#random.whole(1, 400) * SECOND_MS, () => {
        this.#recreate();
      });
    // While it runs, items arrive that are stamped before.
    for (let count = this.#faulty ? this.#random.whole(0, 2) : 0; count > 0; count--)
      this.#clock.after(this.#random.whole(1, 240) * SECOND_MS, () => {
        this.#write(this.#clock.now());
      });
    const input = JSON.parse(JSON.stringify(runRequestSchema.parse(request))) as Json;
    const execution = runMachine(machine, input, {
      clock: this.#clock,
      name,
      arn,
      machineArn: MACHINE,
      services: {
        "lambda:invoke": async (parameters) => {
          const { FunctionName, Payload } = invocationSchema.parse(parameters);
          return { Payload: await this.#invoke(FunctionName, Payload) };
        },
        "events:putEvents": () => Promise.resolve({ FailedEntryCount: 0 }),
        "states:startExecution": (parameters) => {
          const { Name, Input } = startSchema.parse(parameters);
          return Promise.resolve({ ExecutionArn: this.#execute(Name, Input) });
        },
      },
    });
    this.#executions.set(arn, execution);
    void execution.ended.then((ended) => {
      this.#trace(`ended ${name}: ${JSON.stringify(ended)}`);
    });
    return arn;
  }

  async #follow(arn: string): Promise<void> {
    for (let current: string | undefined = arn; current !== undefined;) {
      const ended = await this.#executions.get(current)?.ended;
      const output: unknown = ended?.status === "SUCCEEDED" ? ended.output : undefined;
      current = z.object({ next: z.string() }).safeParse(output).data?.next;
    }
  }

  // --- functions ---

  /** Lambda: invocations end after 15 minutes, or are killed; a killed one stops for ever, or goes on unheard. */
  async #invoke(name: (typeof FUNCTIONS)[number], payload: Readonly<Record<string, Json>>): Promise<Json> {
    if (this.#chance("throttled invocation", 0.03)) throw new StatesError("Lambda.TooManyRequestsException");
    return new Promise<Json>((resolve, reject) => {
      const invocation: Invocation = { dead: false, fail: reject };
      this.#clock.after(LAMBDA_MS, () => {
        invocation.dead = true;
        reject(new StatesError("Sandbox.Timedout"));
      });
      this.#work(name, payload, invocation).then((result) => {
        if (!isDead(invocation)) resolve(JSON.parse(JSON.stringify(result ?? null)) as Json);
      }, reject);
    });
  }

  #work(
    name: (typeof FUNCTIONS)[number],
    payload: Readonly<Record<string, Json>>,
    invocation: Invocation,
  ): Promise<unknown> {
    const input = payload as never;
    const services = this.#services();
    const { dynamodb, s3, sfn } = this.#clients(invocation);
    const context = { deadline: services.clock.now() + LAMBDA_MS };
    switch (name) {
      case "claimRun":
        return claimStep({ ...services, environment: ENVIRONMENT }, { dynamodb, s3, sfn })(input, context);
      case "readSegment":
        return readStep({ ...services, environment: ENVIRONMENT }, dynamodb, ({ run, segment }) =>
          Promise.resolve({
            scan: (after, limit) => this.#scan(scanInput(run, segment), after, limit, invocation),
            tableId: async () =>
              this.#recreatesTable
                ? (await dynamodb.send(new DescribeTableCommand({ TableName: TABLE }))).Table?.TableId
                : this.#dynamodb.tableId(TABLE),
            store: objectStore(s3, { bucket: BUCKET, kmsKeyArn: undefined, owner: ownerOf(run) }),
          }),
        )(input, context);
      case "finishRun":
        return finishStep({ ...services, environment: ENVIRONMENT }, { dynamodb, s3 })(input, context);
      case "recordFailure":
        return recordFailureStep({ ...services, environment: ENVIRONMENT }, dynamodb)(input);
      case "nativeExport":
        return Promise.reject(new Error("no such export"));
    }
  }

  async #reconcile(event: { readonly detail?: { readonly executionArn: string } }): Promise<void> {
    const invocation: Invocation = { dead: false, fail: () => undefined };
    const work = reconcileStep({ ...this.#services(), environment: ENVIRONMENT }, this.#clients(invocation))(event);
    await Promise.race([work.catch(() => undefined), this.#sleep(4 * MINUTE_MS)]);
  }

  #services() {
    // A limit is only as exact as the clocks of its readers.
    const apart = this.#limit === undefined ? 2_000 : 50;
    const skew = this.#random.whole(-apart, apart);
    const nothing = (): void => undefined;
    const clock: Clock = { ...this.#clock, now: () => this.#clock.now() + skew };
    const metrics = { count: nothing, countBy: nothing, milliseconds: nothing };
    return { clock, logger: { info: nothing, error: nothing }, metrics };
  }

  #clients(invocation: Invocation) {
    const fake = <C extends object>(client: C, execute: (action: string, input: never) => object): C =>
      Object.assign(Object.create(client) as C, {
        send: ({
          constructor,
          input,
        }: {
          readonly constructor: { readonly name: string };
          readonly input: unknown;
        }) => {
          const action = actionOf({ constructor });
          return this.#request(action, invocation, () => execute(action, input as never));
        },
      });
    return {
      dynamodb: fake(CLIENTS.dynamodb, (action, input) => this.#toDynamo(action, input)),
      s3: fake(CLIENTS.s3, (action, input: S3Request) => this.#s3.execute(action, input)),
      sfn: fake(CLIENTS.sfn, (_, { executionArn }: { readonly executionArn: string }) => {
        const execution = this.#executions.get(executionArn);
        if (execution === undefined) throw named("ExecutionDoesNotExist");
        return { status: execution.status() };
      }),
    };
  }

  #toDynamo(action: string, input: object): object {
    const isWrite = /Update|Transact/.test(action);
    const before = isWrite ? [...this.#dynamodb.rows].filter(([key]) => /\|(state$|segment#)/.test(key)) : [];
    const outcome = this.#dynamodb.execute(action, requestSchema.parse(input));
    this.#checkClaims(before);
    if (!("code" in outcome)) return responseSchema.parse(outcome.response);
    throw Object.assign(named(outcome.code), outcome.details);
  }

  /** A request takes time, and fails in all the ways that requests fail. */
  async #request(action: string, invocation: Invocation, execute: () => object): Promise<object> {
    const isPut = action === "PutObject" || action === "CopyObject";
    await this.#sleep(this.#random.whole(5, 400));
    if (isDead(invocation)) return forever();
    if (this.#chance("throttled request", 0.02)) throw named("ThrottlingException");
    if (this.#chance("failed request", 0.01)) throw named("InternalServerError");
    if (this.#chance("killed function", 0.012)) {
      invocation.fail(new StatesError("Lambda.Unknown"));
      if (this.#random.chance(0.5)) invocation.dead = true;
      else await this.#sleep(this.#random.whole(1, 40) * MINUTE_MS); // outlives its caller
    }
    if (this.#chance("stalled request", 0.01)) await this.#sleep(this.#random.whole(1, 40) * MINUTE_MS);
    if (this.#chance("suspended function", isPut ? 0.03 : 0.002)) await this.#suspend();
    if (isDead(invocation)) return forever();
    const result = execute();
    if (isPut) this.#checkReaders();
    if (this.#chance("lost response", 0.012)) throw named("TimeoutError");
    await this.#sleep(this.#random.whole(5, 400));
    return isDead(invocation) ? forever() : result;
  }

  /** An operator stops its execution, and two runs follow, before the function goes on. */
  async #suspend(): Promise<void> {
    for (const execution of this.#executions.values()) if (execution.status() === "RUNNING") this.#stop(execution);
    for (const { name } of this.#configs)
      for (const minutes of [1, 5])
        this.#clock.after(minutes * MINUTE_MS, () => this.#start(name, "manual", this.#clock.now(), { again: true }));
    await this.#sleep(this.#random.whole(7, 14) * MINUTE_MS);
  }

  /** A page of a few items, each a read unit. Slow, so that parts end after two minutes; with a limit, as fast as that allows. */
  async #scan(
    input: ScanCommandInput,
    after: string | undefined,
    limit: number | undefined,
    invocation: Invocation,
  ): Promise<Buffer> {
    const { Segment = 0, TotalSegments = 1 } = input;
    if (isDead(invocation)) return forever();
    if (this.#chance("throttled scan", 0.02)) throw named("ProvisionedThroughputExceededException");
    if (!this.#dynamodb.tables.has(TABLE)) throw named("ResourceNotFoundException");
    const tableId = this.#dynamodb.tableId(TABLE);
    const from = after === undefined ? -1 : Number((JSON.parse(after) as Item)["hash"]?.N);
    const found = this.#items
      .filter((item) => item.tableId === tableId && item.hash % TotalSegments === Segment && item.hash > from)
      .sort((a, b) => a.hash - b.hash);
    // A document is read by one invocation.
    const most = TotalSegments === 1 ? 18 : 6;
    const read = found.slice(0, Math.min(limit ?? most, most));
    this.#reads.push({ at: this.#clock.now(), units: read.length });
    const items = read
      .map(({ id, at }): Item => ({ id: { S: id }, ...(at && { at }) }))
      .filter((item) => input.FilterExpression === undefined || holds(input.FilterExpression, item, input as Request));
    const last = read.length < found.length ? read.at(-1) : undefined;
    const page = Buffer.from(
      JSON.stringify({
        Items: items,
        Count: items.length,
        ScannedCount: read.length,
        ConsumedCapacity: { CapacityUnits: read.length },
        ...(last && { LastEvaluatedKey: { hash: { N: String(last.hash) } } }),
      }),
    );
    await this.#sleep(this.#limit === undefined ? this.#random.whole(1, 45) * SECOND_MS : this.#random.whole(50, 300));
    if (this.#chance("killed function", 0.02)) {
      invocation.fail(new StatesError("Lambda.Unknown"));
      if (this.#random.chance(0.5)) invocation.dead = true;
      else await this.#sleep(this.#random.whole(1, 40) * MINUTE_MS);
    }
    return isDead(invocation) ? forever() : page;
  }

  // --- invariants ---

  #violate(invariant: Invariant, detail: string): void {
    this.#trace(`VIOLATED ${invariant}: ${detail}`);
    if (this.#violations.length < 10) this.#violations.push({ invariant, detail });
  }

  #checkClaims(before: readonly (readonly [string, Item])[]): void {
    for (const [key, row] of before) {
      const now = this.#dynamodb.rows.get(key);
      if (now === row || now === undefined) continue;
      const previous = row["activeExecution"]?.S ?? "";
      const claimed = now["activeExecution"]?.S ?? previous;
      if (claimed !== previous && this.#executions.get(previous)?.status() === "RUNNING")
        this.#violate("one execution at a time works on an export", `${claimed} has ${key} of ${previous}`);
      if (Number(now["attempt"]?.N ?? 0) < Number(row["attempt"]?.N ?? 0))
        this.#violate("an older attempt takes no segment from a newer one", key);
    }
  }

  /** Events are lost, and a call fails now and then; it is made every 30 minutes. */
  #checkRecords(): void {
    const { rows } = this.#dynamodb;
    const ended = [...rows].filter(
      ([key, { status, execution }]) =>
        key.includes("|run#") &&
        status?.S === "RUNNING" &&
        this.#executions.get(execution?.S ?? "")?.status() !== "RUNNING",
    );
    const keys = new Set(ended.map(([key]) => key));
    for (const key of this.#untrue.keys()) if (!keys.has(key)) this.#untrue.delete(key);
    for (const key of keys) {
      const since = this.#untrue.get(key) ?? this.#clock.now();
      this.#untrue.set(key, since);
      if (this.#clock.now() - since > 3 * HOUR_MS)
        this.#violate("no record says RUNNING long after its execution's end", key);
    }
  }

  #manifests(): readonly { readonly folder: string; readonly manifest: Manifest }[] {
    return [...this.#s3.objects].flatMap(([key, { body }]) =>
      key.endsWith("/_manifest.json")
        ? [
            {
              folder: key.slice(0, -"_manifest.json".length),
              manifest: manifestOf(body),
            },
          ]
        : [],
    );
  }

  /** Readers by manifest, by Athena's list, and by folder with its marker. */
  #checkReaders(): void {
    const invariant = "readers see a whole run at any time";
    for (const { folder, manifest } of this.#manifests()) {
      for (const { key, sha256, items } of manifest.files) {
        const body = this.#s3.objects.get(key)?.body;
        if (body === undefined) this.#violate(invariant, `${folder}: ${key} is missing`);
        else if (sha256 !== hashOf(body)) this.#violate(invariant, `${key} has changed`);
        else if (idsIn(body).length !== items) this.#violate(invariant, `${key} has not ${items} items`);
      }
      const listed = this.#s3.objects
        .get(`_exports/${manifest.deployment ?? ""}/${manifest.export}/athena/dt=${manifest.day}/files.txt`)
        ?.body.toString();
      for (const uri of listed?.split("\n").filter((line) => line !== "") ?? [])
        if (!this.#s3.objects.has(uri.slice(`s3://${BUCKET}/`.length)))
          this.#violate(invariant, `Athena: ${uri} is missing`);
      if (!this.#s3.objects.has(`${folder}_SUCCESS`)) continue;
      const own = new Set(manifest.files.map(({ key }) => key));
      const inFolder = [...this.#s3.objects.keys()].filter((key) => key.startsWith(folder) && !key.includes("/_"));
      if (inFolder.length !== own.size || inFolder.some((key) => !own.has(key)))
        this.#violate(invariant, `${folder} has ${inFolder.join(", ")}, and its manifest ${[...own].join(", ")}`);
    }
  }

  #checkEnd(end: number): void {
    this.#checkReaders();
    this.#checkFull();
    this.#checkTables();
    this.#checkIncremental();
    this.#checkLimit();
    if (this.#s3.uploads.size > 0)
      this.#violate("no upload is left", [...this.#s3.uploads.values()].map(({ key }) => key).join(", "));
    for (const [key, row] of this.#dynamodb.rows) {
      if (!key.includes("|run#") || row["status"]?.S !== "RUNNING") continue;
      this.#violate("no record says RUNNING long after its execution's end", key);
    }
    for (const { folder } of this.#manifests())
      if (!this.#s3.objects.has(`${folder}_SUCCESS`)) this.#violate("a day that has a run has its marker", folder);
    const full = this.#manifests().filter(({ manifest }) => manifest.export === "all");
    const expected = new Date(end + 2 * DAY_MS).toISOString().slice(0, 10);
    if (!full.some(({ manifest }) => manifest.day === expected))
      this.#violate("every day that was due has its run", expected);
  }

  #checkFull(): void {
    const invariant = "a published run is whole and exact";
    for (const { folder, manifest } of this.#manifests()) {
      const ids = manifest.files.flatMap(({ key }) => idsIn(this.#s3.objects.get(key)?.body ?? Buffer.alloc(0)));
      if (ids.length !== manifest.items)
        this.#violate(invariant, `${folder}: ${ids.length} of ${manifest.items} items`);
      if (new Set(ids).size !== ids.length) this.#violate(invariant, `${folder}: an item is there twice`);
      if (manifest.export !== "all") continue;
      const seen = new Set(ids);
      const tables = this.#tablesOf(ids);
      const [from, to] = [Date.parse(manifest.startedAt) - 2_000, Date.parse(manifest.finishedAt) + 2_000];
      const missing = this.#items.filter(
        ({ id, writtenAt, tableId }) => tables.has(tableId) && writtenAt < from && !seen.has(id),
      );
      const early = this.#items.filter(({ id, writtenAt }) => writtenAt > to && seen.has(id));
      if (missing.length > 0) this.#violate(invariant, `${folder}: without ${missing.map(({ id }) => id).join(", ")}`);
      if (early.length > 0) this.#violate(invariant, `${folder}: with items that were not written yet`);
    }
  }

  #tablesOf(ids: readonly string[]): ReadonlySet<string> {
    const all = new Map(this.#items.map(({ id, tableId }) => [id, tableId]));
    return new Set(ids.flatMap((id) => all.get(id) ?? []));
  }

  #checkTables(): void {
    for (const { folder, manifest } of this.#manifests()) {
      const runs = groupBy(manifest.files, ({ run = manifest.run }) => run);
      for (const [run, files] of runs) {
        const tables = this.#tablesOf(
          files.flatMap(({ key }) => idsIn(this.#s3.objects.get(key)?.body ?? Buffer.alloc(0))),
        );
        if (tables.size > 1)
          this.#violate("a published run is of one table", `${folder}: ${run} has ${[...tables].join(", ")}`);
      }
    }
  }

  #checkIncremental(): void {
    const invariant = "each item is in one incremental window";
    const times = new Map<string, number>();
    for (const { manifest } of this.#manifests())
      if (manifest.export === "new")
        for (const { key } of manifest.files)
          for (const id of idsIn(this.#s3.objects.get(key)?.body ?? Buffer.alloc(0)))
            times.set(id, (times.get(id) ?? 0) + 1);
    const cursor = Number(this.#dynamodb.rows.get("new|state")?.["cursor"]?.S ?? 0);
    for (const { id, usableAt, tableId } of this.#items) {
      const isThere = tableId === this.#dynamodb.tableId(TABLE);
      const expected = usableAt !== undefined && usableAt < cursor ? 1 : 0;
      // Each day has it once, see #checkFull.
      const found = this.#resetsCursor ? Math.min(1, times.get(id) ?? 0) : (times.get(id) ?? 0);
      if (isThere ? found !== expected : found > 1)
        this.#violate(
          invariant,
          `${id} of ${usableAt} is exported ${times.get(id) ?? 0} times; the cursor is ${cursor}`,
        );
    }
    if (cursor < (this.#clock.now() - 2 * DAY_MS) / SECOND_MS)
      this.#violate(invariant, `the cursor ${cursor} stands still`);
  }

  #checkLimit(): void {
    const limit = this.#limit;
    if (limit === undefined) return;
    this.#reads.sort((a, b) => a.at - b.at);
    let [first, units] = [0, 0];
    for (const { at, units: own } of this.#reads) {
      units += own;
      for (let oldest = this.#reads[first]; oldest && oldest.at <= at - 10 * SECOND_MS; oldest = this.#reads[++first])
        units -= oldest.units;
      if (units > limit * 10) this.#violate("the read limit is kept over any 10 s", `${units} units at ${at}`);
    }
  }

  // --- chance and time ---

  #chance(fault: string, probability: number): boolean {
    if (!this.#faulty || !this.#random.chance(probability)) return false;
    this.#count(fault);
    return true;
  }

  #count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    this.#trace(fault);
  }

  #sleep(milliseconds: number): Promise<void> {
    return sleep(this.#clock, milliseconds);
  }

  #until(time: number): Promise<void> {
    return this.#sleep(Math.max(0, time - this.#clock.now()));
  }
}

const REGION = { region: "eu-central-1" };
const CLIENTS = { dynamodb: new DynamoDBClient(REGION), s3: new S3Client(REGION), sfn: new SFNClient(REGION) };

/** Of a command of the SDK. */
const actionOf = ({ constructor }: object): string => constructor.name.replace(/Command\d*$/, "").replace(/^_/, "");
const inputOf = (command: object): object => z.object({ input: z.custom<object>() }).parse(command).input;

const ENVIRONMENT = {
  STATE_TABLE: STATE,
  TABLE_NAMES: "-",
  CONFIGURATION_BUCKET: "configuration",
  EXPORTS_BUCKET: BUCKET,
  EXECUTION_ARN_PREFIX: EXECUTIONS,
} as const;

// Every write is followed by a look at all bodies.
const manifestOf = oncePerObject((body: Buffer) => manifestSchema.parse(JSON.parse(body.toString())));
const hashOf = oncePerObject((body: Buffer) => createHash("sha256").update(body).digest("hex"));
const idsIn = oncePerObject((body: Buffer): readonly string[] =>
  [...body.toString().matchAll(/"id":"([^"]+)"/g)].map(([, id = ""]) => id),
);
