import { taskIdSchema } from "../../../../functions/workflows/contract";
import { executionNameOf } from "../../../../functions/workflows/task/execution-name";
import fc from "../../../support/fast-check";

describe("an execution's name", () => {
  it.each(["order-1", "a", "A_b-9", "x".repeat(80)])("is the id itself where Step Functions takes it: %s", (id) => {
    expect(executionNameOf(id)).toBe(id);
  });

  it.each([
    ["order 1/2", /^order-1-2_[0-9a-f]{32}$/],
    ["ünïcode*?<>", /^-n-code-_[0-9a-f]{32}$/],
    ["x".repeat(81), /^x{47}_[0-9a-f]{32}$/],
    ["💥", /^-_[0-9a-f]{32}$/],
  ])("is what can be read of it, and a hash, where not: %s", (id, name) => {
    expect(executionNameOf(id)).toMatch(name);
  });

  it("is not that of another id, even of one that looks like a name made here", () => {
    const made = executionNameOf("order 1");
    expect(executionNameOf(made)).not.toBe(made);
    expect(executionNameOf("order:1")).not.toBe(made);
  });

  it("is always one that Step Functions takes, and never shared", () => {
    const id = fc.oneof(
      fc.string({ maxLength: 90, size: "max" }),
      fc.string({ unit: "grapheme", maxLength: 90, size: "max" }),
      fc.stringMatching(/^[\w-]{1,90}$/),
    );
    fc.assert(
      fc.property(id, id, (one, other) => {
        fc.pre(taskIdSchema.safeParse(one).success && taskIdSchema.safeParse(other).success);
        expect(executionNameOf(one)).toMatch(/^[\w-]{1,80}$/);
        expect(executionNameOf(one) === executionNameOf(other)).toBe(one === other);
      }),
      { numRuns: 500 },
    );
  });
});
