import { returnPermanentFailures } from "../../../../functions/exports/run/permanent-failures";

const stepThat = (name: string) => {
  const fails = returnPermanentFailures({ error: () => undefined }, () =>
    Promise.reject(Object.assign(new Error("no"), { name })),
  );
  return fails(undefined, { deadline: 0 });
};

describe("a step", () => {
  it.each([
    "KMS.DisabledException",
    "KMS.KMSInvalidStateException",
    "KMS.NotFoundException",
    "AccessDenied",
    "NoSuchBucket",
    "ResourceNotFoundException",
  ])("returns a failure that no retry mends: %s", async (name) => {
    expect(await stepThat(name)).toEqual({ failure: { error: name, cause: "no" } });
  });

  it.each(["SlowDown", "KMS.ThrottlingException", "KMS.KMSInternalException", "InternalError", "TimeoutError"])(
    "is tried again after %s",
    async (name) => {
      await expect(stepThat(name)).rejects.toMatchObject({ name });
    },
  );
});
