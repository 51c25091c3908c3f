/** The commands of timers, from their words to their output: through the client and the routes of the API, over a table in memory. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as bodyOf } from "node:stream/consumers";
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { mockClient } from "aws-sdk-client-mock";
import type { Command } from "commander";
import { errorResponse } from "../../../../functions/shared/handlers/rest-handler";
import { scopeOf } from "../../../../functions/shared/handlers/scopes";
import { jsonText } from "../../../../functions/shared/json-text";
import { timerRoutes, type TimerPorts } from "../../../../functions/timers/api/routes";
import { command as audit } from "../../../../scripts/commands/timers/audit";
import { command as fire } from "../../../../scripts/commands/timers/fire";
import { command as fires } from "../../../../scripts/commands/timers/fires";
import { command as get } from "../../../../scripts/commands/timers/get";
import { command as ls } from "../../../../scripts/commands/timers/ls";
import { command as move } from "../../../../scripts/commands/timers/move";
import { command as pause } from "../../../../scripts/commands/timers/pause";
import { command as preview } from "../../../../scripts/commands/timers/preview";
import { command as put } from "../../../../scripts/commands/timers/put";
import { command as redrive } from "../../../../scripts/commands/timers/redrive";
import { command as resume } from "../../../../scripts/commands/timers/resume";
import { command as rm } from "../../../../scripts/commands/timers/rm";
import { UsageError } from "../../../../scripts/shared/terminal/command-line";
import { fakeTimers, type FakeTimers } from "../../../support/fake-timers";

const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/fires";

const COMMANDS: Readonly<Record<string, () => Command>> = {
  ...{ audit, fire, fires, get, ls, move, pause },
  ...{ preview, put, redrive, resume, rm },
};

let url = "";
jest.mock("../../../../scripts/environments/deployed", () => ({
  findDeployed: () =>
    Promise.resolve({
      name: "staging",
      features: { timers: { api_url: url, fires_queue_url: QUEUE, fires_dead_letter_queue_url: `${QUEUE}-dead` } },
      aws: { region: "eu-central-1", credentials: { accessKeyId: "id", secretAccessKey: "secret" } },
    }),
}));

const NOW = Date.parse("2026-11-21T06:55:30.250Z");

describe("npx almanac timers", () => {
  let server: Server;
  let fake: FakeTimers;
  let now: number;
  const printed: string[] = [];
  beforeEach(async () => {
    fake = fakeTimers();
    now = NOW;
    printed.length = 0;
    for (const method of ["log", "error"] as const)
      jest.spyOn(console, method).mockImplementation((...line: readonly unknown[]) => {
        printed.push(line.join(" "));
      });
    let versions = 0;
    const ports: TimerPorts = {
      ...fake,
      cursors: { get: () => Promise.resolve(new Map([["shard0", { cursor: now + 120_000 }]])) },
      now: () => now,
      newVersion: () => `v${++versions}`,
      shards: 1,
      onFailure: () => undefined,
    };
    server = createServer((request, response) => {
      void answer(request, ports).then(({ status = 200, body }) => {
        response.writeHead(status).end(jsonText(body));
      });
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`;
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    process.exitCode = undefined;
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  async function run(...words: readonly string[]): Promise<readonly [code: unknown, output: string]> {
    printed.length = 0;
    await COMMANDS[words[0] ?? ""]?.().exitOverride().parseAsync(words.slice(1), { from: "user" });
    return [process.exitCode, printed.join("\n")];
  }

  it("put, get, ls and rm", async () => {
    expect(await run("put", "tea", "--every", "15 minutes", "--catch-up", "latest", "--max-age", "2h")).toEqual([
      0,
      expect.stringMatching(/^schedule +every 15 minutes\n/),
    ]);
    expect(await run("get", "tea")).toEqual([
      0,
      expect.stringMatching(/catchUp +latest\n(.*\n)*retry +\{"maxAgeSeconds":7200\}/),
    ]);
    expect(await run("ls", "--state", "scheduled")).toEqual([0, expect.stringMatching(/^tea +every 15 minutes/m)]);
    expect(await run("ls", "--state", "paused")).toEqual([0, "no periodic timers"]);
    expect(await run("rm", "tea", "tea")).toEqual([0, "1 deleted, or did not exist"]);
    await expect(run("get", "tea")).rejects.toThrow('staging has no periodic timer "tea".');
  });

  it("put says so when somebody else has changed the timer, or deleted it", async () => {
    await run("put", "tea", "--every", "1 day");
    await run("put", "tea", "--every", "2 days");
    const late = () => run("put", "tea", "--every", "3 days", "--if-version", "v1");
    const changed = /^tea was changed or deleted after .* Nothing was written\. .*: npx almanac timers get tea$/;
    await expect(late()).rejects.toThrow(changed);
    await run("rm", "tea");
    await expect(late()).rejects.toThrow(changed);
    await run("put", "egg", "--in", "1h");
    await expect(run("put", "egg", "--in", "2h", "--if-version", "v1")).rejects.toThrow(/timers get egg --once$/);
  });

  it.each([
    ["move --from default --to nope", "--to: is not one of default, billing"],
    ["move --from default --to default", "--to: is not another callback than --from"],
    ["move --from Default --to billing", "--from: is not the name of a callback"],
    ["put tea --callback nope", "--callback: is not one of default, billing"],
    ["put te/a --every 1h", '"te/a" is not a valid id'],
    ["put tea --minute 75", "--minute: is not a minute of 0 to 59"],
    ["put tea --every 5s", "--every: is not 1 minute to 365 days"],
    ["put tea --every soon", "--every: is not a period"],
    ["put tea --cron 0", "--cron: "],
    ["put tea --cron 0_9_*_*_?_2020", "--cron: the timer would never fire"],
    ["put tea --every 1h --start 2027-01-02T00:00:00Z --end 2027-01-01T00:00:00Z", "--end: is before --start"],
    ["put tea --every 1h --max-attempts 0", "--max-attempts: is not "],
    ["put tea --every 1h --catch-up 900d", "--catch-up: is not "],
    ["put tea --every 1h --jitter 301", "--jitter: is not "],
    ["put tea --every 1h --shard 1", "--shard: is not shard0 to shard999"],
    ["put tea --at noon", "--at: is not a time"],
    ["put tea --at 2027-01-01T00:00 --time-zone Nowhere", "--time-zone: is not an IANA time zone"],
    ["put tea --in 9999999d", "--in: is not "],
    ["preview tea --every 5s", "--every: is not 1 minute to 365 days"],
    ["preview tea --count 101", "--count: is not 1 to 100"],
    ["get te/a", '"te/a" is not a valid id'],
    ["pause te/a", '"te/a" is not a valid id'],
    ["pause --prefix te/a", "--prefix: is not the beginning of an id"],
    ["ls --prefix te/a", "--prefix: is not the beginning of an id"],
    ["ls --due-before soon", "--due-before: is not a time"],
    ["ls --callback Nope!", "--callback: is not the name of a callback"],
    ["fires te/a", '"te/a" is not a valid id'],
    ["audit --since 8d", "--since: is not 1 to 604800 seconds"],
    ["audit --late 8d", "--late: is not 1 to 604800 seconds"],
  ])("%s: names the option, not the field of the API", async (line, message) => {
    await run("put", "egg", "--every", "1 day");
    const words = line.split(" ").map((word) => word.replaceAll("_", " "));
    const error: unknown = await run(...words).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(`UsageError: ${message}`);
    expect(String(error)).not.toMatch(/body|query|path/);
  });

  it("fire and rm, too", async () => {
    await run("put", "tea", "--every", "1 day");
    await expect(run("fire", "tea", "--again", "periodic#tea#v9#now-1")).rejects.toThrow(/^--again: is not a fire/);
    const [code, output] = await run("rm", "te/a", "tea");
    expect([code, output]).toEqual([1, expect.stringMatching(/^te\/a: <id>: .*\n1 deleted/)]);
  });

  it("ls of one callback", async () => {
    await run("put", "tea", "--every", "1 day");
    await run("put", "invoice", "--every", "1 day", "--callback", "billing");
    const ids = (output: string) => [...output.matchAll(/^\S+(?= +every)/gm)].map(([id]) => id);
    expect(ids((await run("ls"))[1]).sort()).toEqual(["invoice", "tea"]);
    expect(ids((await run("ls", "--callback", "billing"))[1])).toEqual(["invoice"]);
    expect(ids((await run("ls", "--callback", "default"))[1])).toEqual(["tea"]);
  });

  it("fire, now or again, also one that fires once", async () => {
    await run("put", "tea", "--every", "1 day");
    const [code, output] = await run("fire", "tea");
    expect([code, output]).toEqual([0, expect.stringMatching(/^sent: periodic#tea#v1#now-/)]);
    expect(await run("fire", "tea", "--again", output.replace("sent: ", ""))).toEqual([0, output]);
    await run("put", "egg", "--in", "1h");
    expect(await run("fire", "egg", "--once", "--json")).toEqual([0, expect.stringContaining('"dueAt":"2026-11-21T')]);
    expect(fake.sent.map(({ id }) => id)).toEqual(["tea", "tea", "egg"]);
    await expect(run("fire", "egg")).rejects.toThrow('staging has no periodic timer "egg".');
  });

  it.each([
    ["pause", "paused", "1 paused"],
    ["resume", "scheduled", "1 resumed"],
  ])("%s one, or all with a prefix", async (verb, state, all) => {
    const disabled = verb === "resume" ? ["--disabled"] : [];
    for (const id of ["tea", "report-1", "milk"]) await run("put", id, ...disabled);
    expect(await run(verb, "tea")).toEqual([0, expect.stringMatching(new RegExp(`^state +${state}$`, "m"))]);
    expect(await run(verb, "--prefix", "report-")).toEqual([0, all]);
    expect(await run("ls", "--state", state, "--json")).toEqual([
      0,
      expect.stringMatching(/"report-1".*"tea"|"tea".*"report-1"/),
    ]);
    await expect(run(verb, "egg")).rejects.toThrow('staging has no periodic timer "egg".');
    await expect(run(verb)).rejects.toThrow(UsageError);
    await expect(run(verb, "tea", "--prefix", "report-")).rejects.toThrow(UsageError);
    // Of an unset variable: all timers.
    await expect(run(verb, "--prefix", "")).rejects.toThrow("It is empty.");
  });

  it("move those of a callback to another, and those that are left when it runs again", async () => {
    for (const id of ["tea", "report-1", "report-2"]) await run("put", id, "--every", "1 day", "--callback", "billing");
    const move = ["move", "--from", "billing", "--to", "default"];
    expect(await run(...move, "--prefix", "report-")).toEqual([0, "2 moved"]);
    expect(await run("ls", "--callback", "billing")).toEqual([0, expect.stringMatching(/^tea /m)]);
    expect(await run(...move, "--json")).toEqual([0, '{"changed":1,"failures":[]}']);
    expect(await run(...move)).toEqual([0, "0 moved"]);
    expect(await run(...move, "--once")).toEqual([0, "0 moved"]);
    await expect(run("move", "--from", "billing", "--to", "shipping")).rejects.toThrow(
      "--to: is not one of default, billing",
    );
  });

  it("preview one that exists, or one that does not", async () => {
    await run("put", "tea", "--every", "15 minutes");
    expect(await run("preview", "tea", "--count", "2")).toEqual([
      0,
      "2026-11-21T07:10:30.000Z\n2026-11-21T07:25:30.000Z",
    ]);
    expect(await run("preview", "new", "--cron", "0 9 L * ? *", "--count", "1", "--json")).toEqual([
      0,
      '["2026-11-30T09:00:00.000Z"]',
    ]);
    await run("put", "egg", "--in", "1m");
    now += 300_000;
    expect(await run("preview", "egg", "--once")).toEqual([0, "it does not fire any more"]);
    await expect(run("preview", "milk")).rejects.toThrow('staging has no periodic timer "milk".');
  });

  it.each(["ls", "audit"])("%s says which timers cannot be read, and fails", async (command) => {
    await run("put", "tea", "--every", "1 day");
    const { list } = fake.table;
    const error = new Error('row "periodic#milk": has no valid cron and timeZone');
    jest.spyOn(fake.table, "list").mockImplementation(async (range, ...others) => {
      const isFirst = "partition" in range && range.partition === 0 && range.kind === "periodic";
      const page = await list(range, ...others);
      return { ...page, corrupt: isFirst ? [{ kind: "periodic", id: "milk", error }] : [] };
    });
    const [code, output] = await run(command);
    expect(output.split("\n")).toContain(
      'milk cannot be read, and does not fire (row "periodic#milk": has no valid cron and timeZone): put it again, or delete it.',
    );
    expect([code, output.includes("no faults")]).toEqual([1, false]);
    jest.mocked(fake.table.list).mockImplementation(list);
    expect(await run(command)).toEqual([0, expect.not.stringContaining("milk")]);
  });

  it("fires and audit: what was observed, and what is missing", async () => {
    await run("put", "tea", "--every", "15 minutes");
    await run("put", "unseen", "--every", "15 minutes", "--no-history");
    now += 40 * 60_000;
    expect(await run("fires", "tea")).toEqual([
      0,
      'no recorded fires of a periodic timer "tea" in the last seven days',
    ]);
    const due = Date.parse("2026-11-21T07:10:30Z");
    const fireId = "periodic#tea#v1#2026-11-21T07:10:30.000Z";
    const observed = { fireId, version: "v1", due, firedAt: due + 40, durationMs: 5, attempts: 1 } as const;
    fake.recorded.push({ kind: "periodic", id: "tea", outcome: "succeeded", ...observed });
    const before = { ...observed, fireId: `${fireId}-before`, due: due - 1 };
    fake.recorded.push({ kind: "periodic", id: "tea", outcome: "failed", ...before, version: "v0" });
    expect(await run("fires", "tea", "--limit", "1")).toEqual([0, expect.stringMatching(/40 +1 +succeeded$/)]);
    await run("put", "egg", "--in", "1m");
    now += 5 * 60_000;
    const [code, report] = await run("audit", "--since", "2h");
    expect(code).toBe(1);
    expect(report).toContain("2 timers: 3 fires expected, 1 observed");
    expect(report).toContain("1 timers are not recorded");
    expect(report).toContain("egg: missing: due 2026-11-21T07:36:30.250Z");
    expect(report).toContain("tea: missing: due 2026-11-21T07:25:30.000Z");
    expect((await run("audit", "--prefix", "none"))[1]).toBe("0 timers: 0 fires expected, 0 observed\nno faults");
    await expect(run("audit", "--since", "soon")).rejects.toThrow(UsageError);
  });

  it("redrive one dead fire, and no other", async () => {
    const message = (fireId: string) => ({
      MessageId: fireId,
      ReceiptHandle: fireId,
      Body: "{}",
      MessageAttributes: { fireId: { DataType: "String", StringValue: fireId } },
    });
    const sqs = mockClient(SQSClient);
    const dead = () =>
      sqs
        .on(ReceiveMessageCommand)
        .resolvesOnce({ Messages: [message("a"), message("b")] })
        .resolves({});
    dead();
    expect((await run("redrive", "b"))[0]).toBe(0);
    expect(
      sqs
        .commandCalls(SendMessageCommand)
        .map(({ args: [{ input }] }) => input.MessageAttributes?.["fireId"]?.StringValue),
    ).toEqual(["b"]);
    expect(sqs.commandCalls(DeleteMessageCommand).map(({ args: [{ input }] }) => input.ReceiptHandle)).toEqual(["b"]);
    dead();
    await expect(run("redrive", "c")).rejects.toThrow('no dead-letter queue of timers in staging has the fire "c".');
    sqs.restore();
  });
});

async function answer(request: IncomingMessage, ports: TimerPorts) {
  const text = await bodyOf(request);
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://api");
  const [kind = "", id, verb] = pathname.replace("/live/", "").split("/").map(decodeURIComponent);
  const route = `${request.method ?? ""} /${[kind, ...(id === undefined ? [] : ["{id}"]), ...(verb === undefined ? [] : ["{verb}"])].join("/")}`;
  const endpoint = Object.entries(timerRoutes(ports)).find(([name]) => name === route)?.[1];
  if (endpoint === undefined) return { status: 404, body: "no route" };
  try {
    return await endpoint({
      scope: scopeOf(undefined, undefined),
      path: { ...(id !== undefined && { id }), ...(verb !== undefined && { verb }) },
      query: Object.fromEntries(searchParams),
      headers: { "idempotency-key": String(request.headers["idempotency-key"] ?? "none") },
      deadline: ports.now() + 29_000,
      body: text === "" ? undefined : (JSON.parse(text) as unknown),
      text,
    });
  } catch (error) {
    return errorResponse(error);
  }
}
