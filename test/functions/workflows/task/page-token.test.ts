import { BadRequestError } from "../../../../functions/shared/handlers/http-errors";
import { pageToken, parsePageToken } from "../../../../functions/workflows/task/page-token";
import fc from "../../../support/fast-check";

const tokenOf = (json: string) => Buffer.from(json).toString("base64url");

describe("a page token", () => {
  it("is read as it was written", () => {
    const key = fc.record({
      taskId: fc.string({ minLength: 1, maxLength: 256, size: "max" }),
      timestamp: fc.oneof(fc.nat().map(String), fc.constantFrom("-1", "1763707500.5", "9".repeat(38))),
      status: fc.constant("DONE" as const),
    });
    fc.assert(
      fc.property(key, (each) => {
        expect(parsePageToken(pageToken(each), "DONE")).toEqual(each);
      }),
    );
    expect(parsePageToken(undefined, "DONE")).toBeUndefined();
  });

  it.each([
    '{"taskId":"a","timestamp":1,"status":"DONE"}',
    '{"taskId":"a","timestamp":"1e21","status":"DONE"}',
    '{"taskId":"a","timestamp":"1e-320","status":"DONE"}',
    '{"taskId":"a","timestamp":"1.","status":"DONE"}',
    '{"taskId":"a","timestamp":"","status":"DONE"}',
    '{"taskId":"a","timestamp":"١","status":"DONE"}',
    `{"taskId":"a","timestamp":"${"9".repeat(39)}","status":"DONE"}`,
    '{"taskId":"","timestamp":"1","status":"DONE"}',
    `{"taskId":"${"a".repeat(2_049)}","timestamp":"1","status":"DONE"}`,
    `{"taskId":"${"ü".repeat(1_025)}","timestamp":"1","status":"DONE"}`,
    '{"taskId":"a","timestamp":"1","status":"STARTED"}',
    '{"taskId":{"S":"a"},"timestamp":"1","status":"DONE"}',
    "null",
    "{",
  ])("that DynamoDB would refuse is refused: %.60s", (json) => {
    expect(() => parsePageToken(tokenOf(json), "DONE")).toThrow(BadRequestError);
  });

  it("of any text gives a key that DynamoDB takes, or is refused", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json().map(tokenOf)), (token) => {
        try {
          const key = parsePageToken(token, "DONE");
          expect(Number.isFinite(Number(key?.timestamp)) && key?.taskId !== "").toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(BadRequestError);
        }
      }),
    );
  });
});
