import { jsonata, jsonpath } from "../../../modules/asl/asl";
import { mermaidOf } from "../../support/mermaid";
import { aslFaultsOf } from "../../support/asl-faults";

/** One of everything, in each language. */
const everyJsonataState = (() => {
  const { stateMachine, pass, wait, choice, succeed, fail, map, parallel, task, ...calls } = jsonata;
  const { dynamoPut, dynamoUpdate, dynamoGet, lambdaInvoke, sqsSend, startExecution } = calls;
  const one = stateMachine({ StartAt: "One", States: { One: pass({ End: true }) } });
  const two = stateMachine({ StartAt: "Two", States: { Two: pass({ End: true }) } });
  const three = stateMachine({ StartAt: "Three", States: { Three: pass({ End: true }) } });
  const Key = { id: { S: "{% $states.input.id %}" } };
  const Catch = [{ ErrorEquals: ["States.ALL"], Output: "{% $states.errorOutput %}", Next: "Failed" }] as const;
  return stateMachine({
    Comment: "One of everything",
    StartAt: "Put",
    TimeoutSeconds: 3_600,
    States: {
      Put: dynamoPut({
        Arguments: { TableName: "tasks", Item: Key },
        Output: "{% $states.input %}",
        Next: "Pause",
        Catch,
      }),
      Pause: wait({ Seconds: "{% $states.input.seconds %}", Next: "Work" }),
      Work: lambdaInvoke({
        Arguments: { FunctionName: "work", Payload: "{% $states.input %}" },
        Retry: [{ ErrorEquals: ["Lambda.TooManyRequestsException"], MaxAttempts: 5, JitterStrategy: "FULL" }],
        TimeoutSeconds: 60,
        Assign: { found: "{% $states.result.Payload %}" },
        Next: "Many?",
        Catch,
      }),
      "Many?": choice({
        Choices: [{ Condition: "{% $found.many = true %}", Next: "Each", Comment: "found many" }],
        Default: "Beside",
      }),
      Each: map({ Items: "{% $found.items %}", MaxConcurrency: 2, ItemProcessor: one, Next: "Update" }),
      Beside: parallel({ Branches: [two, three], Next: "Update" }),
      Update: dynamoUpdate({
        Arguments: {
          TableName: "tasks",
          Key: { id: { S: "a" } },
          UpdateExpression: "SET #s = :done",
          ExpressionAttributeNames: { "#s": "status" },
          ExpressionAttributeValues: { ":done": { S: "DONE" } },
        },
        Next: "Get",
      }),
      Get: dynamoGet({ Arguments: { TableName: "tasks", Key: { id: { S: "a" } } }, Next: "Send" }),
      Send: sqsSend({ Arguments: { QueueUrl: "https://queue", MessageBody: { id: "a" } }, Next: "Start" }),
      Start: startExecution({
        Arguments: { StateMachineArn: "arn:aws:states:eu-central-1:000000000000:stateMachine:other" },
        Next: "Own",
      }),
      Own: task({
        Resource: "arn:aws:states:::sns:publish",
        Arguments: { TopicArn: "arn:aws:sns:eu-central-1:000000000000:news", Message: "done" },
        Next: "Done",
      }),
      Done: succeed(),
      Failed: fail({ Error: "Mine", Cause: "{% $states.input.Cause %}" }),
    },
  });
})();

const everyJsonpathState = (() => {
  const { stateMachine, pass, wait, choice, succeed, fail, map, parallel, dynamoPut, lambdaInvoke } = jsonpath;
  const one = stateMachine({ StartAt: "One", States: { One: pass({ End: true }) } });
  const two = stateMachine({ StartAt: "Two", States: { Two: pass({ End: true }) } });
  const three = stateMachine({ StartAt: "Three", States: { Three: pass({ End: true }) } });
  return stateMachine({
    StartAt: "Put",
    States: {
      Put: dynamoPut({
        Parameters: { TableName: "tasks", Item: { id: { "S.$": "$.id" } } },
        ResultPath: null,
        Next: "Pause",
        Catch: [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Failed" }],
      }),
      Pause: wait({ SecondsPath: "$.seconds", Next: "Work" }),
      Work: lambdaInvoke({
        Parameters: { FunctionName: "work", "Payload.$": "$" },
        ResultSelector: { "many.$": "$.Payload.many" },
        Next: "Many?",
      }),
      "Many?": choice({ Choices: [{ Variable: "$.many", BooleanEquals: true, Next: "Each" }], Default: "Beside" }),
      Each: map({ ItemsPath: "$.items", ItemProcessor: one, Next: "Done" }),
      Beside: parallel({ Branches: [two, three], ResultPath: "$.beside", Next: "Done" }),
      Done: succeed(),
      Failed: fail({ ErrorPath: "$.error.Error", CausePath: "$.error.Cause" }),
    },
  });
})();

describe("a machine's JSON", () => {
  it("passes asl-validator, whatever is in it", () => {
    expect(aslFaultsOf(everyJsonataState)).toEqual([]);
    expect(aslFaultsOf(everyJsonpathState)).toEqual([]);
  });

  it("says its language once, and that its maps are inline", () => {
    expect(everyJsonataState.QueryLanguage).toBe("JSONata");
    expect(everyJsonpathState.QueryLanguage).toBe("JSONPath");
    expect(everyJsonataState.States["Each"]).toEqual({
      Type: "Map",
      Items: "{% $found.items %}",
      MaxConcurrency: 2,
      ItemProcessor: {
        ProcessorConfig: { Mode: "INLINE" },
        StartAt: "One",
        States: { One: { Type: "Pass", End: true } },
      },
      Next: "Update",
    });
  });
});

describe("a machine's picture", () => {
  it("shows every state, every arrow with its condition, and where errors lead", () => {
    expect(mermaidOf(everyJsonataState)).toMatchInlineSnapshot(`
     "flowchart TD
       s0((" ")) --> s1
       s1["<b>Put</b><br>dynamodb:putItem"]
       s2("<b>Pause</b><br>Wait")
       s3["<b>Work</b><br>lambda:invoke"]
       s4{"<b>Many?</b><br>Choice"}
       s5[["<b>Each</b><br>Map"]]
       subgraph s5_0["for each item"]
         s5_0s0((" ")) --> s5_0s1
         s5_0s1["<b>One</b><br>Pass"]
       end
       s5 --- s5_0
       s6[["<b>Beside</b><br>Parallel"]]
       subgraph s6_0["branch 1"]
         s6_0s0((" ")) --> s6_0s1
         s6_0s1["<b>Two</b><br>Pass"]
       end
       s6 --- s6_0
       subgraph s6_1["branch 2"]
         s6_1s0((" ")) --> s6_1s1
         s6_1s1["<b>Three</b><br>Pass"]
       end
       s6 --- s6_1
       s7["<b>Update</b><br>dynamodb:updateItem"]
       s8["<b>Get</b><br>dynamodb:getItem"]
       s9["<b>Send</b><br>sqs:sendMessage"]
       s10["<b>Start</b><br>states:startExecution"]
       s11["<b>Own</b><br>sns:publish"]
       s12(["<b>Done</b><br>Succeed"])
       s13(["<b>Failed</b><br>Fail"])
       s1 --> s2
       s1 -.->|"States.ALL"| s13
       s2 --> s3
       s3 --> s4
       s3 -.->|"States.ALL"| s13
       s4 -->|"found many"| s5
       s4 -->|"otherwise"| s6
       s5 --> s7
       s6 --> s7
       s7 --> s8
       s8 --> s9
       s9 --> s10
       s10 --> s11
       s11 --> s12
     "
    `);
  });

  it("bears any name", () => {
    const { stateMachine, pass } = jsonata;
    const picture = mermaidOf(
      stateMachine({ StartAt: 'a "b" <c>', States: { 'a "b" <c>': pass({ Next: "end" }), end: pass({ End: true }) } }),
    );
    expect(picture).toContain("a #quot;b#quot; #lt;c#gt;");
  });
});
