/** Rules of the review: DynamoDB. */
import { fieldsOf, type Fields } from "../../shared/fields";
import { lower, lowered, namedOf, turnedOff, turnedOn, type Rule } from "./rule";

/** Whether an index has other keys or other attributes than that of the same name: DynamoDB deletes it and builds it anew. */
function hasIndexRebuilt(table: Fields, former: Fields): boolean {
  const built = (index: Fields) =>
    JSON.stringify(["hash_key", "range_key", "projection_type"].map((key) => index[key] ?? "")) +
    JSON.stringify([index["non_key_attributes"] ?? []].flat().toSorted());
  const indexes = namedOf(table["global_secondary_index"]);
  return [...namedOf(former["global_secondary_index"])].some(([name, was]) => {
    const is = indexes.get(name);
    return is !== undefined && built(is) !== built(was);
  });
}

export const DYNAMODB_RULES: readonly Rule[] = [
  {
    type: "aws_dynamodb_table",
    path: /^deletion_protection_enabled$/,
    verdict: "data",
    severity: "warn",
    what: "can be deleted",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^point_in_time_recovery\.\d+\.enabled$/,
    verdict: "data",
    what: "can no longer be restored to any second",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^point_in_time_recovery\.\d+\.recovery_period_in_days$/,
    verdict: "data",
    what: "can be restored for a shorter time",
    if: (before, after) => before !== undefined && after !== undefined && lower(before, after),
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.enabled$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps items that would expire",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.enabled$/,
    verdict: "data",
    what: "deletes items that have expired",
    if: (before, after, created) => !created && turnedOn(before, after),
  },
  {
    type: "aws_dynamodb_table",
    path: /^ttl\.\d+\.attribute_name$/,
    verdict: "data",
    what: "deletes items by another attribute",
    if: (before, after, created) =>
      !created && before !== undefined && before !== "" && after !== undefined && after !== "",
  },
  {
    type: "aws_dynamodb_table",
    path: /^stream_enabled$/,
    verdict: "data",
    what: "no longer has a stream",
    if: turnedOff,
  },
  {
    type: "aws_dynamodb_table",
    path: /^stream_view_type$/,
    verdict: "data",
    what: "has another stream: records of the old one are not processed",
    if: (before, after, created) => !created && before !== undefined && before !== "" && after !== undefined,
  },
  {
    type: "aws_dynamodb_table",
    path: /^server_side_encryption\./,
    verdict: "exposure",
    what: "is encrypted with another key",
    if: (before, _, created) => !created && before !== undefined,
  },
  {
    type: "aws_dynamodb_table",
    path: /^global_secondary_index\.\d+\.name$/,
    verdict: "identity",
    severity: "warn",
    what: "no longer has an index: queries of it fail",
    if: (before, _, created, { global_secondary_index: indexes }) =>
      !created && before !== undefined && ![indexes].flat().some((each) => fieldsOf(each)["name"] === before),
  },
  {
    type: "aws_dynamodb_table",
    path: /^global_secondary_index\./,
    verdict: "identity",
    severity: "warn",
    what: "builds an index anew: queries of it fail until then",
    if: (_, __, created, resource, former) => !created && hasIndexRebuilt(resource, former),
  },
  {
    type: "aws_dynamodb_table",
    path: /^billing_mode$/,
    verdict: "data",
    what: "refuses requests beyond a fixed capacity",
    if: (before, after, created) => !created && before === "PAY_PER_REQUEST" && before !== after,
  },
  {
    type: "aws_dynamodb_table",
    path: /^(read|write)_capacity$/,
    verdict: "data",
    severity: "warn",
    what: "refuses requests beyond a lower capacity",
    if: (before, after, created, { billing_mode: billing }) =>
      billing !== "PAY_PER_REQUEST" && lowered(before, after, created),
  },
  {
    type: "aws_dynamodb_table",
    path: /^on_demand_throughput\.\d+\.max_/,
    verdict: "data",
    severity: "warn",
    what: "refuses requests beyond a lower capacity",
    // Unset and -1 are without a limit.
    if: (before, after, created) =>
      !created && Number(after ?? -1) >= 0 && (Number(before ?? -1) < 0 || lower(before, after)),
  },
];
