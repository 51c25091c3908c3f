/** Rules of the review: CloudFront. */
import type { Rule } from "./rule";

export const CLOUDFRONT_RULES: readonly Rule[] = [
  {
    type: "aws_cloudfront_distribution",
    path: /viewer_protocol_policy$/,
    verdict: "exposure",
    what: "serves plain HTTP",
    if: (_, after) => after === "allow-all",
  },
  {
    type: "aws_cloudfront_distribution",
    path: /^default_root_object$/,
    verdict: "identity",
    what: "has no page at its address, or another one",
    if: (before, _, created) => !created && before !== undefined && before !== "",
  },
  {
    type: "aws_cloudfront_distribution",
    path: /^enabled$/,
    verdict: "identity",
    what: "no longer serves anything",
    if: (_, after) => after === false,
  },
];
