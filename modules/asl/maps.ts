/** Where distributed maps read their items and write their results, and their limits. */
import { inRange, isLiteral, isRecord, recordsOf, type Fields } from "./values";

export function mapFaults(fields: Fields): string[] {
  const { Label, ItemBatcher, ItemReader, ResultWriter, Items, ItemsPath, ItemProcessor } = fields;
  const [processor] = recordsOf([ItemProcessor]);
  const [{ Mode } = {}] = recordsOf([processor?.["ProcessorConfig"]]);
  const distributed = Object.keys(fields).filter((name) =>
    /^(Tolerated|ItemReader|ItemBatcher|ResultWriter|Label)/.test(name),
  );
  const [batcher] = recordsOf([ItemBatcher]);
  const isLabel =
    typeof Label !== "string" || (/^[^\s?*<>{}[\]:;,\\|^~$#%&`"]{1,40}$/.test(Label) && !/\p{Cc}/u.test(Label));
  const { MaxItemsPerBatch, MaxInputBytesPerBatch } = batcher ?? {};
  const isEmpty = batcher !== undefined && Object.keys(batcher).every((name) => !name.startsWith("Max"));
  return [
    ...(isLabel ? [] : ["has a Label that is not 1 to 40 characters without spaces, brackets and wildcards"]),
    ...(ItemReader !== undefined && (Items ?? ItemsPath) !== undefined
      ? ["has items of its own beside an ItemReader"]
      : []),
    ...(processor === undefined || Mode === "DISTRIBUTED"
      ? []
      : distributed.map((name) => `has ${name}, which only distributed maps have`)),
    ...recordsOf([ItemReader]).flatMap(readerFaults),
    ...recordsOf([ItemReader]).flatMap((reader) => locationFaults(reader, READERS)),
    ...recordsOf([ResultWriter]).flatMap((writer) =>
      // With its WriterConfig alone, it writes into the state's result.
      Object.keys(writer).some((name) => name !== "Comment" && name !== "WriterConfig") || !("WriterConfig" in writer)
        ? locationFaults(writer, WRITERS)
        : [],
    ),
    ...recordsOf([ResultWriter]).flatMap(writerFaults),
    ...(isEmpty ? ["has an ItemBatcher without MaxItemsPerBatch and MaxInputBytesPerBatch"] : []),
    ...inRange("MaxItemsPerBatch", MaxItemsPerBatch, 1, Infinity),
    ...inRange("MaxInputBytesPerBatch", MaxInputBytesPerBatch, 1, 262_144),
    ...Object.entries({ MaxItemsPerBatch, MaxInputBytesPerBatch })
      .filter(([, value]) => value !== undefined && typeof value !== "number" && (isLiteral(value) || isRecord(value)))
      .map(([name]) => `has ${name} that is no number`),
  ];
}

/** Of an ItemReader or a ResultWriter. */
function locationFaults({ Resource, Arguments, Parameters }: Fields, resources: ReadonlySet<string>): string[] {
  const call = /^arn:[^:]*:states:::(.*)$/.exec(String(Resource))?.[1] ?? "";
  if (!resources.has(call)) return [`has ${String(Resource)} as the place of its items or results`];
  const location = Arguments ?? Parameters;
  if (location !== undefined && !isRecord(location)) return [];
  const names = Object.keys(location ?? {}).map((name) => name.replace(/\.\$$/, ""));
  const { needed, optional } = call === "s3:getObject" ? OBJECT : FOLDER;
  const { Bucket, Key, Prefix } = location ?? {};
  const isBucket = !isLiteral(Bucket) || /^([a-z\d][a-z\d.-]{0,62}|arn:.*)$/.test(Bucket);
  return [
    ...needed
      .filter((name) => !names.includes(name) || location?.[name] === "")
      .map((name) => `has no ${name} for ${String(Resource)}`),
    ...names
      .filter((name) => !needed.includes(name) && !optional.includes(name))
      .map((name) => `has ${name} for ${String(Resource)}, which does not take it`),
    ...(isBucket ? [] : [`has the Bucket ${Bucket}, which is no name of one`]),
    ...Object.entries({ Bucket, Key, Prefix })
      .filter(([, value]) => value !== undefined && typeof value !== "string")
      .map(([name]) => `has a ${name} for ${String(Resource)} that is no text`),
  ];
}

const OBJECT = { needed: ["Bucket", "Key"], optional: ["VersionId", "ExpectedBucketOwner", "RequestPayer"] };
const FOLDER = {
  needed: ["Bucket"],
  optional: ["Prefix", "Delimiter", "EncodingType", "ExpectedBucketOwner", "RequestPayer", "StartAfter"],
};

const READERS = new Set(["s3:getObject", "s3:listObjectsV2"]);
const WRITERS = new Set(["s3:putObject"]);

/** What an ItemReader's fields can be, where they are text. */
const READER_VALUES: Readonly<Record<string, readonly string[]>> = {
  InputType: ["CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"],
  CSVHeaderLocation: ["FIRST_ROW", "GIVEN"],
  CSVDelimiter: ["COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"],
  Transformation: ["NONE", "LOAD_AND_FLATTEN"],
  ManifestType: ["ATHENA_DATA", "S3_INVENTORY"],
};

const READER_FIELDS = new Set([
  ...Object.keys(READER_VALUES),
  ...["CSVHeaders", "ItemsPointer", "MaxItems", "MaxItemsPath"],
]);

/** What a ResultWriter's fields can be. */
const WRITER_VALUES: Readonly<Record<string, readonly string[]>> = {
  Transformation: ["NONE", "COMPACT", "FLATTEN"],
  OutputType: ["JSON", "JSONL"],
};

function writerFaults({ WriterConfig }: Fields): string[] {
  return recordsOf([WriterConfig])
    .flatMap((config) => Object.entries(config))
    .filter(([name, value]) => WRITER_VALUES[name]?.includes(String(value)) !== true)
    .map(([name, value]) => `has a ResultWriter with ${name} ${String(value)}`);
}

const MAX_HEADER_BYTES = 10_240;
const MAX_ITEMS_READ = 100_000_000;

function readerFaults({ Resource, ReaderConfig }: Fields): string[] {
  const [config = {}] = recordsOf([ReaderConfig]);
  const { InputType, CSVHeaderLocation, CSVHeaders, ItemsPointer, MaxItems, Transformation } = config;
  // A manifest's files can be of any type.
  const ofOther = Object.keys(config).filter(
    (name) =>
      (name.startsWith("CSV") && !["CSV", "MANIFEST", undefined].some((type) => type === InputType)) ||
      (name === "ManifestType" && InputType !== "MANIFEST") ||
      (name === "ItemsPointer" && InputType !== "JSON"),
  );
  const unknown = Object.entries(config).filter(
    ([name, value]) => typeof value === "string" && READER_VALUES[name]?.includes(value) === false,
  );
  return [
    ...((String(Resource).endsWith(":getObject") || Transformation === "LOAD_AND_FLATTEN") && InputType === undefined
      ? ["has an ItemReader that reads an object without InputType"]
      : []),
    ...(Array.isArray(CSVHeaders) && !CSVHeaders.every((header) => typeof header === "string")
      ? ["has an ItemReader with CSVHeaders that are no texts"]
      : []),
    ...unknown.map(([name, value]) => `has an ItemReader with ${name} ${String(value)}`),
    ...Object.keys(config)
      .filter((name) => !READER_FIELDS.has(name))
      .map((name) => `has an ItemReader with ${name}, which does not exist`),
    ...(InputType === "CSV" && CSVHeaderLocation === undefined
      ? ["has an ItemReader of CSV without CSVHeaderLocation"]
      : []),
    ...(CSVHeaderLocation === "FIRST_ROW" && CSVHeaders !== undefined
      ? ["has an ItemReader with CSVHeaders beside those of the first row"]
      : []),
    ...(Array.isArray(CSVHeaders) && CSVHeaders.length === 0 ? ["has an ItemReader with empty CSVHeaders"] : []),
    ...(Array.isArray(CSVHeaders) && Buffer.byteLength(CSVHeaders.join(",")) > MAX_HEADER_BYTES
      ? [`has an ItemReader with CSVHeaders of more than ${MAX_HEADER_BYTES} bytes`]
      : []),
    ...(typeof ItemsPointer === "string" && !/^\/|\$\{|\{%/.test(ItemsPointer)
      ? [`has an ItemReader with the ItemsPointer ${ItemsPointer}, which is no JSON Pointer`]
      : []),
    ...ofOther.map((name) => `has an ItemReader with ${name}, which its InputType does not have`),
    ...(CSVHeaderLocation === "GIVEN" && CSVHeaders === undefined ? ["has an ItemReader without the CSVHeaders"] : []),
    ...inRange("MaxItems", MaxItems, 1, MAX_ITEMS_READ),
  ];
}
