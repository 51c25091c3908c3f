/** Terraform without AWS: what a plan without a refresh asks of it is answered here. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

/** Of the credentials. */
const IDENTITY = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>
  <Arn>arn:aws:iam::123456789012:root</Arn><UserId>123456789012</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>`;
/** Of a state machine's definition. */
const VALID = JSON.stringify({ result: "OK", diagnostics: [] });

export interface OfflineAws {
  /** Makes a synthesized stack plan with it, and keep its state in a file. */
  readonly use: (stack: string) => void;
  readonly close: () => Promise<void>;
}

export async function offlineAws(): Promise<OfflineAws> {
  const server = createServer((request, response) => {
    const machine = request.headers["x-amz-target"] === "AWSStepFunctions.ValidateStateMachineDefinition";
    response.end(machine ? VALID : IDENTITY);
  });
  await new Promise<void>((listening) => {
    server.listen(0, "127.0.0.1", listening);
  });
  const address = server.address();
  const endpoint = `http://127.0.0.1:${typeof address === "object" ? String(address?.port) : ""}`;
  const aws = {
    access_key: "test",
    secret_key: "test",
    skip_credentials_validation: true,
    skip_metadata_api_check: "true",
    endpoints: { sts: endpoint, sfn: endpoint },
  };
  return {
    use: (stack) => {
      const override = { terraform: { backend: { local: {} } }, provider: { aws } };
      writeFileSync(join(stack, "offline_override.tf.json"), JSON.stringify(override));
    },
    close: async () => {
      await new Promise((closed) => server.close(closed));
    },
  };
}
