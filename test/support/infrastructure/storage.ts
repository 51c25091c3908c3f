/** Tables, buckets, keys. */
import { isDeepStrictEqual } from "node:util";
import type { Resource } from "../../../modules/synthesized/resources";
import {
  equals,
  FOR_PEOPLE,
  indifferent,
  is,
  must,
  nameOf,
  neighbour,
  neighbours,
  parsed,
  reference,
  refersTo,
  sameStatements,
  textAt,
  valuesAt,
  withoutSuffix,
  type Rules,
  type World,
} from "./rule";

/** Its content can be uploaded again by any deployment. */
const isCode = ({ module, address }: Resource) => module === "" && address === "aws_s3_bucket.code";
const bucketOf = (suffix: string) =>
  refersTo("aws_s3_bucket", "id", "belongs to its bucket", (resource) => withoutSuffix(resource, suffix));

/** Tables whose rows stay, and those whose expiry has another name. */
const KEPT: ReadonlySet<string> = new Set(["pipelines.notifications", "pipelines.job_order_table"]);
const EXPIRIES: Readonly<Record<string, string>> = { "pipelines.webhook_deliveries": "expiresAt" };
/** Tables with one item for each partition key. */
const SINGLE: ReadonlySet<string> = new Set([
  "timers.claims",
  "pipelines.webhook_deliveries",
  "pipelines.job_order_table",
]);
const keyOf = (resource: Resource) => `${resource.module}.${nameOf(resource)}`;
const NUMBERS: ReadonlySet<unknown> = new Set(["timestamp", "dueMs"]);
/** By partition key. */
const INDEXES: Readonly<Record<string, readonly [name: string, range: string, projection: string]>> = {
  slot: ["due", "dueMs", "ALL"],
  status: ["byStatus", "timestamp", "ALL"],
  day: ["byDay", "receivedAt", "INCLUDE"],
  group: ["byGroup", "receivedAt", "INCLUDE"],
};

const at = (resource: Resource, path: string) => valuesAt(resource.values, path.split("."));
/** Keys of the table and its indexes. */
const keysOf = (resource: Resource) =>
  ["hash_key", "range_key", "global_secondary_index.hash_key", "global_secondary_index.range_key"].flatMap((path) =>
    at(resource, path).filter((key) => key !== undefined),
  );
const areAttributesKeys = (resource: Resource) =>
  new Set(at(resource, "attribute.name")).size === new Set(keysOf(resource)).size &&
  keysOf(resource).every((key) => at(resource, "attribute.name").includes(key));
const ATHENA_COLUMNS = must("each configured attribute is a column, and the whole item", (_, resource, world) => {
  const expected = { ...exportedBy(world, resource)?.columns, item: "string" };
  const [names, types] = ["name", "type"].map((field) => at(resource, `storage_descriptor.columns.${field}`));
  return (
    isDeepStrictEqual(
      names,
      Object.keys(expected).map((column) => column.toLowerCase()),
    ) && isDeepStrictEqual(types, Object.values(expected))
  );
});
const ATTRIBUTES = must(
  "DynamoDB refuses attributes that are no keys, and keys that are no attributes",
  (_, resource) => areAttributesKeys(resource),
);
/** An index has what its partition key says. */
const index = (part: 0 | 1 | 2, path: string) =>
  must("the functions query the index by this name and these keys", (_, resource) => {
    const keys = at(resource, "global_secondary_index.hash_key");
    return at(resource, path).every((value, position) => {
      const expected = INDEXES[String(keys[position])];
      return keys[position] === undefined ? value === undefined : expected === undefined || value === expected[part];
    });
  });

/** Everything that a bucket needs beside itself. */
const hasCompanions = (world: World, resource: Resource) =>
  ["public_access_block", "encryption", "ownership_controls", "policy"].every((suffix) =>
    world.resources.some((each) => each.module === resource.module && nameOf(each) === `${nameOf(resource)}_${suffix}`),
  ) &&
  (!/^(configuration|archive)$/.test(nameOf(resource)) ||
    neighbour(world, resource, "aws_s3_bucket_versioning", `${nameOf(resource)}_versioning`) !== undefined) &&
  (!/^(exports\.files|workflows\.results)$/.test(keyOf(resource)) ||
    neighbours(world, resource, "aws_s3_bucket_lifecycle_configuration").length > 0);

const isFunctionCode = (resource: Resource) => nameOf(resource).endsWith("_code");

export const STORAGE: Readonly<Record<string, Rules>> = {
  aws_dynamodb_table: {
    name: must("is its feature's, or where it is in the module", (value, resource, { prefix }) => {
      const feature = `${prefix}-${resource.module}`;
      const own = nameOf(resource).replaceAll("_", "-");
      return (
        [`${feature}-${own}`, `${feature}-${own.replace(/-table$/, "")}`].includes(String(value)) ||
        (/^(telemetry|table|state)$/.test(own) && value === feature)
      );
    }),
    billing_mode: is("PAY_PER_REQUEST", "no capacity to plan, nothing to pay for when idle"),
    deletion_protection_enabled: equals("production's data cannot be deleted", (_, { protectsData }) => protectsData),
    "point_in_time_recovery.enabled": equals(
      "production's data can be restored",
      (_, { protectsData }) => protectsData,
    ),
    "lifecycle.prevent_destroy": equals("production's data cannot be destroyed", (_, { protectsData }) => protectsData),
    hash_key: ATTRIBUTES,
    range_key: must(
      "several items of one key, unless the key is enough",
      (value, resource) => areAttributesKeys(resource) && (value === undefined) === SINGLE.has(keyOf(resource)),
    ),
    "attribute.name": ATTRIBUTES,
    "attribute.type": must("numbers sort as numbers", (_, resource) =>
      at(resource, "attribute.type").every(
        (type, position) => type === (NUMBERS.has(at(resource, "attribute.name")[position]) ? "N" : "S"),
      ),
    ),
    global_secondary_index: indifferent("an empty list is no index; indexes have rules of their own"),
    "global_secondary_index.hash_key": ATTRIBUTES,
    "global_secondary_index.range_key": index(1, "global_secondary_index.range_key"),
    "global_secondary_index.name": index(0, "global_secondary_index.name"),
    "global_secondary_index.projection_type": index(2, "global_secondary_index.projection_type"),
    "global_secondary_index.non_key_attributes": must("what the index is read for", (_, resource) =>
      at(resource, "global_secondary_index.projection_type").every(
        (projection, position) =>
          JSON.stringify(at(resource, "global_secondary_index.non_key_attributes")[position]) ===
          (projection === "INCLUDE" ? '["version","summary"]' : undefined),
      ),
    ),
    "ttl.attribute_name": equals("rows expire by the attribute that the functions write", (resource) =>
      KEPT.has(keyOf(resource)) ? undefined : (EXPIRIES[keyOf(resource)] ?? "ttl"),
    ),
    "ttl.enabled": equals("rows expire", (resource) => (KEPT.has(keyOf(resource)) ? undefined : true)),
    stream_enabled: equals("notifications follow changes", (resource, world) =>
      isStreamed(world, resource) ? true : undefined,
    ),
    stream_view_type: equals("a notification compares a row with what it was", (resource, world) =>
      isStreamed(world, resource) ? "NEW_AND_OLD_IMAGES" : undefined,
    ),
  },
  aws_s3_bucket: {
    "": must(
      "every bucket is private, encrypted, TLS only; what is overwritten by deployments is versioned",
      (_, resource, world) => hasCompanions(world, resource),
    ),
    bucket: must("names are worldwide: they end with the account", (value, resource, { prefix }) => {
      const place = [
        prefix,
        ...(resource.module === "" ? [] : [resource.module]),
        nameOf(resource).replaceAll("_", "-"),
      ].join("-");
      return [place, place.replace(/-files$/, "")].some((name) =>
        new RegExp(`^${name}-\\$\\{[\\w.]+\\.account_id\\}$`).test(String(value)),
      );
    }),
    force_destroy: equals("production's objects cannot be destroyed", (resource, { protectsData }) =>
      isCode(resource) ? true : !protectsData,
    ),
    "lifecycle.prevent_destroy": equals("production's data cannot be destroyed", (resource, { protectsData }) =>
      isCode(resource) ? false : protectsData,
    ),
  },
  aws_s3_bucket_server_side_encryption_configuration: {
    bucket: bucketOf("_encryption"),
    "rule.apply_server_side_encryption_by_default.sse_algorithm": equals(
      "encrypted at rest; messages with a key of ours",
      (resource) => (nameOf(resource) === "archive_encryption" ? "aws:kms" : "AES256"),
    ),
    "rule.apply_server_side_encryption_by_default.kms_master_key_id": equals("with the environment's key", (resource) =>
      nameOf(resource) === "archive_encryption" ? "${aws_kms_key.key.arn}" : undefined,
    ),
    "rule.bucket_key_enabled": equals("one call of KMS for many objects", (resource) =>
      nameOf(resource) === "archive_encryption" ? true : undefined,
    ),
  },
  aws_s3_bucket_public_access_block: {
    bucket: bucketOf("_public_access_block"),
    block_public_acls: is(true, "no bucket is public"),
    block_public_policy: is(true, "no bucket is public"),
    ignore_public_acls: is(true, "no bucket is public"),
    restrict_public_buckets: is(true, "no bucket is public"),
  },
  aws_s3_bucket_ownership_controls: {
    bucket: bucketOf("_ownership_controls"),
    "rule.object_ownership": is("BucketOwnerEnforced", "no access control lists"),
  },
  aws_s3_bucket_policy: {
    bucket: bucketOf("_policy"),
    policy: must("TLS only; CloudFront alone may read, and only the status page", (value, resource, world) => {
      const arn = reference(resource, "aws_s3_bucket", withoutSuffix(resource, "_policy"), "arn");
      const distribution = neighbours(world, resource, "aws_cloudfront_distribution")[0];
      const reads =
        distribution === undefined || nameOf(resource) !== "status_page_files_policy"
          ? []
          : [
              {
                Sid: "Reads",
                Effect: "Allow",
                Principal: { Service: "cloudfront.amazonaws.com" },
                Action: "s3:GetObject",
                Resource: `${arn}/*`,
                Condition: {
                  StringEquals: {
                    "aws:SourceArn": reference(resource, "aws_cloudfront_distribution", nameOf(distribution), "arn"),
                  },
                },
              },
            ];
      return sameStatements(value, [tlsOnly("s3:*", [arn, `${arn}/*`]), ...reads]);
    }),
    depends_on: equals("S3 refuses concurrent changes to a bucket's access", (resource) => [
      `aws_s3_bucket_public_access_block.${withoutSuffix(resource, "_policy")}_public_access_block`,
    ]),
  },
  aws_s3_bucket_versioning: {
    bucket: bucketOf("_versioning"),
    "versioning_configuration.status": is("Enabled", "what a deployment overwrites can be restored"),
  },
  aws_s3_bucket_lifecycle_configuration: {
    bucket: must("of a bucket of its module", (value, resource, world) =>
      neighbours(world, resource, "aws_s3_bucket").some(
        (bucket) =>
          value === reference(resource, "aws_s3_bucket", nameOf(bucket), "bucket") &&
          nameOf(bucket) === (nameOf(resource) === "abandoned_uploads" ? "files" : "results"),
      ),
    ),
    "rule.id": indifferent("a name for people"),
    "rule.status": is("Enabled", "it applies"),
    "rule.filter.prefix": is("", "to all objects"),
    "rule.abort_incomplete_multipart_upload.days_after_initiation": must(
      "a running export may take days",
      (value, resource) => (nameOf(resource) === "abandoned_uploads" ? value === 15 : value === 1),
    ),
    "rule.expiration.days": must(
      "results outlive the rows that name them, and nothing else expires",
      (value, resource, world) =>
        nameOf(resource) === "abandoned_uploads"
          ? value === undefined
          : typeof value === "number" && value > keepDays(world, resource) && value <= keepDays(world, resource) + 31,
    ),
  },
  aws_s3_object: {
    bucket: must(
      "code is with code, configuration with configuration",
      (value, resource) =>
        value ===
        (isFunctionCode(resource)
          ? "${aws_s3_bucket.code.bucket}"
          : reference(resource, "aws_s3_bucket", "configuration", "bucket")),
    ),
    key: must("distinct, and known to the functions", (value, resource, { prefix }) => {
      const name = nameOf(resource);
      if (isFunctionCode(resource))
        return value === `${prefix}-${resource.module}-${withoutSuffix(resource, "_code").replaceAll("_", "-")}.zip`;
      if (name.endsWith("_schema"))
        return (
          /^schemas\/\w+\.json$/.test(String(value)) &&
          String(value).toLowerCase() === `schemas/${name.replace(/_schema$/, "").replaceAll("_", "")}.json`
        );
      return value === `${name === "configuration_object" ? resource.module : name.replace(/_object$/, "")}.json`;
    }),
    content: must("is a list of targets, or an object", (value, resource) =>
      isFunctionCode(resource)
        ? value === undefined
        : Array.isArray(JSON.parse(isJson(value) ? value : "0")) === (resource.values["key"] === "targets.json") &&
          isJson(value),
    ),
    content_type: equals("what it is", (resource) =>
      isFunctionCode(resource)
        ? undefined
        : nameOf(resource).endsWith("_schema")
          ? "application/schema+json"
          : "application/json",
    ),
    source: must("is a file of the module, or there is content", (value, resource) =>
      isFunctionCode(resource)
        ? /^\$\{path\.module\}\/assets\/[\w-]+\.zip$/.test(String(value)) &&
          textAt(resource, "etag").includes(String(value))
        : value === undefined,
    ),
    etag: must("a change outside Terraform shows in a plan", (value, resource) =>
      isFunctionCode(resource)
        ? value === `\${filemd5("${textAt(resource, "source")}")}`
        : /^\$\{md5\(jsonencode\(var\.[^)]+\)\)\}$/.test(String(value)) && variableOf(resource, String(value)),
    ),
    source_hash: equals("new code is uploaded", (resource) =>
      isFunctionCode(resource) ? `\${filebase64sha256("${textAt(resource, "source")}")}` : undefined,
    ),
  },
  aws_kms_key: {
    description: FOR_PEOPLE,
    deletion_window_in_days: equals("a month to notice, where data is kept", (_, { protectsData }) =>
      protectsData ? 30 : 7,
    ),
    enable_key_rotation: is(true, "a new key each year"),
    "lifecycle.prevent_destroy": equals("what it encrypts would be lost", (_, { protectsData }) => protectsData),
    policy: must("administered by the account, used by CloudWatch for alarms of this account only", (value) =>
      sameStatements(value, [
        {
          Sid: "Administration",
          Effect: "Allow",
          Principal: {
            AWS: "arn:${data.aws_partition.key_partition.partition}:iam::${data.aws_caller_identity.key_account.account_id}:root",
          },
          Action: "kms:*",
          Resource: "*",
        },
        {
          Sid: "CloudWatchAlarms",
          Effect: "Allow",
          Principal: { Service: "cloudwatch.amazonaws.com" },
          Action: ["kms:Decrypt", "kms:GenerateDataKey*"],
          Resource: "*",
          Condition: {
            StringEquals: { "aws:SourceAccount": "${data.aws_caller_identity.key_account.account_id}" },
          },
        },
      ]),
    ),
  },
  aws_kms_alias: {
    name: equals("people know the key by it", (_, { prefix }) => `alias/${prefix}`),
    target_key_id: is("${aws_kms_key.key.key_id}", "names the key"),
  },
  aws_glue_catalog_database: {
    "": must("has a table for each export that Athena can read", (_, resource, world) => {
      return exportsReadByAthena(world, resource).every(
        (table) => neighbour(world, resource, "aws_glue_catalog_table", tableOf(table)) !== undefined,
      );
    }),
    description: FOR_PEOPLE,
    name: equals("Athena allows no hyphens", ({ module }, { prefix }) => `${prefix}-${module}`.replaceAll("-", "_")),
  },
  aws_glue_catalog_table: {
    description: FOR_PEOPLE,
    database_name: refersTo("aws_glue_catalog_database", "name", "is in the module's database", () => "database"),
    name: must(
      "the export's name, with underscores",
      (value, resource) => `athena_${String(value)}` === nameOf(resource),
    ),
    table_type: is("EXTERNAL_TABLE", "Athena reads S3"),
    parameters: must("partitions are projected by date from the export's own folder", (value, resource, world) => {
      const parameters =
        typeof value === "object" && value !== null
          ? new Map<string, unknown>(Object.entries(value))
          : new Map<string, unknown>();
      return (
        parameters.get("projection.enabled") === "true" &&
        parameters.get("classification") === (exportedBy(world, resource)?.format === "parquet" ? "parquet" : "json") &&
        parameters.get("projection.dt.type") === "date" &&
        parameters.get("projection.dt.format") === "yyyy-MM-dd" &&
        String(parameters.get("storage.location.template")) ===
          `${textAt(resource, "storage_descriptor.location")}dt=\${dt}/`
      );
    }),
    "partition_keys.name": is("dt", "a partition a day"),
    "partition_keys.type": is("string", "a partition a day"),
    "storage_descriptor.location": must(
      "the folder of the deployment's export",
      (value, resource) =>
        /\/_exports\/[^/]+account_id\}\/[^/]+region\.name\}\/[^/]+_exports_run\/(\w+)\/athena\/$/
          .exec(String(value).replaceAll("-", "_"))
          ?.at(1) === textAt(resource, "name"),
    ),
    "storage_descriptor.input_format": is(
      "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
      "a manifest lists the files of a run",
    ),
    "storage_descriptor.output_format": is(
      "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
      "Athena requires one",
    ),
    "storage_descriptor.columns.name": ATHENA_COLUMNS,
    "storage_descriptor.columns.type": ATHENA_COLUMNS,
    "storage_descriptor.ser_de_info.serialization_library": equals(
      "lines are read whole, and columns of Parquet by name",
      (resource, world) =>
        exportedBy(world, resource)?.format === "parquet"
          ? "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
          : "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    ),
    "storage_descriptor.ser_de_info.parameters": equals(
      "the delimiter is a sign that JSON does not contain",
      (resource, world) =>
        exportedBy(world, resource)?.format === "parquet"
          ? { "serialization.format": "1" }
          : { "field.delim": "\u0001" },
    ),
  },
};

interface ExportedTable {
  readonly name: string;
  readonly engine: string;
  readonly format: string;
  readonly layout: string;
  readonly columns?: Readonly<Record<string, string>>;
}

const isReadByAthena = (table: unknown): table is ExportedTable =>
  typeof table === "object" &&
  table !== null &&
  ["engine scan", "format ndjson parquet", "layout partitioned"].every((each) => {
    const [key = "", ...values] = each.split(" ");
    return values.includes(String(Reflect.get(table, key)));
  });
const tableOf = ({ name }: ExportedTable) => `athena_${name.replaceAll("-", "_")}`;

/** By the configuration in S3. */
function exportsReadByAthena(world: World, resource: Resource): readonly ExportedTable[] {
  return neighbours(world, resource, "aws_s3_object").flatMap(({ values }) =>
    at({ ...resource, values: { text: parsed(values["content"]) } }, "text.tables")
      .flat()
      .filter(isReadByAthena),
  );
}

/** The export of an Athena table. */
function exportedBy(world: World, resource: Resource): ExportedTable | undefined {
  return exportsReadByAthena(world, resource).find((table) => tableOf(table) === nameOf(resource));
}

/** Days that a task's row is kept. */
function keepDays(world: World, resource: Resource): number {
  const definition = neighbours(world, resource, "aws_sfn_state_machine")[0]?.values["definition"];
  return Number(/ \+ (\d+) \* 86400/.exec(String(definition))?.[1]);
}

function isJson(value: unknown): value is string {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

/** The object has the variable of its own name. */
function variableOf(resource: Resource, etag: string): boolean {
  const variable = /var\.(\w+)/.exec(etag)?.[1] ?? "";
  return nameOf(resource).startsWith(variable) || variable === resource.module;
}

const isStreamed = (world: World, resource: Resource) =>
  nameOf(resource).endsWith("_table") &&
  neighbours(world, resource, "aws_lambda_function").some(
    (each) => nameOf(each) === nameOf(resource).replace(/_table$/, "_notify"),
  );

/** Denies requests without TLS. */
export function tlsOnly(action: string, resource: string | readonly string[]): object {
  return {
    Sid: "TlsOnly",
    Effect: "Deny",
    Principal: "*",
    Action: action,
    Resource: resource,
    Condition: { Bool: { "aws:SecureTransport": "false" } },
  };
}
