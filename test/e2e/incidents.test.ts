import { randomBytes } from "node:crypto";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { readFileSync } from "node:fs";
import * as z from "zod";
import { incidentKey, targetsSchema } from "../../functions/heartbeats/contract";
import { scheduledEvent } from "../support/lambda";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, eventually, npmRun, readSystem, startArguments, targetsFile } from "./support/system";
import { GUARDED_PARAMETER, PING_PARAMETER } from "./support/targets";

const outputsSchema = z.object({
  check_function_name: z.string(),
  status_page_bucket_name: z.string(),
  heartbeat_url: z.string(),
  heartbeat_api_id: z.string(),
});

/** The fields used here. */
const statusSchema = z.object({
  generatedAt: z.string(),
  monitors: z.array(z.object({ name: z.string(), state: z.string() })),
  incidents: z.array(z.object({ monitor: z.string(), closedAt: z.string().nullable(), message: z.string() })),
});
type Status = z.output<typeof statusSchema>;

const incidentsSchema = z.object({ incidents: z.array(z.object({ id: z.string(), monitor: z.string() })) });

describe("incidents, deployed", () => {
  let outputs: z.output<typeof outputsSchema>;
  let aws: ReturnType<typeof awsConfiguration>;

  beforeAll(async () => {
    const running = await readSystem();
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["heartbeats"]);
  });

  /** Invokes the checker once, besides its schedule. */
  async function check(): Promise<void> {
    const event = scheduledEvent({ source: "almanac.test", time: new Date().toISOString() });
    const { FunctionError, Payload } = await new LambdaClient(aws).send(
      new InvokeCommand({ FunctionName: outputs.check_function_name, Payload: JSON.stringify(event) }),
    );
    if (FunctionError !== undefined) throw new Error(Payload?.transformToString());
  }

  async function read(key: string): Promise<string> {
    const command = new GetObjectCommand({ Bucket: outputs.status_page_bucket_name, Key: key });
    return (await (await new S3Client(aws).send(command)).Body?.transformToString()) ?? "";
  }

  /** Waits for a published status that satisfies the condition. */
  const published = (condition: (status: Status) => boolean) =>
    eventually(async () => statusSchema.parse(JSON.parse(await read("status.json"))), condition);

  /** The same, with further checks: where this machine is too busy to judge a target, a later one counts. */
  const checkedUntil = (condition: (status: Status) => boolean) =>
    eventually(async () => {
      await check();
      return statusSchema.parse(JSON.parse(await read("status.json")));
    }, condition);

  const stateOf = ({ monitors }: Status, monitor: string) => monitors.find(({ name }) => name === monitor)?.state;

  it("open and close once where a server fails for a while and recovers", async () => {
    const moody = targetsSchema
      .parse(JSON.parse(readFileSync(targetsFile, "utf8")))
      .find(({ name }) => name === "moody");
    if (moody === undefined) throw new Error("no target moody");
    const setStatus = (status: number) => fetch(`${moody.url}?${status}`, { method: "PUT" });

    await setStatus(503);
    const during = await checkedUntil((status) => stateOf(status, "moody") === "down");
    expect(during.incidents.filter(({ monitor }) => monitor === "moody")).toMatchObject([{ closedAt: null }]);

    const open = await npmRun("incidents", "ls", "--open", "--json", ...startArguments);
    const id =
      incidentsSchema.parse(JSON.parse(open.output)).incidents.find(({ monitor }) => monitor === "moody")?.id ?? "";
    const say = (verb: string, ...words: readonly string[]) =>
      npmRun("incidents", verb, id, ...words, ...startArguments);
    expect(
      await npmRun(
        "incidents",
        "update",
        id,
        "We are looking into it.",
        "--status",
        "investigating",
        ...startArguments,
      ),
    ).toMatchObject({ code: 0 });
    const refused = await say("resolve", "All is well.");
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.output).toContain("moody is still down");

    await setStatus(200);
    const after = await checkedUntil((status) => stateOf(status, "moody") === "up");
    const incidents = after.incidents.filter(({ monitor }) => monitor === "moody");
    expect(incidents).toEqual([
      { monitor: "moody", closedAt: expect.any(String) as unknown, message: "status 503, expected 200-299" },
    ]);

    expect(await npmRun("incidents", "resolve", id, "A disk was full.", ...startArguments)).toMatchObject({ code: 0 });
    const incidentPage = await eventually(
      () => read(incidentKey(id)),
      (html) => html.includes("A disk was full."),
    );
    expect(incidentPage).toContain("We are looking into it.");
    expect(await read("feed.xml")).toContain("We are looking into it.");
    expect(JSON.parse(await read("feed.json"))).toMatchObject({ version: "https://jsonfeed.org/version/1.1" });

    const page = await eventually(
      () => read("index.html"),
      (html) => html.includes(incidents[0]?.closedAt ?? "?"),
    );
    expect(page.split("status 503, expected 200-299")).toHaveLength(2);
    expect(await read("badges/moody.svg")).toContain("moody: up");

    const { code, output } = await npmRun("heartbeats", "status", ...startArguments);
    expect(output).toMatch(/^moody +up +\d+ ms/m);
    expect(output).not.toMatch(/moody is down/);
    expect(code).toBe(0);
  });

  it("are in the report of their month, which is CSV that a spreadsheet reads", async () => {
    const month = new Date().toISOString().slice(0, 7);
    const { code, output } = await npmRun("heartbeats", "report", "--csv", "--month", month, ...startArguments);
    expect(code).toBe(0);
    const lines = output.split("\r\n");
    expect(lines[0]).toMatch(/^monitor,title,uptime,.*,p95Ms$/);
    expect(lines.find((line) => line.startsWith("moody,"))).toMatch(/^moody,[^,]+(,[\d.]*){9}$/);
    expect(lines.at(-1)).toBe("");
  });

  it("remove the badge of a removed monitor", async () => {
    const badge = { Bucket: outputs.status_page_bucket_name, Key: "badges/former.svg" };
    const s3 = new S3Client(aws);
    await s3.send(new PutObjectCommand({ ...badge, Body: "<svg/>" }));
    await check();
    await eventually(
      async () => (await s3.send(new ListObjectsV2Command({ Bucket: badge.Bucket, Prefix: badge.Key }))).Contents ?? [],
      ({ length }) => length === 0,
    );
    expect(await read("badges/good.svg")).toContain("<svg");
  });

  it("do not open for an unreadable secret, and the target is checked once it is readable", async () => {
    const before = await published((status) => stateOf(status, "guarded") !== undefined);
    expect(stateOf(before, "guarded")).toBe("unknown");
    const parameter = { Name: GUARDED_PARAMETER, Value: "Bearer e2e", Type: "SecureString" } as const;
    await new SSMClient(aws).send(new PutParameterCommand(parameter));
    const after = await checkedUntil((status) => stateOf(status, "guarded") === "up");
    expect(after.incidents.filter(({ monitor }) => monitor === "guarded")).toEqual([]);
  });

  describe("of cron monitors", () => {
    const sendHeartbeat = (name: string) => signedFetch(`${outputs.heartbeat_url}/${name}`, { method: "POST" }, aws);

    it("have an API at a working address", () => {
      expect(outputs.heartbeat_url).toBe(
        `${aws.endpoint}/restapis/${outputs.heartbeat_api_id}/live/_user_request_/heartbeats`,
      );
    });

    it("do not open where the job sends signed heartbeats", async () => {
      const response = await sendHeartbeat("nightly-backup");
      expect(response.status).toBe(200);
      await expect(response.json()).resolves.toMatchObject({ monitor: "nightly-backup" });

      await check();
      await published((status) => stateOf(status, "nightly-backup") === "up");
      const { output } = await npmRun("heartbeats", "status", ...startArguments);
      expect(output).toMatch(/^nightly-backup +up +heartbeat \d+ s ago/m);
    });

    it("take pings of a job that cannot sign, at a URL with a token", async () => {
      const Value = randomBytes(32).toString("hex");
      const parameter = { Name: PING_PARAMETER, Value, Type: "SecureString", Overwrite: true } as const;
      await new SSMClient(aws).send(new PutParameterCommand(parameter));
      const { output } = await npmRun("heartbeats", "ping-url", "nightly-backup", ...startArguments);
      const url = output.trim().split("\n").at(-1) ?? "";
      // As curl --retry does.
      await eventually(
        () => fetch(`${url}/start`),
        ({ ok }) => ok,
      );
      const failed = await fetch(`${url}/3`, { method: "POST", body: "the disk is full" });
      expect(await failed.json()).toMatchObject({ monitor: "nightly-backup", event: "fail" });
      await check();
      await published((status) => stateOf(status, "nightly-backup") === "down");
      const job = await npmRun("heartbeats", "job", "nightly-backup", ...startArguments);
      expect(job.output).toContain("nightly-backup: failed");
      expect(job.output).toContain("exit code     3");
      expect(job.output).toContain("the disk is full");
      expect((await fetch(url)).status).toBe(200);
      await check();
      await published((status) => stateOf(status, "nightly-backup") === "up");
      const wrong = await fetch(url.replace("nightly-backup", "unknown"));
      expect(wrong.status).toBe(404);
    });

    it("accept no unsigned heartbeat, and none of an unknown cron monitor", async () => {
      const unsigned = await fetch(`${outputs.heartbeat_url}/nightly-backup`, { method: "POST" });
      expect(unsigned.status).toBe(403);
      expect((await sendHeartbeat("unknown")).status).toBe(404);
    });
  });
});
