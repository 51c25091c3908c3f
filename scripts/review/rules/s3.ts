/** Rules of the review: S3. */
import { UNKNOWN } from "../values";
import { parseJson, type Fields } from "../../shared/fields";
import { lower, turnedOn, type Rule } from "./rule";

/** `authenticated-read` is everybody with any AWS account. */
const isPublicAcl = (_: unknown, after: unknown) => /^(public|authenticated)-/.test(String(after));

const isNot = (value: unknown) => (_: unknown, after: unknown) => after !== value;

/** What a file of settings contains. Undefined: it is known after the apply only, or not in the plan. */
function contentOf({ content }: Fields): unknown {
  if (typeof content !== "string" || content === UNKNOWN) return undefined;
  return parseJson(content) ?? content;
}

/** Whether a list in it is shorter, or an object in it no longer has a key. */
function hasFewer(was: unknown, is: unknown): boolean {
  if (typeof was !== "object" || was === null || is === undefined) return false;
  const has = new Map(typeof is === "object" && is !== null ? Object.entries(is) : []);
  return Object.entries(was).some(([key, item]) => !has.has(key) || hasFewer(item, has.get(key)));
}

const isEmptyContent = (content: unknown) =>
  content === "" || (typeof content === "object" && content !== null && Object.keys(content).length === 0);

export const S3_RULES: readonly Rule[] = [
  {
    type: "aws_s3_bucket",
    path: /^force_destroy$/,
    verdict: "data",
    severity: "warn",
    what: "can be deleted with all its objects",
    if: (before, after, created) => !created && turnedOn(before, after),
  },
  {
    type: "aws_s3_bucket_public_access_block",
    path: /^(block|ignore|restrict)_\w+$/,
    verdict: "exposure",
    what: "no longer refuses all public access",
    if: isNot(true),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_ownership_controls",
    path: /^rule\.\d+\.object_ownership$/,
    verdict: "exposure",
    what: "lets access control lists apply again",
    if: isNot("BucketOwnerEnforced"),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_versioning",
    path: /^versioning_configuration\.\d+\.status$/,
    verdict: "data",
    what: "no longer keeps overwritten or deleted versions",
    if: isNot("Enabled"),
    orUnknown: true,
  },
  {
    type: "aws_s3_bucket_server_side_encryption_configuration",
    path: /^rule\.\d+\./,
    verdict: "exposure",
    what: "encrypts with another key",
    if: (before, after, created) =>
      !created && !(before === "AES256" && after === "aws:kms") && !(before === undefined && after !== undefined),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?expiration\.\d+\.(days|noncurrent_days|date|expired_object_delete_marker)$/,
    verdict: "data",
    what: "deletes objects, or deletes them earlier",
    if: (before, after) =>
      after !== undefined &&
      after !== 0 &&
      after !== false &&
      after !== "" &&
      (before === undefined || before === 0 || before === "" || typeof after !== "number" || lower(before, after)),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?expiration\.\d+\.(days|noncurrent_days)$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps objects that would be deleted",
    if: (before, after) => before !== undefined && before !== 0 && !(Number(after ?? 0) > 0),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.noncurrent_version_expiration\.\d+\.newer_noncurrent_versions$/,
    verdict: "data",
    what: "keeps fewer older versions",
    // Fewer, or none: all of them are deleted when they are old enough.
    if: (before, after, created) => !created && before !== undefined && lower(before, after),
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(filter|prefix)/,
    verdict: "data",
    what: "applies its rules to other objects",
    if: (_, __, created) => !created,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.status$/,
    verdict: "exposure",
    severity: "warn",
    what: "keeps objects that would be deleted",
    if: (before, after, created) => !created && before === "Enabled" && after !== "Enabled",
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.status$/,
    verdict: "data",
    what: "enables a rule",
    if: (before, after, created) => !created && after === "Enabled" && before !== undefined,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(noncurrent_version_)?transition\.\d+\.storage_class$/,
    verdict: "data",
    severity: "warn",
    what: "moves objects to another storage class, from which some cannot be read at once",
    if: (_, after) => after !== undefined,
  },
  {
    type: "aws_s3_bucket_lifecycle_configuration",
    path: /^rule\.\d+\.(id|abort_incomplete_multipart_upload|transition|noncurrent_version_transition|noncurrent_version_expiration|expiration)/,
    verdict: "data",
    what: "",
    if: () => false,
  },
  { type: "aws_s3_object", path: /^force_destroy$/, verdict: "data", what: "", if: () => false },
  {
    type: "aws_s3_object",
    path: /^content(\.|$)/,
    verdict: "data",
    what: "is empty: what it configured is no longer done",
    if: (_, __, created, object, former) =>
      !created && isEmptyContent(contentOf(object) ?? former) && !isEmptyContent(contentOf(former) ?? ""),
  },
  {
    type: "aws_s3_object",
    path: /^content(\.|$)/,
    verdict: "data",
    severity: "warn",
    what: "has fewer entries: what they configured is no longer done",
    if: (_, __, created, object, former) => {
      const [was, is] = [contentOf(former), contentOf(object)];
      return !created && hasFewer(was, is);
    },
  },
  {
    type: "aws_s3_object",
    path: /^storage_class$/,
    verdict: "data",
    what: "cannot be read until it is restored",
    if: (_, after) => after === "GLACIER" || after === "DEEP_ARCHIVE",
  },
  {
    type: "aws_s3_object",
    path: /^acl$/,
    verdict: "exposure",
    what: "can be read by everybody",
    if: isPublicAcl,
  },
  {
    type: "aws_s3_bucket",
    path: /^acl$/,
    verdict: "exposure",
    what: "can be read by everybody",
    if: isPublicAcl,
  },
];
