import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { secretReader } from "../../../../functions/pipelines/gate/secrets";
import { sleep } from "../../../../functions/shared/clock";
import { virtualClock } from "../../../support/virtual-clock";

const client = new SSMClient({ region: "eu-central-1" });
const ssm = mockClient(client);
beforeEach(() => {
  ssm.reset();
});

describe("the secrets of a webhook", () => {
  it("are the lines of their parameter, read once a minute", async () => {
    const clock = virtualClock(0);
    const read = secretReader(client, "/secret", clock);
    ssm
      .on(GetParameterCommand, { Name: "/secret", WithDecryption: true })
      .resolves({ Parameter: { Value: "a\r\n b\n" } });
    expect([await read(), await read()]).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(ssm.calls()).toHaveLength(1);
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "b" } });
    await sleep(clock, 60_000);
    expect(await read()).toEqual(["b"]);
  });

  it.each([
    ["none", { Parameter: { Value: " \n" } }],
    ["no parameter", {}],
  ])("make their sender retry when there are %s", async (_, answer) => {
    ssm.on(GetParameterCommand).resolves(answer);
    await expect(secretReader(client, "/secret", virtualClock(0))()).rejects.toMatchObject({ status: 503 });
  });

  it("are those of before while SSM is throttled, and none when the parameter is gone", async () => {
    const clock = virtualClock(0);
    const read = secretReader(client, "/secret", clock);
    ssm.on(GetParameterCommand).resolves({ Parameter: { Value: "a" } });
    await read();
    await sleep(clock, 60_000);
    ssm.on(GetParameterCommand).rejects(Object.assign(new Error("rate"), { name: "ThrottlingException" }));
    expect(await read()).toEqual(["a"]);
    await sleep(clock, 60_000);
    ssm.on(GetParameterCommand).rejects(Object.assign(new Error("gone"), { name: "ParameterNotFound" }));
    await expect(read()).rejects.toMatchObject({ status: 503 });
  });

  it("make their sender retry when they cannot be read", async () => {
    ssm.on(GetParameterCommand).rejects(new Error("hush"));
    const reading = secretReader(client, "/secret", virtualClock(0))();
    await expect(reading).rejects.toMatchObject({ status: 503, message: "the webhook's secret cannot be read" });
  });
});
