/** What passes without anybody's action is one rule, for the SDK's clients and for the lean one, and it is the SDK's. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { THROTTLING_ERRORS } from "../../../../functions/exports/contract";
import { awsHttpError, isThrottlingError } from "../../../../functions/shared/aws/aws-errors";
import { isTransient } from "../../../../functions/shared/aws/aws-json";
import { THROTTLING_CODES } from "../../../../functions/shared/aws/error-codes";

/** A list of the installed SDK, which exports what it does with them only. */
function listOfSdk(name: string): readonly string[] {
  const retries = createRequire(require.resolve("@aws-sdk/client-dynamodb")).resolve("@smithy/core/retry");
  const [, list = ""] = new RegExp(`const ${name} = \\[([^\\]]*)\\]`).exec(readFileSync(retries, "utf8")) ?? [];
  return [...list.matchAll(/"([^"]+)"/g)].map(([, code = ""]) => code);
}

/** As the SDK throws it. */
const sdkError = (name: string) => Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });

describe("AWS's error codes", () => {
  it("of throttling are the SDK's", () => {
    expect(THROTTLING_CODES.length).toBeGreaterThan(10);
    expect([...THROTTLING_CODES].sort()).toEqual([...listOfSdk("THROTTLING_ERROR_CODES")].sort());
    expect(THROTTLING_ERRORS).toEqual(expect.arrayContaining([...THROTTLING_CODES]));
  });

  it.each([...listOfSdk("THROTTLING_ERROR_CODES"), "KmsThrottled", "KMS.ThrottlingException"])(
    "retry %s in both clients, and answer 429",
    (name) => {
      expect(isTransient({ status: 400, name })).toBe(true);
      expect(isThrottlingError(sdkError(name))).toBe(true);
      expect(awsHttpError(sdkError(name))).toMatchObject({ status: 429 });
    },
  );

  it.each(listOfSdk("TRANSIENT_ERROR_CODES"))("retry %s, which is no throttling, and answer 503", (name) => {
    expect(isTransient({ status: 400, name })).toBe(true);
    expect(isThrottlingError(sdkError(name))).toBe(false);
    expect(awsHttpError(sdkError(name))).toMatchObject({ status: 503 });
  });

  it.each([...listOfSdk("NODEJS_TIMEOUT_ERROR_CODES"), ...listOfSdk("NODEJS_NETWORK_ERROR_CODES")])(
    "of Node's answer 503: %s",
    (code) => {
      expect(awsHttpError(Object.assign(new Error("no response"), { code }))).toMatchObject({ status: 503 });
    },
  );

  it.each(["AccessDeniedException", "ConditionalCheckFailedException", "QueueDoesNotExist", "KmsAccessDenied"])(
    "do not retry %s",
    (name) => {
      expect(isTransient({ status: 400, name })).toBe(false);
      expect(isThrottlingError(sdkError(name))).toBe(false);
      expect(awsHttpError(sdkError(name))).toBeUndefined();
    },
  );
});
