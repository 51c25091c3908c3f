/** The history of executions on the emulator: of states within states, as on AWS. */
import { setTimeout as pause } from "node:timers/promises";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import { bareEmulator, type BareEmulator } from "./support/bare-emulator";
import { awsConfiguration } from "./support/system";

let emulator: BareEmulator;
beforeAll(async () => {
  emulator = await bareEmulator();
});
afterAll(() => emulator.close());

const mapOf = (processorConfig: object) => ({
  Type: "Map",
  ItemProcessor: { ProcessorConfig: processorConfig, StartAt: "Item", States: { Item: { Type: "Pass", End: true } } },
  Items: [1, 2],
});

const DEFINITION = JSON.stringify({
  QueryLanguage: "JSONata",
  StartAt: "Both",
  States: {
    Both: {
      Type: "Parallel",
      Branches: [
        {
          StartAt: "One",
          States: { One: { Type: "Pass", Output: 1, Next: "Rest" }, Rest: { Type: "Wait", Seconds: 0, End: true } },
        },
        { StartAt: "Each", States: { Each: { ...mapOf({ Mode: "INLINE" }), End: true } } },
      ],
      Next: "Distributed",
    },
    Distributed: { ...mapOf({ Mode: "DISTRIBUTED", ExecutionType: "STANDARD" }), Next: "Done" },
    Done: { Type: "Succeed" },
  },
});

it("has the states of branches and of items, each after what led to it, and none of a distributed map", async () => {
  const aws = awsConfiguration(emulator.endpoint);
  const [iam, sfn] = [new IAMClient(aws), new SFNClient(aws)];
  const trust = { Version: "2012-10-17", Statement: [] };
  const { Role } = await iam.send(
    new CreateRoleCommand({ RoleName: "nested", AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  const machine = { name: "nested", definition: DEFINITION, roleArn: Role?.Arn ?? "" };
  const { stateMachineArn } = await sfn.send(new CreateStateMachineCommand(machine));
  const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn }));
  let status: string | undefined = "RUNNING";
  while (status === "RUNNING") {
    await pause(50);
    ({ status } = await sfn.send(new DescribeExecutionCommand({ executionArn })));
  }
  expect(status).toBe("SUCCEEDED");

  const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const nameOf = ({ type, ...event }: (typeof events)[number]) =>
    `${(event.stateEnteredEventDetails ?? event.stateExitedEventDetails)?.name ?? ""} ${/Entered|Exited/.exec(type ?? "")?.[0] ?? type}`.trim();
  const byId = new Map(events.map((event) => [event.id, nameOf(event)]));
  const led = events.map((event) => `${byId.get(event.previousEventId) ?? "-"} > ${nameOf(event)}`);
  expect(led).toEqual(
    expect.arrayContaining([
      ...["Both Entered > One Entered", "One Entered > One Exited", "One Exited > Rest Entered"],
      ...["Both Entered > Each Entered", "Each Entered > Item Entered", "Item Entered > Item Exited"],
      ...["Each Entered > Each Exited", "Both Entered > Both Exited", "Both Exited > Distributed Entered"],
    ]),
  );
  expect(led.filter((each) => each.endsWith("Item Entered"))).toHaveLength(2);
  const one = events.find((event) => nameOf(event) === "One Exited");
  expect(one?.stateExitedEventDetails?.output).toBe("1");
});
