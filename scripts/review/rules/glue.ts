/** Rules of the review: Glue. */
import { fieldsOf } from "../../shared/fields";
import { changed, isSet, namedOf, type Rule } from "./rule";

export const GLUE_RULES: readonly Rule[] = [
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.columns|partition_keys)\.\d+\.name$/,
    verdict: "identity",
    severity: "warn",
    what: "no longer has a column: queries of it fail",
    if: (before, _, created, { storage_descriptor: stored, partition_keys: keys }) =>
      !created &&
      isSet(before) &&
      ![...[stored].flat().map((each) => fieldsOf(each)["columns"]), keys].some((columns) =>
        namedOf(columns).has(before),
      ),
  },
  {
    type: "aws_glue_catalog_table",
    path: /^parameters\.projection\.enabled$/,
    verdict: "identity",
    what: "finds no partitions: queries return nothing",
    if: (before, after) => String(before) === "true" && String(after) !== "true",
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.location|parameters\.storage\.location\.template)$/,
    verdict: "identity",
    severity: "warn",
    what: "has other objects: its queries read another place",
    if: (before, _, created) => !created && before !== undefined,
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor\.\d+\.(input_format|output_format|ser_de_info\..*)|table_type|parameters\.(classification|projection\..*))$/,
    verdict: "identity",
    severity: "warn",
    what: "reads its objects in another way: queries may fail",
    if: changed,
  },
  {
    type: "aws_glue_catalog_table",
    path: /^(storage_descriptor|parameters)\./,
    verdict: "identity",
    what: "",
    if: () => false,
  },
];
