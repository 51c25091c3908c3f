import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { readFileSync } from "node:fs";
import * as z from "zod";
import { targetsSchema } from "../../functions/heartbeats/contract";
import { readRunning } from "../../scripts/emulator/run-record";
import { homeAt } from "../../scripts/shared/home";
import { scheduledEvent } from "../support/lambda";
import { signedFetch } from "../support/signed-fetch";
import { awsConfiguration, eventually, home, npmRun, startArguments, targetsFile } from "./support/system";
import { GUARDED_PARAMETER } from "./support/targets";

const outputsSchema = z.object({
  check_function_name: z.string(),
  status_bucket_name: z.string(),
  report_url: z.string(),
  report_api_id: z.string(),
});

/** As far as it is looked at. */
const statusSchema = z.object({
  generatedAt: z.string(),
  targets: z.array(z.object({ name: z.string(), state: z.string() })),
  incidents: z.array(z.object({ target: z.string(), closedAt: z.string().nullable(), message: z.string() })),
});
type Status = z.output<typeof statusSchema>;

describe("incidents, deployed", () => {
  let outputs: z.output<typeof outputsSchema>;
  let aws: ReturnType<typeof awsConfiguration>;

  beforeAll(async () => {
    const running = await readRunning(homeAt(home));
    if (running === undefined) throw new Error("npm start has left nothing running");
    aws = awsConfiguration(running.endpoint);
    outputs = outputsSchema.parse(running.deployment?.features["heartbeats"]);
  });

  /** One more round of checks now, between those of the schedule. Returns when it ends. */
  async function round(): Promise<void> {
    const event = scheduledEvent({ source: "almanac.test", time: new Date().toISOString() });
    const { FunctionError, Payload } = await new LambdaClient(aws).send(
      new InvokeCommand({ FunctionName: outputs.check_function_name, Payload: JSON.stringify(event) }),
    );
    if (FunctionError !== undefined) throw new Error(Payload?.transformToString());
  }

  async function read(key: string): Promise<string> {
    const command = new GetObjectCommand({ Bucket: outputs.status_bucket_name, Key: key });
    return (await (await new S3Client(aws).send(command)).Body?.transformToString()) ?? "";
  }

  /** What is published once that is good. */
  const published = (isGood: (status: Status) => boolean) =>
    eventually(async () => statusSchema.parse(JSON.parse(await read("status.json"))), isGood, 30_000);

  const stateOf = ({ targets }: Status, target: string) => targets.find(({ name }) => name === target)?.state;

  it("are one, and over, where a server fails for a while and recovers", async () => {
    const moody = targetsSchema
      .parse(JSON.parse(readFileSync(targetsFile, "utf8")))
      .find(({ name }) => name === "moody");
    if (moody === undefined) throw new Error("there is no target moody");
    const answerFromNowOn = (status: number) => fetch(`${moody.url}?${status}`, { method: "PUT" });

    await answerFromNowOn(503);
    for (let failures = 0; failures < 4; failures += 1) await round();
    const during = await published((status) => stateOf(status, "moody") === "down");
    expect(during.incidents.filter(({ target }) => target === "moody")).toMatchObject([{ closedAt: null }]);

    await answerFromNowOn(200);
    for (let successes = 0; successes < 3; successes += 1) await round();
    const after = await published((status) => stateOf(status, "moody") === "up");
    const incidents = after.incidents.filter(({ target }) => target === "moody");
    expect(incidents).toEqual([
      { target: "moody", closedAt: expect.any(String) as unknown, message: "status 503, expected 200-299" },
    ]);

    const page = await eventually(
      () => read("index.html"),
      (html) => html.includes(incidents[0]?.closedAt ?? "?"),
      30_000,
    );
    expect(page.split("status 503, expected 200-299")).toHaveLength(2);
    expect(await read("badges/moody.svg")).toContain("moody: up");

    const { code, output } = await npmRun("heartbeats", "status", ...startArguments);
    expect(output).toMatch(/^moody +up +\d+ ms/m);
    expect(output).not.toMatch(/moody is down/);
    expect(code).toBe(0);
  }, 120_000);

  it("take the badge of a target away that is there no more", async () => {
    const badge = { Bucket: outputs.status_bucket_name, Key: "badges/former.svg" };
    const s3 = new S3Client(aws);
    await s3.send(new PutObjectCommand({ ...badge, Body: "<svg/>" }));
    await round();
    await eventually(
      async () => (await s3.send(new ListObjectsV2Command({ Bucket: badge.Bucket, Prefix: badge.Key }))).Contents ?? [],
      ({ length }) => length === 0,
      30_000,
    );
    expect(await read("badges/good.svg")).toContain("<svg");
  }, 60_000);

  it("do not come of a secret that could not be read, and once it can be, the target is checked", async () => {
    const before = await published((status) => stateOf(status, "guarded") !== undefined);
    expect(stateOf(before, "guarded")).toBe("unknown");
    const parameter = { Name: GUARDED_PARAMETER, Value: "Bearer e2e", Type: "SecureString" } as const;
    await new SSMClient(aws).send(new PutParameterCommand(parameter));
    await round();
    const after = await published((status) => stateOf(status, "guarded") === "up");
    expect(after.incidents.filter(({ target }) => target === "guarded")).toEqual([]);
  }, 60_000);

  describe("of jobs", () => {
    const report = (job: string) => signedFetch(`${outputs.report_url}/${job}`, { method: "POST" }, aws);

    it("have a door at an address that works", () => {
      expect(outputs.report_url).toBe(
        `${aws.endpoint}/restapis/${outputs.report_api_id}/live/_user_request_/heartbeats`,
      );
    });

    it("do not come where the job reports in, signed", async () => {
      const answer = await report("nightly-backup");
      expect(answer.status).toBe(200);
      await expect(answer.json()).resolves.toMatchObject({ job: "nightly-backup" });

      await round();
      await published((status) => stateOf(status, "nightly-backup") === "up");
      const { output } = await npmRun("heartbeats", "status", ...startArguments);
      expect(output).toMatch(/^nightly-backup +up +report \d+ s ago/m);
    }, 60_000);

    it("take no report that is not signed, nor of a job that nobody knows", async () => {
      const unsigned = await fetch(`${outputs.report_url}/nightly-backup`, { method: "POST" });
      expect(unsigned.status).toBe(403);
      expect((await report("nobody")).status).toBe(404);
    }, 30_000);
  });
});
