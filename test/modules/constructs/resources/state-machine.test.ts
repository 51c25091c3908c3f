import * as z from "zod";
import { jsonata } from "../../../../modules/asl/asl";
import { NodeFunction } from "../../../../modules/constructs/resources/node-function";
import { StateMachine } from "../../../../modules/constructs/resources/state-machine";
import { Table } from "../../../../modules/constructs/resources/table";
import { describePolicy, resource, synthesizeConstructs } from "../../../support/synthesized";

const { stateMachine, dynamoPut } = jsonata;

const json = synthesizeConstructs((feature) => {
  const table = new Table(feature, "table", { partitionKey: { name: "id", type: "S" } });
  const machine = new StateMachine(feature, "task", {
    bindings: { TASKS_TABLE: table.grant("PutItem") },
    definition: ({ TASKS_TABLE }) =>
      stateMachine({
        StartAt: "Put",
        TimeoutSeconds: 60,
        States: {
          Put: dynamoPut({
            Arguments: { TableName: TASKS_TABLE, Item: { id: { S: "{% $states.input.id %}" } } },
            End: true,
          }),
        },
      }),
    alarms: {
      executionFailures: { description: "Tasks fail", impact: "Tasks are FAILED.", runbook: "sample#tasks-fail" },
    },
  });
  new NodeFunction(feature, "start", {
    entry: "functions/heartbeats/publish.ts",
    environment: {
      MACHINE: machine.grant("StartExecution"),
      EXECUTIONS: machine.grantExecutions("DescribeExecution", "StopExecution"),
    },
    timeoutSeconds: 10,
    alarms: { errors: { disabled: "a sample" } },
  });
});
const machine = resource(json, "aws_sfn_state_machine", "task");

describe("a state machine", () => {
  it("is a standard one, whose definition knows what it uses by its values", () => {
    expect(machine).toMatchObject({ name: "${var.app}-${var.environment}-sample-task", type: "STANDARD" });
    expect(JSON.parse(z.string().parse(machine["definition"]))).toEqual({
      StartAt: "Put",
      TimeoutSeconds: 60,
      QueryLanguage: "JSONata",
      States: {
        Put: {
          Type: "Task",
          Resource: "arn:${data.aws_partition.partition.partition}:states:::dynamodb:putItem",
          Arguments: {
            TableName: "${aws_dynamodb_table.table.name}",
            Item: { id: { S: "{% $states.input.id %}" } },
          },
          End: true,
        },
      },
    });
  });

  it("may do what it is given, write its log and its traces, and nothing else", () => {
    expect(describePolicy(resource(json, "aws_iam_role_policy", "task_policy")["policy"])).toEqual([
      "Allow dynamodb:PutItem on ${aws_dynamodb_table.table.arn} (TasksTable)",
      "Allow logs:CreateLogDelivery, logs:DeleteLogDelivery, logs:DescribeLogGroups, logs:DescribeResourcePolicies, logs:GetLogDelivery, logs:ListLogDeliveries, logs:PutResourcePolicy, logs:UpdateLogDelivery on * (Logs)",
      "Allow xray:GetSamplingRules, xray:GetSamplingTargets, xray:PutTelemetryRecords, xray:PutTraceSegments on * (Traces)",
    ]);
  });

  it("lends its role to itself only", () => {
    expect(describePolicy(resource(json, "aws_iam_role", "task_role")["assume_role_policy"])).toEqual([
      expect.stringMatching(
        /^Allow sts:AssumeRole by \{"Service":"states\.amazonaws\.com"\} if \{"ArnEquals":\{"aws:SourceArn":".*:stateMachine:.*-sample-task"\}\}/,
      ),
    ]);
  });

  it("logs failures, without what they are about, and is traced", () => {
    expect(machine).toMatchObject({
      logging_configuration: { level: "ERROR", include_execution_data: false },
      tracing_configuration: { enabled: true },
    });
    expect(resource(json, "aws_cloudwatch_log_group", "task_log_group")).toMatchObject({ retention_in_days: 30 });
  });

  it("lets a function start it, and look at its executions, and nothing else", () => {
    const [start, executions] = describePolicy(resource(json, "aws_iam_role_policy", "start_policy")["policy"]);
    expect(start).toBe("Allow states:StartExecution on ${aws_sfn_state_machine.task.arn} (Machine)");
    expect(executions).toMatch(
      /^Allow states:DescribeExecution, states:StopExecution on arn:.*:execution:\$\{var\.app\}-\$\{var\.environment\}-sample-task:\* \(Executions\)$/,
    );
  });

  it("raises an alarm when an execution fails or runs out of time", () => {
    for (const [name, metric] of [
      ["task_executions_failed", "ExecutionsFailed"],
      ["task_executions_timed_out", "ExecutionsTimedOut"],
    ] as const) {
      expect(resource(json, "aws_cloudwatch_metric_alarm", name)).toMatchObject({
        metric_name: metric,
        dimensions: { StateMachineArn: "${aws_sfn_state_machine.task.arn}" },
      });
    }
  });
});

describe("the bindings of a state machine", () => {
  const build = (...actions: readonly ("PutItem" | "UpdateItem" | "Query")[]) =>
    synthesizeConstructs((feature) => {
      const table = new Table(feature, "table", { partitionKey: { name: "id", type: "S" } });
      new StateMachine(feature, "task", {
        bindings: { TASKS_TABLE: table.grant(...actions) },
        definition: ({ TASKS_TABLE }) =>
          stateMachine({
            StartAt: "Put",
            States: { Put: dynamoPut({ Arguments: { TableName: TASKS_TABLE, Item: { id: { S: "a" } } }, End: true }) },
          }),
        alarms: { executionFailures: { disabled: "a sample" } },
      });
    });

  it("grant what its tasks need, and nothing else", () => {
    expect(() => build("PutItem")).not.toThrow();
    expect(() => build("Query")).toThrow("a task needs dynamodb:PutItem: no binding grants it");
    expect(() => build("PutItem", "UpdateItem")).toThrow("a binding grants dynamodb:UpdateItem: no task needs it");
  });
});

it("a machine with a distributed map may start, follow and end the executions of its items; a task of another role needs no permission here", () => {
  const { pass, distributedMap, lambdaInvoke } = jsonata;
  const distributed = synthesizeConstructs((feature) => {
    new StateMachine(feature, "each", {
      bindings: {},
      definition: () =>
        stateMachine({
          StartAt: "Each",
          States: {
            Each: distributedMap({
              ExecutionType: "STANDARD",
              ItemProcessor: stateMachine({ StartAt: "In", States: { In: pass({ End: true }) } }),
              Next: "Theirs",
            }),
            Theirs: lambdaInvoke({
              Arguments: { FunctionName: "theirs" },
              Credentials: { RoleArn: "arn:aws:iam::111122223333:role/theirs" },
              End: true,
            }),
          },
        }),
      alarms: { executionFailures: { description: "Fails", impact: "None.", runbook: "sample#fails" } },
    });
  });
  const [start, end, logs] = describePolicy(resource(distributed, "aws_iam_role_policy", "each_policy")["policy"]);
  expect(start).toMatch(/^Allow states:StartExecution on arn:.*:stateMachine:.*-sample-each \(ItemExecutions\)$/);
  expect(end).toMatch(
    /^Allow states:DescribeExecution, states:RedriveExecution, states:StopExecution on arn:.*:execution:.*-sample-each:\*, arn:.*:execution:.*-sample-each\/\* \(ItemExecutionsEnds\)$/,
  );
  expect(logs).toMatch(/\(Logs\)$/);
});
