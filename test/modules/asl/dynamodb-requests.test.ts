/** Requests of machines to DynamoDB that it would refuse in every execution, and unusual ones that it takes. */
import { MachineError } from "../../../modules/asl/machine";
import { untypedJsonata as J, untypedJsonpath as P } from "../../support/untyped-asl";

const Key = { id: { S: "a" } };
const one = (state: object) => () => J.stateMachine({ StartAt: "A", States: { A: state } });
const put = (Item: object, more: object = {}) =>
  one(J.dynamoPut({ Arguments: { TableName: "t", Item: { ...Key, ...Item }, ...more }, End: true }));
const get = (key: object, more: object = {}) =>
  one(J.dynamoGet({ Arguments: { TableName: "t", Key: key, ...more }, End: true }));

const VALUES = { ":n": { N: "1" }, ":m": { N: "0" }, ":s": { SS: ["x"] }, ":t": { S: "S" } };

/** With what the expression uses. */
function used(text: string): object {
  const values = Object.fromEntries(Object.entries(VALUES).filter(([name]) => text.includes(name)));
  return {
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
    ...(text.includes("#c") && { ExpressionAttributeNames: { "#c": text.includes("key") ? "id" : "c" } }),
  };
}
const update = (UpdateExpression: string) =>
  one(J.dynamoUpdate({ Arguments: { TableName: "t", Key, UpdateExpression, ...used(UpdateExpression) }, End: true }));
const condition = (ConditionExpression: string) => put({}, { ConditionExpression, ...used(ConditionExpression) });
const returning = (constructor: "dynamoPut" | "dynamoUpdate", ReturnValues: string) =>
  one(
    J[constructor]({
      Arguments: { TableName: "t", ...(constructor === "dynamoPut" ? { Item: Key } : { Key }), ReturnValues },
      End: true,
    }),
  );

describe("a request to DynamoDB", () => {
  it.each([
    "a = :n",
    "SET a = :n SET b = :n",
    "SET a = :n, a = :m",
    "SET a = :n, a.b = :m",
    "SET a = :n REMOVE a[0], a",
    "SET id = :n",
    "SET #c = :n, key.b = :m",
    "SET a = ",
    "SET a == :n",
    "SET a = :n + :m + :n",
    "SET a = size(b)",
    "SET a = if_not_exists(:n, :m)",
    "SET a = list_append(b)",
    "SET a = list_append(list_append(a, :s), :s)",
    "SET a = if_not_exists(a, list_append(:s, :s))",
    "SET a = if_not_exists(a, (:n + :m))",
    "SET a[x] = :n",
    "ADD a = :n",
    "ADD a b",
    "DELETE a",
    "REMOVE a b",
    "INSERT a = :n",
    "SET a = :n,",
  ])("is refused with the update %s", (text) => {
    expect(update(text)).toThrow(MachineError);
  });

  it.each([
    "SET a.b[0] = if_not_exists(a.b[0], :m) + :n, #c = :n REMOVE d, e[1] ADD f :n, g :s DELETE h :s",
    "set a = list_append(if_not_exists(a, :s), :s), b = c - :n",
    "REMOVE a",
    "SET a.b = :n, a.c = :n, a.d[0] = :n, a.d[1] = :n",
    "SET a = (b + :n), c = (:n) - :m",
  ])("is accepted with the update %s", (text) => {
    expect(update(text)).not.toThrow();
  });

  it.each([
    "a == :n",
    "a",
    "(attribute_not_exists(id)",
    "attribute_not_exists(id))",
    "attribute_missing(id)",
    "attribute_not_exists(id, a)",
    "attribute_not_exists(:n)",
    "contains(a)",
    "a BETWEEN :n OR :m",
    "a IN :n",
    "a IN ()",
    "NOT",
    "a = :n AND",
    "a = :n :m",
    "a != :n",
    "a = 5",
    "a LIKE :n",
  ])("is refused with the condition %s", (text) => {
    expect(condition(text)).toThrow(MachineError);
  });

  it.each([
    "size(a) > :m AND NOT contains(b, :n) OR c BETWEEN :m AND :n AND begins_with(d, :n)",
    "a IN (:m, :n) and (attribute_type(b, :t) or attribute_exists(c.d[0].e))",
    "NOT (a<>:n) AND b<=c",
    ":n = a",
    "contains(:s, a)",
    "((size(a)) > :m) AND (b = :n OR (c) < (:m))",
  ])("is accepted with the condition %s", (text) => {
    expect(condition(text)).not.toThrow();
  });

  it.each([
    ["an empty set", put({ a: { SS: [] } })],
    ["a set with a value twice", put({ a: { SS: ["a", "a"] } })],
    ["a set of numbers that are not text", put({ a: { NS: [1, 2] } })],
    ["a truth value as text", put({ a: { BOOL: "true" } })],
    ["a NULL that is none", put({ a: { NULL: false } })],
    ["a number as a text", put({ a: { S: 5 } })],
    ["a number of an expression as a text", put({ a: { S: "{% $count($states.input.all) %}" } })],
    ["a number of an expression as a number, which is text", put({ a: { N: "{% 1 + 1 %}" } })],
    ["a text in a list", put({ a: { L: ["a"] } })],
    ["a number of 39 digits", put({ a: { N: "1".repeat(39) } })],
    ["a number beyond 10^126", put({ a: { N: "1e126" } })],
    ["a number below 10^-130", put({ a: { N: "-0.1e-130" } })],
    ["an empty key", get({ id: { S: "" } })],
    ["a list as a key", get({ id: { L: [] } })],
    ["a projection that is no path", get(Key, { ProjectionExpression: "a, size(b)" })],
    ["values that the call does not return", returning("dynamoPut", "ALL_NEW")],
    ["values that no call returns", returning("dynamoUpdate", "NEW")],
    [
      "a wrong expression in JSONPath",
      () =>
        P.stateMachine({
          StartAt: "A",
          States: {
            A: P.dynamoUpdate({
              Parameters: {
                ...{ TableName: "t", Key, UpdateExpression: "a = :n" },
                ExpressionAttributeValues: { ":n": { "S.$": "$.a" } },
              },
              End: true,
            }),
          },
        }),
    ],
  ])("is refused with %s", (_, build) => {
    expect(build).toThrow(MachineError);
  });

  it.each([
    [
      "attributes of all types",
      put({
        ...{
          a: { NS: ["1", "2"] },
          b: { B: "AA==" },
          c: { BOOL: false },
          d: { NULL: true },
          e: { L: [] },
          f: { M: {} },
        },
        ...{ g: { S: "" }, h: { N: `${"9".repeat(38)}e87` }, i: { N: "1e-130" }, j: { N: "0.000" } },
        ...{ k: { S: "{% $string($states.input.n) %}" }, l: { L: "{% $states.input.l %}" }, m: { M: "{% {} %}" } },
        ...{ n: { BOOL: "{% $states.input.a = 1 %}" }, o: "{% $states.input.attribute %}", p: { S: "${var.name}" } },
      }),
    ],
    ["an old row as its result", returning("dynamoUpdate", "ALL_OLD")],
    ["a projection of paths", get(Key, { ProjectionExpression: "a, b[0].c" })],
    [
      "values by path in JSONPath",
      () =>
        P.stateMachine({
          StartAt: "A",
          States: {
            A: P.dynamoUpdate({
              Parameters: {
                ...{ TableName: "t", Key: { id: { "S.$": "$.id" } }, UpdateExpression: "SET a = :a, b = :b" },
                ExpressionAttributeValues: { ":a": { "N.$": "States.Format('{}', $.n)" }, ":b.$": "$.attribute" },
              },
              Next: "B",
            }),
            B: P.dynamoUpdate({
              Parameters: {
                ...{ TableName: "t", Key, "UpdateExpression.$": "$.update" },
                "ExpressionAttributeValues.$": "$.values",
              },
              End: true,
            }),
          },
        }),
    ],
  ])("is accepted with %s", (_, build) => {
    expect(build).not.toThrow();
  });
});
