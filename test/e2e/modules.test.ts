/** Applies the output of `npx almanac modules` with plain Terraform, beside the environment of the same modules. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { EMULATOR_PROFILE, emulatorKeysFile } from "../../modules/constructs/emulator-keys";
import { terraform, terraformOutputs, emulatorEnvironment } from "../../scripts/terraform/terraform";
import { awsConfiguration, npmRun, readSystem } from "./support/system";

const outputsSchema = z.object({
  heartbeats: z.looseObject({ telemetry_table_name: z.string(), check_function_name: z.string() }),
});

const tick = {
  version: "0",
  id: "by-plain-terraform",
  "detail-type": "Scheduled Event",
  source: "aws.events",
  time: "2026-11-21T00:00:00Z",
  detail: {},
};

/** Override file that points the example to the emulator. */
const emulatorOverride = (endpoint: string) => ({
  provider: {
    aws: {
      profile: EMULATOR_PROFILE,
      shared_credentials_files: [emulatorKeysFile(endpoint)],
      skip_metadata_api_check: "true",
      skip_credentials_validation: true,
      s3_use_path_style: true,
    },
  },
});

describe("a module by plain Terraform", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "almanac-modules-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it("is applied from its example, works, and is destroyed", async () => {
    const { endpoint } = await readSystem();
    const written = await npmRun("modules", "local", "--out", folder);
    expect(written).toMatchObject({ code: 0 });

    const cwd = join(folder, "heartbeats", "examples", "basic");
    await writeFile(join(cwd, "emulator_override.tf.json"), JSON.stringify(emulatorOverride(endpoint)));
    const options = { cwd, environment: { ...emulatorEnvironment(), AWS_ENDPOINT_URL: endpoint } };
    await terraform(["init", "-no-color"], options);
    await terraform(["apply", "-auto-approve", "-no-color", "-parallelism=30"], options);
    try {
      const { heartbeats } = outputsSchema.parse(await terraformOutputs(options));
      expect(heartbeats.check_function_name).toBe("example-demo-heartbeats-check");
      const lambda = new LambdaClient(awsConfiguration(endpoint));
      const { FunctionError } = await lambda.send(
        new InvokeCommand({ FunctionName: heartbeats.check_function_name, Payload: JSON.stringify(tick) }),
      );
      expect(FunctionError).toBeUndefined();
      const dynamodb = new DynamoDBClient(awsConfiguration(endpoint));
      const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: heartbeats.telemetry_table_name }));
      // Not those of its own schedule.
      const checked = Items.filter(({ event }) => event?.M?.["id"]?.S === tick.id);
      expect(checked.map(({ target }) => target?.S).sort()).toEqual(["aws-emulator", "unreachable"]);
      await expect(terraform(["plan", "-detailed-exitcode", "-no-color"], options)).resolves.toContain("No changes");
    } finally {
      await terraform(["destroy", "-auto-approve", "-no-color", "-parallelism=30"], options);
    }
  });
});
