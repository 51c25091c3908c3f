import { GlueCatalogTable } from "@cdktf/provider-aws/lib/glue-catalog-table";
import { Construct } from "constructs";
import { RESOURCE } from "../constructs/readable-id";
import type { TableExport } from "./schema";

/** Whether Athena can read an export: lines, a folder a day, and no other files among them. */
export function hasAthenaTable({ engine, format, layout }: TableExport): boolean {
  return engine === "scan" && format === "ndjson" && layout === "partitioned";
}

export interface AthenaTableProps {
  readonly database: string;
  readonly bucket: string;
  readonly table: TableExport;
}

/**
 * A table of Athena's over an export, a partition a day. Partitions are projected: a new day is there without anybody adding it.
 * Without columns, each line is one text, `item`, to be taken apart by `json_extract`.
 */
export class AthenaTable extends Construct {
  constructor(scope: Construct, id: string, { database, bucket, table }: AthenaTableProps) {
    super(scope, id);
    const { name, prefix = `${name}/`, columns } = table;
    const location = `s3://${bucket}/${prefix}`;
    new GlueCatalogTable(this, RESOURCE, {
      databaseName: database,
      name: name.replaceAll("-", "_"),
      description: `What was exported of ${table.table}`,
      tableType: "EXTERNAL_TABLE",
      parameters: {
        classification: "json",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        "projection.dt.range": "2020-01-01,NOW",
        // `$${` is Terraform's way to write `${`.
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
                // A byte that JSON has only escaped: the line is one field.
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
