/** The Glue table with which Athena reads an export. */
import { GlueCatalogTable } from "@cdktf/provider-aws/lib/glue-catalog-table";
import { Construct } from "constructs";
import { RESOURCE } from "../constructs/readable-id";
import {
  FIRST_DAY,
  granularityOf,
  ITEM_COLUMN,
  symlinkFolder,
  type Granularity,
} from "../../functions/exports/contract";
import { attributesOf, type TableExport } from "./schema";

/** Whether Athena can read an export: NDJSON or Parquet in partitions. */
export function hasAthenaTable({ engine, format, layout }: TableExport): boolean {
  return engine === "scan" && format !== "json" && layout === "partitioned";
}

/** An export's folders. */
const PARTITIONS: Readonly<Record<Granularity, readonly string[]>> = {
  day: ["dt"],
  hour: ["dt", "hour"],
  minute: ["dt", "hour", "minute"],
};

export interface AthenaTableProps {
  readonly database: string;
  readonly bucket: string;
  /** `<account>/<region>/<state machine>` */
  readonly deployment: string;
  readonly table: TableExport;
}

/**
 * An Athena table over an export, partitioned by day, hour or minute, as its runs are. Partition projection makes new partitions visible
 * without a crawler. A partition is a list of the published run's files, so that a query sees one whole run, wherever the export's prefix puts
 * its files. Without columns, the item is one string column, `item`, for `json_extract`; Parquet always has it.
 */
export class AthenaTable extends Construct {
  constructor(scope: Construct, id: string, { database, bucket, deployment, table }: AthenaTableProps) {
    super(scope, id);
    const { name, columns, schedule, format } = table;
    const partitions = PARTITIONS[granularityOf(schedule)];
    const location = `s3://${bucket}/${symlinkFolder(deployment, name)}`;
    new GlueCatalogTable(this, RESOURCE, {
      databaseName: database,
      name: name.replaceAll("-", "_"),
      description: `Export of ${table.table}`,
      tableType: "EXTERNAL_TABLE",
      parameters: {
        classification: format === "parquet" ? "parquet" : "json",
        "projection.enabled": "true",
        "projection.dt.type": "date",
        "projection.dt.format": "yyyy-MM-dd",
        // Athena's NOW is in UTC: a schedule's time zone may be a day ahead.
        "projection.dt.range": `${FIRST_DAY},NOW+1DAYS`,
        ...Object.fromEntries(
          partitions.slice(1).flatMap((partition) => [
            [`projection.${partition}.type`, "integer"],
            [`projection.${partition}.range`, partition === "hour" ? "0,23" : "0,59"],
            [`projection.${partition}.digits`, "2"],
          ]),
        ),
        // `$${` is Terraform's escape for `${`.
        "storage.location.template": `${location}${partitions.map((each) => `${each}=$\${${each}}/`).join("")}`,
      },
      partitionKeys: partitions.map((partition) => ({ name: partition, type: "string" })),
      storageDescriptor: {
        location,
        inputFormat: "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
        outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        columns: Object.entries(columnsOf(table)).map(([column, type]) => ({
          // Glue folds names to lower case.
          name: column.toLowerCase(),
          // Hive takes a space for a part of a name, and fields of structs to have no capitals.
          type: type.replaceAll(/\s/g, "").toLowerCase(),
        })),
        serDeInfo:
          format === "parquet" ? PARQUET_SERDE : columns === undefined ? LINE_SERDE : jsonSerde(attributesOf(columns)),
      },
    });
  }
}

function columnsOf({ format, columns }: TableExport): Readonly<Record<string, string>> {
  return { ...columns, ...((columns === undefined || format === "parquet") && { [ITEM_COLUMN]: "string" }) };
}

/** Looks for columns by name. */
const PARQUET_SERDE = {
  serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
  parameters: { "serialization.format": "1" },
};

const LINE_SERDE = {
  serializationLibrary: "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
  // JSON escapes this byte, so it never separates fields.
  parameters: { "field.delim": "\u0001" },
};

/**
 * JSON's names are case-sensitive, and Glue's are not: a column, or a field of a struct, that is not in lower case is mapped to its attribute,
 * wherever the SerDe meets its name.
 */
function jsonSerde(attributes: readonly string[]) {
  const mapped = attributes.filter((attribute) => attribute !== attribute.toLowerCase());
  return {
    serializationLibrary: "org.openx.data.jsonserde.JsonSerDe",
    parameters: {
      "case.insensitive": "false",
      ...Object.fromEntries(mapped.map((attribute) => [`mapping.${attribute.toLowerCase()}`, attribute])),
    },
  };
}
