/** Executions on the emulator as on AWS: their history, of states within states, and the tokens that they wait for. */
import { setTimeout as pause } from "node:timers/promises";
import { CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { advanceClock, readClock } from "../../scripts/emulator/clock";
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

async function machine(name: string, definition: string) {
  const aws = awsConfiguration(emulator.endpoint);
  const [iam, sfn] = [new IAMClient(aws), new SFNClient(aws)];
  const trust = { Version: "2012-10-17", Statement: [] };
  const role = new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) });
  const { Role } = await iam.send(role);
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({ name, definition, roleArn: Role?.Arn ?? "" }),
  );
  const start = async () => (await sfn.send(new StartExecutionCommand({ stateMachineArn }))).executionArn;
  const ended = async (executionArn: string | undefined) => {
    for (;;) {
      const execution = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (execution.status !== "RUNNING") return execution;
      await pause(50);
    }
  };
  return { sfn, start, ended };
}

it("has the states of branches and of items, each after what led to it, and none of a distributed map", async () => {
  const { sfn, start, ended } = await machine("nested", DEFINITION);
  const { executionArn, status } = await ended(await start());
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

const waitingFor = (QueueUrl: string | undefined) =>
  JSON.stringify({
    QueryLanguage: "JSONata",
    StartAt: "Ask",
    States: {
      Ask: {
        Type: "Task",
        Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Arguments: { QueueUrl, MessageBody: "{% $states.context.Task.Token %}" },
        TimeoutSeconds: 600,
        End: true,
      },
    },
  });

/** A machine whose executions wait for the token that each sends to a queue. */
async function waitingMachine(name: string) {
  const sqs = new SQSClient(awsConfiguration(emulator.endpoint));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { sfn, start, ended } = await machine(name, waitingFor(QueueUrl));
  const asked = async () => {
    const executionArn = await start();
    for (;;) {
      const { Messages: [message] = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
      if (message === undefined) continue;
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
      return { executionArn, taskToken: message.Body };
    }
  };
  return { sfn, asked, ended };
}

it("accepts a token once, and none of an execution that was stopped", async () => {
  const { sfn, asked, ended } = await waitingMachine("waiting");
  const success = (taskToken?: string) => sfn.send(new SendTaskSuccessCommand({ taskToken, output: "1" }));
  const gone = { name: "TaskTimedOut", message: "Task Timed Out: 'Provided task does not exist anymore'" };

  const answered = await asked();
  await sfn.send(new SendTaskHeartbeatCommand({ taskToken: answered.taskToken }));
  await success(answered.taskToken);
  await expect(success(answered.taskToken)).rejects.toMatchObject(gone);
  await expect(ended(answered.executionArn)).resolves.toMatchObject({ status: "SUCCEEDED", output: "1" });

  const stopped = await asked();
  await sfn.send(new StopExecutionCommand({ executionArn: stopped.executionArn }));
  await expect(success(stopped.taskToken)).rejects.toMatchObject(gone);
  await expect(sfn.send(new SendTaskFailureCommand({ taskToken: stopped.taskToken }))).rejects.toMatchObject(gone);
  await expect(sfn.send(new SendTaskHeartbeatCommand({ taskToken: stopped.taskToken }))).rejects.toMatchObject(gone);
  await expect(ended(stopped.executionArn)).resolves.toMatchObject({ status: "ABORTED" });

  await expect(success("none")).rejects.toMatchObject({ name: "InvalidToken" });
});

it("times a wait for a token out by the clock, and ends it with an execution that is stopped", async () => {
  const { sfn, asked, ended } = await waitingMachine("patient");
  const stopped = await asked();
  await sfn.send(new StopExecutionCommand({ executionArn: stopped.executionArn }));
  const waiting = await asked();

  const { nowMs } = await readClock(emulator.endpoint);
  await advanceClock(emulator.endpoint, nowMs + 15 * 60_000);
  await expect(ended(waiting.executionArn)).resolves.toMatchObject({ status: "FAILED", error: "States.Timeout" });
  await expect(ended(stopped.executionArn)).resolves.toMatchObject({ status: "ABORTED" });
});
