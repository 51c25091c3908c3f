import { GlueCatalogTable } from "@cdktf/provider-aws/lib/glue-catalog-table";
import { Construct } from "constructs";
import { RESOURCE } from "../constructs/readable-id";
import type { TableExport } from "./schema";

/** Whether Athena can read an export: NDJSON in daily folders, without other files. */
export function hasAthenaTable({ engine, format, layout }: TableExport): boolean {
  return engine === "scan" && format === "ndjson" && layout === "partitioned";
}

export interface AthenaTableProps {
  readonly database: string;
  readonly bucket: string;
  readonly table: TableExport;
}

/**
 * An Athena table over an export, partitioned by day. Partition projection makes new days visible without a crawler. Without columns,
 * each line is one string column, `item`, for `json_extract`.
 */
export class AthenaTable extends Construct {
  constructor(scope: Construct, id: string, { database, bucket, table }: AthenaTableProps) {
    super(scope, id);
    const { name, prefix = `${name}/`, columns } = table;
    const location = `s3://${bucket}/${prefix}`;
    new GlueCatalogTable(this, RESOURCE, {
      databaseName: database,
      name: name.replaceAll("-", "_"),
      description: `Export of ${table.table}`,
      tableType: "EXTERNAL_TABLE",
      parameters: {
        classification: "json",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2020-01-01,NOW",
        // `$${` is Terraform's escape for `${`.
        "storage.location.template": `${location}dt=$\${dt}/`,
      },
      partitionKeys: [{ name: "dt", type: "string" }],
      storageDescriptor: {
        location,
        inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
        outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        columns: Object.entries(columns ?? { item: "string" }).map(([column, type]) => ({ name: column, type })),
        serDeInfo:
          columns === undefined
            ? {
                serializationLibrary: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                // JSON escapes this byte, so it never separates fields.
                parameters: { "field.delim": "\u0001" },
              }
            : {
                serializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
                parameters: { "case.insensitive": "false" },
              },
      },
    });
  }
}
