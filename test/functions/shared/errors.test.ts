import { types } from "node:util";
import { errorCode, errorMessage, errorName, withoutContent } from "../../../functions/shared/errors";
import { createLogger } from "../../../functions/shared/telemetry/logger";
import { setupHandler } from "../../support/lambda";

const unreadable = (): never => {
  throw new Error("no reading");
};
const SELF = new Error("self");
SELF.cause = SELF;
const CHAIN = Array.from({ length: 20_000 }).reduce<Error>((cause) => new Error("link", { cause }), new Error("first"));
const REVOKED = Proxy.revocable({}, {});
REVOKED.revoke();

/** What a handler of somebody else may throw. */
const THROWN: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a symbol", Symbol("x")],
  ["a bigint", 1n],
  ["an object without prototype", Object.create(null)],
  ["a message that cannot be read", Object.defineProperty({}, "message", { get: unreadable })],
  ["a name that cannot be read", Object.defineProperty(new Error("x"), "name", { get: unreadable })],
  ["a stack that cannot be read", Object.defineProperty(new SyntaxError("x"), "stack", { get: unreadable })],
  ["a field that cannot be read", Object.defineProperty(new Error("x"), "f", { enumerable: true, get: unreadable })],
  ["a proxy that refuses everything", new Proxy(new Error("x"), { get: unreadable, has: unreadable })],
  ["a revoked proxy", REVOKED.proxy],
  ["an error that is its own cause", SELF],
  ["a long chain of causes", CHAIN],
  ["an object whose toJSON throws", { toJSON: unreadable }],
  ["an error whose toJSON throws", Object.assign(new Error("x"), { toJSON: unreadable })],
  ["an error with fields that JSON has not", Object.assign(new Error("x"), { n: 1n, f: () => 1 })],
];

describe("what a handler throws", () => {
  const output = setupHandler("test");
  const logged = (error: unknown): object => {
    createLogger("test", "test").error("failed", { error });
    return Object(output.lines().at(-1)) as object;
  };

  it.each(THROWN)("can be described and logged: %s", (_, thrown) => {
    expect([errorName(thrown), errorMessage(thrown)].map((text) => typeof text)).toEqual(["string", "string"]);
    expect(errorCode(thrown)).toBeUndefined();
    const safe = withoutContent(thrown);
    expect(typeof safe !== "object" || safe === null || types.isNativeError(safe)).toBe(true);
    expect(logged(safe)).toMatchObject({ message: "failed" });
  });

  it("keeps its causes, up to a number, and is itself where it can be logged", () => {
    const error = new Error("outer", { cause: new TypeError("inner", { cause: "text" }) });
    expect(withoutContent(error)).toBe(error);
    let links = 0;
    for (let link = withoutContent(SELF); link instanceof Error; link = link.cause) links += 1;
    expect(links).toBe(9);
  });

  it("is logged without its other fields, such as a request with its headers", () => {
    const config = { headers: { Authorization: "Bearer hunter2" } };
    const cause = Object.assign(new Error("inner"), { config, code: "ECONNRESET" });
    const error = Object.assign(new Error("outer", { cause }), { config, $metadata: { httpStatusCode: 503 } });
    const line = logged(error);
    expect(JSON.stringify(line)).not.toContain("hunter2");
    expect(line).toMatchObject({
      error: {
        message: "outer",
        $metadata: { httpStatusCode: 503 },
        cause: { name: "Error", message: "inner", code: "ECONNRESET" },
      },
    });
  });
});
