import { jsonata } from "../../../modules/asl/asl";
import { policy, statementsOf } from "../../../modules/constructs/resources/grants";
import { permissionsOf } from "../../../modules/workflows/permissions";

const { stateMachine, sqsSend } = jsonata;
const source = {
  arn: (service: string, resource: string) => `arn:aws:${service}:eu-central-1:123456789012:${resource}`,
  partitionName: "aws",
};
const queue = (name: string) => `https://sqs.eu-central-1.amazonaws.com/123456789012/${name}`;
const send = (to: string) => ({ Arguments: { QueueUrl: queue(to), MessageBody: "{}" }, TimeoutSeconds: 5 });

/** States that differ in what a Sid cannot have, or that are called like other bindings. */
const machine = stateMachine({
  StartAt: "Send mail",
  States: {
    "Send mail": sqsSend({ ...send("one"), Next: "SendMail" }),
    SendMail: sqsSend({ ...send("two"), Next: "送信" }),
    送信: sqsSend({ ...send("three"), Next: "付款" }),
    付款: sqsSend({ ...send("four"), Next: "payFunction" }),
    payFunction: sqsSend({ ...send("five"), Next: "Logs" }),
    Logs: sqsSend({ ...send("six"), Next: "Stated" }),
    Stated: sqsSend({ ...send("seven"), End: true }),
  },
});
const stated = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::bills/*"] }];

describe("the permissions of a machine", () => {
  const found = permissionsOf(machine, { bound: [], taken: ["payFunction"], stated, source });

  it("are those of all its tasks, whatever their states are called", () => {
    const resources = Object.values(found).flatMap((binding) => binding.resources);
    const queues = ["one", "two", "three", "four", "five", "six", "seven"].map((name) => source.arn("sqs", name));
    expect(resources.sort()).toEqual([...queues, "arn:aws:s3:::bills/*"].sort());
  });

  it("leave other bindings what they are called", () => {
    expect(Object.keys(found)).not.toContain("payFunction");
  });

  it("have Sids that IAM takes: each once, of letters and digits", () => {
    const logs = { Sid: "Logs", Effect: "Allow", Action: "logs:*", Resource: "*" } as const;
    const document = JSON.parse(policy([...statementsOf(found), logs])) as { Statement: readonly { Sid: string }[] };
    const sids = document.Statement.map(({ Sid }) => Sid);
    expect(new Set(sids).size).toBe(sids.length);
    for (const sid of sids) expect(sid).toMatch(/^[A-Za-z0-9]+$/);
  });
});
