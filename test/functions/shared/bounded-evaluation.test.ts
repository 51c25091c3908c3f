import { searchWithin } from "../../../functions/heartbeats/probe/safe-regex";
import { schemaValidator } from "../../../functions/pipelines/message/schema-validator";
import { evaluateWithin, isCatastrophic, type EvaluationPorts } from "../../../functions/shared/bounded-evaluation";
import { schemaFault } from "../../../modules/pipelines/schema-fault";
import { measured } from "../../support/measured";

const within = <Result>(milliseconds: number, work: () => Result): Result => {
  const { result, cpuMs } = measured(work);
  expect(cpuMs).toBeLessThan(milliseconds);
  return result;
};

describe("a bounded evaluation", () => {
  it("returns the result, and throws the error, of the work", () => {
    expect(evaluateWithin(1_000, () => 7)).toEqual({ kind: "done", result: 7 });
    expect(evaluateWithin(1_000, () => undefined)).toEqual({ kind: "done", result: undefined });
    expect(() =>
      evaluateWithin(1_000, () => {
        throw new TypeError("broken");
      }),
    ).toThrow("broken");
  });

  it("ends what takes too long: loops, and searches that backtrack", () => {
    const forever = () => {
      for (;;);
    };
    expect(evaluateWithin(20, forever).kind).toBe("too slow");
    expect(evaluateWithin(20, () => /^(a+)+$/.test(`${"a".repeat(40)}!`)).kind).toBe("too slow");
    expect(evaluateWithin(1_000, () => "again")).toEqual({ kind: "done", result: "again" });
  });

  it("ends what needs more stack than there is", () => {
    const deep = (): number => 1 + deep();
    expect(evaluateWithin(5_000, deep).kind).toBe("too deep");
  });
});

/** A machine that is busy with something else: it interrupts two attempts of three. */
function interrupted(): EvaluationPorts & { readonly limits: readonly number[] } {
  const limits: number[] = [];
  return {
    limits,
    interruptAfter: (limit, work) =>
      limits.push(limit) % 3 === 0 ? { kind: "done", result: work() } : { kind: "too slow" },
    cpuMs: () => limits.length,
  };
}

describe("an evaluation by processor time", () => {
  it("begins again with more time when a busy machine interrupts it, and ends what is slow by itself", () => {
    const machine = interrupted();
    expect(evaluateWithin(500, () => "valid", machine)).toEqual({ kind: "done", result: "valid" });
    expect(machine.limits).toEqual([500, 1_000, 2_000]);
    const forever = () => {
      for (;;);
    };
    expect(within(3_000, () => evaluateWithin(20, forever)).kind).toBe("too slow");
  });
});

describe("a search in a page", () => {
  it("of 8 MB is an answer, whatever it does to the stack", () => {
    const page = "ab".repeat(4_000_000);
    for (const pattern of ["(?:a|b)*c", "(?:a|b)*?c", "(?:ab?)*$", "^(?:(?:a|b)+)*c"])
      expect(within(5_000, () => searchWithin(250, pattern, page))).toMatch(/^(found|not found|too slow)$/);
  });
});

describe("a message and its schema", () => {
  it.each([
    [
      "uniqueItems over objects",
      { items: { type: "array", uniqueItems: true } },
      { items: Array.from({ length: 16_000 }, (_, id) => ({ id: { id } })) },
    ],
    ["an exponential pattern", { items: { type: "string", pattern: "^(a+)+$" } }, { items: `${"a".repeat(40)}!` }],
    ["exponential alternatives", { items: { type: "string", pattern: "^(a|a)*$" } }, { items: `${"a".repeat(60)}!` }],
  ])("is refused soon: %s", (_, properties, message) => {
    const validate = schemaValidator({ type: "object", properties });
    expect(within(3_000, () => validate(message))).toBe("/: could not be validated within 500 ms");
    expect(schemaFault({ type: "object", properties })).toMatch(/^has (uniqueItems|a pattern) at \/properties\/items/);
  });

  it("is refused soon when its schema branches at each level of the message", () => {
    const branch = (maxProperties: number) => ({ properties: { a: { $ref: "#/$defs/n" } }, maxProperties });
    const node = { allOf: [{ anyOf: [branch(1), branch(2)] }, { anyOf: [branch(1), branch(2)] }] };
    let message: unknown = { a: 1, b: 2, c: 3 };
    for (let depth = 0; depth < 60; depth++) message = { a: message };
    const validate = schemaValidator({ $defs: { n: node }, $ref: "#/$defs/n" });
    expect(within(3_000, () => validate(message))).toBe("/: could not be validated within 500 ms");
  });

  it("is not refused because the machine is busy: its validation begins again until it has had a processor", () => {
    const usage = process.cpuUsage();
    const used = jest.spyOn(process, "cpuUsage").mockReturnValue({ ...usage, user: usage.user + 400_000 });
    used.mockReturnValueOnce(usage).mockReturnValueOnce(usage).mockReturnValueOnce(usage);
    const validate = schemaValidator({ type: "string", pattern: "^(a+)+$" });
    expect(validate(`${"a".repeat(40)}!`)).toBe("/: could not be validated within 500 ms");
    expect(used).toHaveBeenCalledTimes(4);
    used.mockRestore();
  });

  it("is refused when it is nested too deeply for the stack", () => {
    let message: unknown = {};
    for (let depth = 0; depth < 200_000; depth++) message = { a: message };
    expect(schemaValidator({ type: "object", properties: { a: { $ref: "#" } } })(message)).toBe(
      "/: is nested too deeply to be validated",
    );
  });

  it("is told what is wrong without names and values of its own", () => {
    const validate = schemaValidator({
      type: "object",
      properties: { price: { type: "number" }, "a/b": { type: "number" } },
      patternProperties: { "^S": { type: "number" } },
      additionalProperties: false,
    });
    expect(validate({ price: 1 })).toBeUndefined();
    expect(validate({ price: "S3cr3t" })).toBe("/price: must be number");
    expect(validate({ "a/b": "S3cr3t" })).toBe("/a~1b: must be number");
    expect(validate({ S3cr3t: "x" })).toBe("/*: must be number");
    const items = schemaValidator({ additionalProperties: { items: { additionalProperties: { type: "number" } } } });
    expect(items({ "123456789": [{}, { "123456789": "x" }] })).toBe("/*/1/*: must be number");
    expect(validate({ other: 1 })).toBe("/: must NOT have additional properties");
  });

  it.each([
    { type: "array", uniqueItems: true, maxItems: 500 },
    { type: "array", uniqueItems: true, items: { type: "string" } },
    { type: "string", pattern: "^[A-Z]{2}-\\d{4,9}(-[a-z]+)*$" },
    { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$" },
  ])("passes synth when its keywords are bounded: %j", (schema) => {
    expect(schemaFault(schema)).toBeUndefined();
  });
});

describe("a catastrophic pattern", () => {
  it.each([
    "(a+)+$",
    "^(\\w+\\s?)*$",
    "^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@)$",
    "(x+x+)+y",
    "(.*)*c",
    "^(a|aa)+$",
    "(#+#+)+x",
    "^(xy|xy)+z$",
    "(\\$|\\$)*x",
    "^([^\\s]+)+$",
    "^(é|é)+$",
    "^(\\p{L}+)*$",
  ])("is recognised: %s", (pattern) => {
    expect(isCatastrophic(pattern)).toBe(true);
  });
  it("is none that a busy machine interrupts: what has used no processor time is tried again", () => {
    expect(isCatastrophic("^[a-z]+$", interrupted())).toBe(false);
    const slow = () => ({ kind: "too slow" }) as const;
    let cpuMs = 0;
    expect(isCatastrophic("^[a-z]+$", { interruptAfter: slow, cpuMs: () => (cpuMs += 30) })).toBe(true);
  });
  it.each(["^[a-z]+$", "a.*b", "\\d+(\\.\\d+)?", "^.+@.+\\..+$", "ok|good"])("is not: %s", (pattern) => {
    expect(isCatastrophic(pattern)).toBe(false);
  });
});
