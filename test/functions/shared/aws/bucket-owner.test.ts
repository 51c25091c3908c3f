import { readFileSync, readdirSync } from "node:fs";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { createS3 } from "../../../../functions/shared/aws/clients/s3";
import { accountOf } from "../../../../functions/shared/aws/arn";
import { createS3Client } from "../../../../scripts/shared/aws/s3-client";
import { lambdaContext } from "../../../support/lambda";

/** The header of a request that the client sends. */
async function ownerIn(send: (s3: ReturnType<typeof createS3>) => Promise<unknown>): Promise<string | undefined> {
  let owner: string | undefined;
  const s3 = createS3("123456789012", {
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
    requestHandler: {
      handle: (request: { readonly headers: Readonly<Record<string, string>> }) => {
        owner = request.headers["x-amz-expected-bucket-owner"];
        return Promise.reject(new Error("no response is needed"));
      },
    },
  });
  await expect(send(s3)).rejects.toThrow("no response is needed");
  return owner;
}

describe("a request to S3", () => {
  it("names the account that must own the bucket", async () => {
    expect(await ownerIn((s3) => s3.send(new GetObjectCommand({ Bucket: "b", Key: "k" })))).toBe("123456789012");
    expect(await ownerIn((s3) => s3.send(new PutObjectCommand({ Bucket: "b", Key: "k" })))).toBe("123456789012");
  });

  it("names another one where the code says so, and none without a bucket", async () => {
    const of = { Bucket: "b", Key: "k", ExpectedBucketOwner: "210987654321" };
    expect(await ownerIn((s3) => s3.send(new GetObjectCommand(of)))).toBe("210987654321");
    expect(await ownerIn((s3) => s3.send(new ListBucketsCommand()))).toBeUndefined();
  });

  it("of a function names the function's account, in each partition", () => {
    expect(accountOf(lambdaContext().invokedFunctionArn)).toBe("000000000000");
    const arn = "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:almanac-staging-check";
    expect(accountOf(arn)).toBe("123456789012");
  });

  it("of a command asks for the account of the credentials once, and on an emulator never", () => {
    const isMarked = (s3: ReturnType<typeof createS3>) =>
      s3.middlewareStack.identify().some((name) => name.startsWith("expectBucketOwner"));
    expect(isMarked(createS3Client({ region: "eu-central-1" }))).toBe(true);
    expect(isMarked(createS3Client({ region: "eu-central-1", endpoint: "http://127.0.0.1:9" }))).toBe(false);
  });

  it("is sent by no other client", () => {
    const files = ["functions", "scripts"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
    );
    const makers = files.filter((file) => file.endsWith(".ts") && readFileSync(file, "utf8").includes("new S3Client("));
    expect(makers.filter((file) => !file.startsWith("scripts/dev/bench/")).sort()).toEqual([
      "functions/shared/aws/clients/s3.ts",
      "scripts/shared/aws/presigned-url.ts", // for its credentials
      "scripts/shared/aws/s3-client.ts",
    ]);
  });
});
