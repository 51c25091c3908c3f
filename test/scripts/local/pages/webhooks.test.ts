import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { mockClient } from "aws-sdk-client-mock";
import { putWebhooks } from "../../../../scripts/local/pages/run";

describe("the webhooks of the stand-in", () => {
  it("replace those of an earlier start, and nothing that the user has put there", async () => {
    const ssm = mockClient(SSMClient);
    const values: Readonly<Record<string, string>> = {
      "/own": "https://hooks.slack.com/services/T/B/X",
      "/own-local": "http://127.0.0.1:9000/elsewhere",
      "/earlier": "http://127.0.0.1:1/services/earlier",
      "/current": "http://127.0.0.1:2/services/current",
    };
    ssm.on(GetParameterCommand).callsFake(({ Name }: { readonly Name: string }) => {
      const Value = values[Name];
      if (Value === undefined) throw new ParameterNotFound({ message: "", $metadata: {} });
      return { Parameter: { Value } };
    });
    ssm.on(PutParameterCommand).resolves({});
    const aws = { region: "eu-central-1", endpoint: "http://127.0.0.1:3" };
    expect(await putWebhooks("http://127.0.0.1:2", [...Object.keys(values), "/new"], aws)).toEqual([
      "/own",
      "/own-local",
    ]);
    expect(ssm.commandCalls(PutParameterCommand).map(({ args: [{ input }] }) => input)).toEqual([
      { Name: "/earlier", Value: "http://127.0.0.1:2/services/earlier", Type: "SecureString", Overwrite: true },
      { Name: "/new", Value: "http://127.0.0.1:2/services/new", Type: "SecureString", Overwrite: false },
    ]);
  });
});
