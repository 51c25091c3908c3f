import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";

import { secretReader } from "../../../../functions/heartbeats/probe/secret-reader";

const ssm = mockClient(SSMClient);
const NAME = "/shop/token";
const holding = (Value: string) => ssm.on(GetParameterCommand, { Name: NAME }).resolves({ Parameter: { Value } });

let now = 0;
const reader = () => secretReader(new SSMClient({ region: "eu-central-1" }), 50, { now: () => now });

beforeEach(() => {
  ssm.reset();
  now = 0;
});

describe("a secret", () => {
  it("is read once for all targets of a run, and again for the next", async () => {
    holding("Bearer old");
    const read = reader();
    await expect(Promise.all([read(NAME), read(NAME)])).resolves.toEqual(["Bearer old", "Bearer old"]);
    expect(ssm.commandCalls(GetParameterCommand).map(({ args }) => args[0].input)).toEqual([
      { Name: NAME, WithDecryption: true },
    ]);
    holding("Bearer new");
    now = 49_999;
    await expect(read(NAME)).resolves.toBe("Bearer old");
    now = 50_000;
    await expect(read(NAME)).resolves.toBe("Bearer new");
  });

  it("that cannot be read is named with the reason, and tried again", async () => {
    const read = reader();
    ssm.on(GetParameterCommand).rejectsOnce(Object.assign(new Error("secret details"), { name: "ParameterNotFound" }));
    await expect(read(NAME)).rejects.toMatchObject({
      name: "SecretReadError",
      message: "the parameter /shop/token cannot be read (ParameterNotFound)",
    });
    holding("Bearer x");
    await expect(read(NAME)).resolves.toBe("Bearer x");
  });

  it.each([
    ["nothing", ""],
    ["a line break", "Bearer x\n"],
    ["a character outside Latin-1", "Bearer ł"],
  ])("that holds %s is refused, and not in the message", async (_, value) => {
    holding(value);
    await expect(reader()(NAME)).rejects.toMatchObject({
      name: "SecretReadError",
      message: "the parameter /shop/token has no valid header value",
    });
  });
});
