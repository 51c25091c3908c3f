/** What can be done with a timer, and how it is delivered, through the deployed API and a named callback. */
import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import * as z from "zod";

import { ConflictError, TimersClient } from "../../clients/timers";
import { handler as api } from "../../functions/timers/api";
import { lambdaContext, setupHandler } from "../support/lambda";
import { awsConfiguration, eventually, npmRun, readSystem, startArguments } from "./support/system";

const outputsSchema = z.looseObject({
  api_url: z.url(),
  table_name: z.string(),
  history_table_name: z.string(),
  fires_queue_url: z.string(),
});

const SECOND = 1_000;
/** Longer than a first delivery takes on a busy machine. */
const CATCH_UP_SECONDS = 45;
const KOLKATA_MS = 5.5 * 3_600 * SECOND;

/** Unique to this run: the table may contain timers of another. */
const name = (id: string) => `policies-${id}-${process.pid}`;
const callback = "billing";
const daily = { cron: "0 9 * * ? *", timeZone: "Europe/Berlin", callback };

describe("timers of a named callback, deployed", () => {
  let aws: ReturnType<typeof awsConfiguration>;
  let outputs: z.output<typeof outputsSchema>;
  let timers: TimersClient;
  /** What the callback asks: /hold is answered when the test releases it, everything else at once. */
  let bank: Server;
  let bankUrl: string;
  let isOpen = false;
  /** Asked by callbacks that run until they are released. */
  const held: (() => void)[] = [];
  setupHandler("timers");

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["timers"]);
    timers = new TimersClient({ url: outputs.api_url, ...aws });
    bank = createHttpServer((request, response) => {
      const answer = () => response.writeHead(request.url === "/hold" || isOpen ? 200 : 503).end();
      if (request.url === "/hold") held.push(answer);
      else answer();
    }).listen(0, "127.0.0.1");
    await once(bank, "listening");
    bankUrl = `http://127.0.0.1:${(bank.address() as AddressInfo).port}`;
    const failing = { callback, delaySeconds: 1, timerCallbackData: { bank: bankUrl } };
    await timers.oneshot.put(name("retried"), { ...failing, retry: { maxAttempts: 1 } });
    await timers.oneshot.put(name("aged"), { ...failing, retry: { maxAgeSeconds: 1 } });
    await timers.oneshot.put(name("unrecorded"), { callback, delaySeconds: 0, history: false });
    await timers.oneshot.put(name("late"), { ...failing, retry: { maxAttempts: 1 }, catchUp: CATCH_UP_SECONDS });
  });
  afterAll(() => {
    for (const release of held) release();
    bank.close();
  });

  /** The recorded fires of a timer, once there are as many. */
  const fires = (kind: "periodic" | "oneshot", id: string, count = 1) =>
    eventually(
      async () => {
        const found = [];
        for await (const fire of timers[kind].fires(name(id))) found.push(fire);
        return found;
      },
      ({ length }) => length >= count,
    );
  const outcomeOf = async (id: string) => (await fires("oneshot", id))[0]?.outcome;

  it("are paused, fired, resumed, previewed, and deleted by version", async () => {
    const id = name("verbs");
    const put = await timers.periodic.put(id, daily);
    const [next, ...later] = (await timers.periodic.preview(id, { count: 3 })) ?? [];
    expect([next, later.length]).toEqual([put.nextFireAt, 2]);
    const startAt = "2030-01-01T00:00:00.000Z";
    expect(await timers.periodic.preview(id, { count: 1, timer: { every: "1 hour", startAt } })).toEqual([startAt]);

    const paused = await timers.periodic.pause(id);
    expect(paused).toMatchObject({ state: "paused", nextFireAt: null });
    const fired = await timers.periodic.fire(id);
    expect(await fires("periodic", "verbs")).toMatchObject([
      { fireId: fired?.fireId, version: paused?.version, outcome: "succeeded", attempts: 1 },
    ]);
    const resumed = await timers.periodic.resume(id);
    expect(resumed).toMatchObject({ state: "scheduled", nextFireAt: put.nextFireAt });
    expect(await timers.periodic.pauseAll(id)).toEqual({ changed: 1, failures: [] });
    expect(await timers.periodic.resumeAll(id)).toEqual({ changed: 1, failures: [] });

    await expect(timers.periodic.delete(id, { ifVersion: put.version })).rejects.toThrow(ConflictError);
    const stored = await timers.periodic.get(id);
    await timers.periodic.delete(id, { ifVersion: stored?.version ?? "" });
    expect(await timers.periodic.get(id)).toBeUndefined();
  });

  it("are moved to another callback by their prefix, and by a PUT, with the fires that are to come", async () => {
    const id = name("moved");
    const put = await timers.periodic.put(id, { ...daily, callback: "default" });
    expect(await timers.periodic.moveAll({ from: "default", to: callback, prefix: id })).toEqual({
      changed: 1,
      failures: [],
    });
    const moved = await timers.periodic.get(id);
    expect(moved).toMatchObject({ callback, nextFireAt: put.nextFireAt });
    const fired = await timers.periodic.fire(id);
    expect(await fires("periodic", "moved")).toMatchObject([{ fireId: fired?.fireId, version: moved?.version }]);
    // The version of before the move: claims and history are of the same fires.
    expect(fired?.fireId).toMatch(`periodic#${id}#${put.version}#now-`);
    expect(await timers.periodic.put(id, { ...daily, callback: "default" })).toMatchObject({ callback: "default" });
    expect(await timers.periodic.moveAll({ from: callback, to: "default", prefix: id })).toMatchObject({ changed: 0 });
    await timers.periodic.delete(id);
  });

  it("fire at a local time of their zone", async () => {
    const due = Math.ceil(Date.now() / SECOND) * SECOND + 8 * SECOND;
    const at = new Date(due + KOLKATA_MS).toISOString().slice(0, "2026-11-21T17:00:00".length);
    const put = await timers.oneshot.put(name("zoned"), { at, timeZone: "Asia/Kolkata", callback });
    expect(put.nextFireAt).toBe(new Date(due).toISOString());
    const [fire] = await fires("oneshot", "zoned");
    expect(fire).toMatchObject({ dueAt: put.nextFireAt, outcome: "succeeded" });
    expect(fire?.latenessMs).toBeGreaterThanOrEqual(0);
  });

  it("with overlap skip do not run while another fire runs", async () => {
    const id = name("alone");
    await timers.periodic.put(id, { ...daily, overlap: "skip", timerCallbackData: { bank: `${bankUrl}/hold` } });
    await timers.periodic.fire(id);
    await eventually(
      () => Promise.resolve(held),
      ({ length }) => length === 1,
    );
    await timers.periodic.fire(id);
    // The second is recorded while the first still runs.
    expect(await fires("periodic", "alone")).toMatchObject([{ outcome: "skipped" }]);
    expect(held).toHaveLength(1);
    for (const release of held.splice(0)) release();
    const outcomes = (await fires("periodic", "alone", 2)).map(({ outcome }) => outcome).sort();
    expect(outcomes).toEqual(["skipped", "succeeded"]);
    await timers.periodic.delete(id);
  });

  it("go to the dead letters after their last attempt; a redrive delivers them, unless they are too late by then", async () => {
    for (const id of ["retried", "late", "aged"])
      expect(await fires("oneshot", id)).toMatchObject([{ outcome: "deadLettered", attempts: 1 }]);
    expect(await timers.oneshot.get(name("unrecorded"))).toMatchObject({ state: "ended", recorded: false });
    expect(await fires("oneshot", "unrecorded", 0)).toEqual([]);
    isOpen = true;
    const { dueAt = "" } = (await fires("oneshot", "late"))[0] ?? {};
    const tooLate = Date.parse(dueAt) + (CATCH_UP_SECONDS + 1) * SECOND;
    await new Promise((wait) => setTimeout(wait, Math.max(0, tooLate - Date.now())));
    for (const [id, expected] of [
      ["retried", "succeeded"],
      ["late", "dropped"],
    ] as const) {
      const [fire] = await fires("oneshot", id);
      const { code, output } = await npmRun(
        "timers",
        "redrive",
        fire?.fireId ?? "",
        "--env",
        "local",
        ...startArguments,
      );
      expect([code, output]).toEqual([0, expect.stringContaining("sent back")]);
      await eventually(
        () => outcomeOf(id),
        (outcome) => outcome === expected,
      );
    }
  });

  it("fire although SQS answered nothing at their PUT: the dispatcher sends them", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => undefined).resume();
    });
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    try {
      Object.assign(process.env, {
        TIMERS_TABLE: outputs.table_name,
        HISTORY_TABLE: outputs.history_table_name,
        CALLBACKS: JSON.stringify({ default: { queueUrl: outputs.fires_queue_url, history: true } }),
        SHARDS: "2",
        AWS_ENDPOINT_URL_DYNAMODB: aws.endpoint,
        AWS_ENDPOINT_URL_SQS: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        AWS_ACCESS_KEY_ID: aws.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: aws.credentials.secretAccessKey,
      });
      const event = {
        httpMethod: "PUT",
        resource: "/oneshot/{id}",
        pathParameters: { id: name("silent") },
        body: JSON.stringify({ delaySeconds: 1, timerCallbackData: "egg" }),
        requestContext: { requestId: "request-1" },
      };
      // Repeated on a busy machine: a 503; and where the row's first answer is late, the dispatcher may have its fire before SQS is asked.
      const response = await eventually(
        () => api(event, lambdaContext(29_000)),
        ({ statusCode }) => statusCode !== 503 && sockets.length > 0,
      );
      expect(response).toMatchObject({ statusCode: 200 });
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
    // Of each PUT that was repeated, one.
    const silentFires = await fires("oneshot", "silent");
    expect(silentFires.filter(({ outcome }) => outcome !== "succeeded")).toEqual([]);
  });
});
