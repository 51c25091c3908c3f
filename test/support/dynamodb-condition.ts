/** Evaluates condition expressions of DynamoDB, as far as pipelines use them: AND, OR, comparisons of text, attribute_not_exists. */

interface Conditional {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly S: string }>>;
}

type Item = Readonly<Record<string, unknown>>;

export function conditionHolds(request: Conditional, item: Item | undefined): boolean {
  return request.ConditionExpression.split(" OR ").some((alternative) =>
    alternative
      .replace(/^\((.*)\)$/, "$1")
      .split(" AND ")
      .every((term) => termHolds(term.trim(), request, item ?? {})),
  );
}

function termHolds(term: string, request: Conditional, item: Item): boolean {
  const attribute = (name: string): unknown => item[request.ExpressionAttributeNames[name] ?? name];
  const [, missing] = /^attribute_not_exists\((#\w+)\)$/.exec(term) ?? [];
  if (missing !== undefined) return attribute(missing) === undefined;
  const [, name = "", operator, value = ""] = /^(#\w+) (<>|<|=) (:\w+)$/.exec(term) ?? [];
  if (operator === undefined) throw new Error(`not evaluated: ${term}`);
  const left = attribute(name);
  const right = request.ExpressionAttributeValues[value]?.S ?? "";
  // Of a missing attribute, only <> is true.
  if (typeof left !== "object" || left === null || !("S" in left) || typeof left.S !== "string")
    return operator === "<>";
  return operator === "<" ? left.S < right : (left.S === right) === (operator === "=");
}
