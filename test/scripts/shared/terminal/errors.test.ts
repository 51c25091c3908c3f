import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { describeError, ERROR_LOG, shortenArns } from "../../../../scripts/shared/terminal/errors";

class TimerError extends Error {
  override readonly name = "TimerError";
}

const awsError = (name: string, message: string) => Object.assign(new Error(message), { name, $metadata: {} });

describe("an error for people", () => {
  it.each([
    [new TimerError("there is no timer"), "there is no timer"],
    [
      awsError("CredentialsProviderError", "Could not load credentials from any providers"),
      "No AWS credentials were found. Sign in (aws sso login), or set AWS_PROFILE or AWS_ACCESS_KEY_ID.",
    ],
    [awsError("ExpiredTokenException", "expired"), "The AWS credentials have expired. Sign in again (aws sso login)."],
    [
      awsError(
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/dev/me is not authorized to perform: dynamodb:Query on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/orders because no identity-based policy allows it",
      ),
      "AWS denied dynamodb:Query on table/orders: the role of these credentials does not allow it.",
    ],
    [awsError("ThrottlingException", "Rate exceeded"), "AWS answered ThrottlingException: Rate exceeded"],
    [
      Object.assign(new TypeError("fetch failed"), {
        cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED", address: "127.0.0.1", port: 4566 }),
      }),
      "Nothing answers at this address: 127.0.0.1:4566",
    ],
    [
      Object.assign(new Error("listen"), { code: "EADDRINUSE", address: "127.0.0.1", port: 4599 }),
      "Another program uses this port: 127.0.0.1:4599",
    ],
    ...[
      ["EADDRINUSE", "Another program uses this port: 127.0.0.1:80. Pass another: --port <n>"],
      [
        "EACCES",
        "The system does not allow this user to listen on this port (below 1024, only root may): 127.0.0.1:80. Pass another: --port <n>",
      ],
      ["EADDRNOTAVAIL", "This machine does not have this address: 127.0.0.1:80. Pass another: --port <n>"],
    ].map(([code, sentence = ""]): [Error, string] => [
      Object.assign(new Error("listen"), { code, syscall: "listen", address: "127.0.0.1", port: 80 }),
      sentence,
    ]),
    [
      Object.assign(new TypeError("fetch failed"), {
        cause: Object.assign(new Error("self-signed certificate in certificate chain"), {
          code: "SELF_SIGNED_CERT_IN_CHAIN",
        }),
      }),
      "The server's certificate is not trusted: self-signed certificate in certificate chain. Behind a proxy that has its own, set NODE_EXTRA_CA_CERTS to the file of its certificate authority.",
    ],
    [
      Object.assign(new Error("ENAMETOOLONG: name too long"), { code: "ENAMETOOLONG", path: '{"jobOrderId":1' }),
      '{"jobOrderId":1: the name is too long for a file',
    ],
    [
      Object.assign(new Error("ENOENT: no such file"), { code: "ENOENT", path: "order.json" }),
      "order.json: no such file or folder",
    ],
  ])("is a sentence: %s", (error, sentence) => {
    expect(describeError(error)).toBe(sentence);
  });

  it("says which part of the project belongs to another user, and how to get it back", () => {
    mkdirSync(".almanac", { recursive: true });
    const user = jest.spyOn(process, "getuid").mockReturnValue(statSync(".almanac").uid + 1);
    const path = resolve(".almanac", "not", "there");
    const denied = describeError(Object.assign(new Error("EACCES"), { code: "EACCES", path }));
    user.mockRestore();
    const owner = statSync(".almanac").uid === 0 ? "root" : `user ${statSync(".almanac").uid}`;
    expect(denied).toBe(`${path}: permission denied. .almanac belongs to ${owner}: sudo chown -R "$(id -un)" .almanac`);
    // Not of the project: often the user's own mistake.
    expect(describeError(Object.assign(new Error("EACCES"), { code: "EACCES", path: "/etc/orders.json" }))).toBe(
      "/etc/orders.json: permission denied",
    );
  });

  it("is a line for each wrong field, and no JSON", () => {
    const { error } = z.object({ table_name: z.string() }).safeParse({ table_name: 1 });
    expect(describeError(error)).toBe("Unexpected data: table_name: Invalid input: expected string, received number");
  });

  it("that is a fault of Almanac has its stack trace in a file, not on the screen", () => {
    rmSync(ERROR_LOG, { force: true });
    const text = describeError(new TypeError("x is not a function"));
    expect(text).toBe(`x is not a function\nThis is a fault of Almanac. Its stack trace is in ${ERROR_LOG}.`);
    expect(readFileSync(ERROR_LOG, "utf8")).toMatch(/TypeError: x is not a function\n\s+at /);
    // A view of the console fails again with each poll.
    const fault = new TypeError("y is not a function");
    expect(new Set([describeError(fault), describeError(fault)]).size).toBe(1);
    expect(readFileSync(ERROR_LOG, "utf8").match(/y is not a function/g)).toHaveLength(1);
  });

  it("is never nothing, also without a message", () => {
    class OrderError extends Error {
      override readonly name = "OrderError";
    }
    for (const error of [new OrderError(""), new Error(""), new TypeError("")])
      expect(describeError(error)).toMatch(/^\w*Error\nThis is a fault of Almanac\./);
  });

  it("has no ARNs", () => {
    expect(shortenArns('"arn:aws:states:eu-central-1:123456789012:execution:task:order-1" failed')).toBe(
      '"execution:task:order-1" failed',
    );
  });
});
