import * as z from "zod";

import { ConflictError, InvalidRequestError, TimersClient } from "../../clients/timers";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, npmRun, readSystem, startArguments } from "./support/system";

const outputsSchema = z.looseObject({ api_url: z.url() });

/** Unique to this run: the table may contain timers of another. */
const name = (id: string) => `${id}-${process.pid}`;

describe("the API of timers, deployed", () => {
  let url: string;
  let timers: TimersClient;
  let aws: ReturnType<typeof awsConfiguration>;
  beforeAll(async () => {
    const running = await readSystem();
    url = outputsSchema.parse(running.deployment?.features["timers"]).api_url;
    aws = awsConfiguration(running.endpoint);
    timers = new TimersClient({ url, ...aws });
  });
  const plain = (method: string, path: string, body?: object) =>
    signedFetch(`${url}${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) }, aws);

  it("responds to requests of the legacy timer service in its format", async () => {
    const id = name("legacy");
    const put = await plain("PUT", `/periodic/${id}`, { minuteOfHour: "5", timerCallbackData: { order: 7 } });
    const legacy = {
      id,
      shardId: expect.stringMatching(/^shard[01]$/) as unknown,
      timeShardId: `05:${id}`,
      timerCallbackData: { order: 7 },
    };
    expect([put.status, await put.json()]).toEqual([200, legacy]);
    expect(put.headers.get("access-control-allow-origin")).toBe("*");
    expect(await (await plain("GET", `/periodic/${id}`)).json()).toMatchObject(legacy);
    const deleted = await plain("DELETE", `/periodic/${id}`);
    expect([deleted.status, await deleted.text()]).toEqual([200, `"${id}"`]);
    const notFound = await plain("GET", `/periodic/${id}`);
    expect([notFound.status, await notFound.text()]).toEqual([404, `"${id}"`]);
    expect((await plain("DELETE", `/periodic/${id}`)).status).toBe(200);
    const missing = await plain("PUT", `/periodic/${id}`);
    expect([missing.status, await missing.text()]).toEqual([
      400,
      "invalid request, you are missing the parameter body",
    ]);
  }); // includes a cold start

  it("allows only CORS preflight requests without a signature", async () => {
    for (const path of ["/periodic/tea", "/oneshot/tea", "/periodic", "/batch"]) {
      const { status, headers } = await fetch(`${url}${path}`, { method: "OPTIONS" });
      const allowed = ["origin", "methods", "headers"].map((name) => headers.get(`access-control-allow-${name}`));
      expect([status, ...allowed]).toEqual([
        200,
        "*",
        "OPTIONS,GET,POST,PUT,DELETE",
        "Content-Type,Authorization,Idempotency-Key,X-Amz-Content-Sha256,X-Amz-Date,X-Amz-Security-Token",
      ]);
    }
    const unsigned = await fetch(`${url}/periodic/tea`);
    expect([unsigned.status, unsigned.headers.get("access-control-allow-origin")]).toEqual([403, "*"]);
  });

  it("puts, replaces and deletes timers of every schedule", async () => {
    const id = name("any");
    const cron = await timers.periodic.put(id, { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" });
    expect(cron).toMatchObject({
      schedule: { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" },
      lastFiredAt: null,
    });
    await expect(timers.periodic.put(id, { every: "2 hours", ifVersion: "another" })).rejects.toThrow(ConflictError);
    const replaced = await timers.periodic.put(id, { every: "2 hours", ifVersion: cron.version });
    expect(await timers.periodic.get(id)).toEqual(replaced);
    const once = await timers.oneshot.put(id, { at: "2027-01-01T00:00:00Z" });
    expect(once.nextFireAt).toBe("2027-01-01T00:00:00.000Z");
    await Promise.all([timers.periodic.delete(id), timers.oneshot.delete(id)]);
    expect([await timers.periodic.get(id), await timers.oneshot.get(id)]).toEqual([undefined, undefined]);
  });

  it("rejects invalid requests with the field and the reason", async () => {
    const put = timers.periodic.put(name("bad"), { minuteOfHour: 75 });
    await expect(put).rejects.toThrow("body.minuteOfHour: is not a minute of 0 to 59");
    await expect(timers.periodic.put("a b", {})).rejects.toThrow(InvalidRequestError);
  });

  it("puts a batch, lists it page by page, and deletes it", async () => {
    const ids = Array.from({ length: 30 }, (_, index) => name(`many:${index}`));
    const put = await timers.batch(ids.map((id) => ({ kind: "oneshot", id, put: { delaySeconds: 86_400 } })));
    expect(put.filter(({ ok }) => ok)).toHaveLength(30);
    const listed: string[] = [];
    for await (const { id } of timers.oneshot.list({ prefix: "many:", pageSize: 7 })) listed.push(id);
    expect(listed).toEqual(expect.arrayContaining(ids));
    expect(new Set(listed).size).toBe(listed.length);
    const deleted = await timers.batch(ids.map((id) => ({ kind: "oneshot", id, delete: true })));
    expect(deleted.filter(({ ok }) => ok)).toHaveLength(30);
  });

  it("is available on the command line: npx almanac timers", async () => {
    const id = name("tea");
    const run = (...args: string[]) => npmRun("timers", ...args, ...startArguments);
    expect(await run("put", id, "--every", "15 minutes", "--data", '{"tea":"green"}')).toMatchObject({
      code: 0,
      output: expect.stringMatching(/schedule +every 15 minutes\n/) as unknown,
    });
    expect((await run("ls")).output).toMatch(new RegExp(`^${id} +every 15 minutes`, "m"));
    expect(await run("rm", id)).toMatchObject({ code: 0 });
    expect(await run("get", id)).toMatchObject({
      code: 1,
      output: expect.stringContaining("has no periodic timer") as unknown,
    });
    expect(await run("put", id, "--minute", "75")).toMatchObject({ code: 2 });
  });
});
