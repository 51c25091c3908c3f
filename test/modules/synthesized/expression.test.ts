import { isUnresolved, resolve } from "../../../modules/synthesized/expression";

const SIZES = { "a b": { one: 1, no: 0, two: 2 } };
const scope = {
  prefix: "module.bells.",
  lookup: (reference: string) =>
    ({ "var.minutes": 5, "var.name": "ring", "var.sizes": SIZES, "data.region.name": "eu-central-1" })[reference],
};

describe("resolve", () => {
  it.each([
    ["no template", "no template"],
    ["${var.minutes}", 5],
    ["${(var.minutes * 180)}", 900],
    ['rate(${var.minutes} minute${(var.minutes == 1) ? "" : "s"})', "rate(5 minutes)"],
    ['${var.minutes > 3 && !(var.name != "ring") ? "often" : "seldom"}', "often"],
    ["${-var.minutes + 7 % 4}", -2],
    [
      "${jsonencode({ widgets = concat(var.lists, var.lists) })}",
      "${jsonencode({ widgets = concat(var.lists, var.lists) })}",
    ],
    ["${jsonencode({ name = var.name, at = data.region.name })}", '{"name":"ring","at":"eu-central-1"}'],
    ['${jsonencode({ for field, value in var.sizes["a b"] : field => value if field != "no" })}', '{"one":1,"two":2}'],
    ['${var.sizes["a b"].two}', 2],
    ['${replace("${var.name}-er", "-", "_")}', "ring_er"],
    ["${min(var.minutes, 3)}", 3],
    ["$${not} an expression", "${not} an expression"],
    ['${"${var.name}er"}', "ringer"],
  ])("%j is %j", (template, value) => {
    expect(resolve(template, scope)).toEqual(value);
  });

  it("leaves what is not known yet, with the module that it is in", () => {
    expect(resolve("${aws_sqs_queue.jobs.arn}/*", scope)).toBe("${module.bells.aws_sqs_queue.jobs.arn}/*");
    expect(resolve("${var.unknown}", scope)).toBe("${var.unknown}");
    expect(resolve("${upper(var.name)}", scope)).toBe("${upper(var.name)}");
    expect(resolve('${aws_thing.of["a}b"]}', scope)).toBe('${module.bells.aws_thing.of["a}b"]}');
  });

  it("goes into lists and objects", () => {
    expect(resolve({ a: [{ b: "${var.minutes}" }], c: 1, d: null }, scope)).toEqual({ a: [{ b: 5 }], c: 1, d: null });
  });

  it("knows an expression from a value", () => {
    expect(["${aws_sqs_queue.jobs.arn}", "a ${b}"].every(isUnresolved)).toBe(true);
    expect(["arn:aws:sqs", "$${literal}", 5, null].some(isUnresolved)).toBe(false);
  });
});
