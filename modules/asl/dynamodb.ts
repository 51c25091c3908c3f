/** DynamoDB's expressions and values in the arguments of a task. */
import { syntaxFault } from "./dynamodb-expressions";
import { attributeFaults, keyFaults } from "./parameters";
import { EXPRESSION, isRecord, type Fields } from "./values";

/**
 * They are not allowed as names of attributes in an expression.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
 */
const RESERVED = new Set(
  (
    "ABORT ABSOLUTE ACTION ADD AFTER AGENT AGGREGATE ALL ALLOCATE ALTER ANALYZE AND ANY ARCHIVE ARE ARRAY AS ASC " +
    "ASCII ASENSITIVE ASSERTION ASYMMETRIC AT ATOMIC ATTACH ATTRIBUTE AUTH AUTHORIZATION AUTHORIZE AUTO AVG BACK " +
    "BACKUP BASE BATCH BEFORE BEGIN BETWEEN BIGINT BINARY BIT BLOB BLOCK BOOLEAN BOTH BREADTH BUCKET BULK BY BYTE " +
    "CALL CALLED CALLING CAPACITY CASCADE CASCADED CASE CAST CATALOG CHAR CHARACTER CHECK CLASS CLOB CLOSE CLUSTER " +
    "CLUSTERED CLUSTERING CLUSTERS COALESCE COLLATE COLLATION COLLECTION COLUMN COLUMNS COMBINE COMMENT COMMIT " +
    "COMPACT COMPILE COMPRESS CONDITION CONFLICT CONNECT CONNECTION CONSISTENCY CONSISTENT CONSTRAINT CONSTRAINTS " +
    "CONSTRUCTOR CONSUMED CONTINUE CONVERT COPY CORRESPONDING COUNT COUNTER CREATE CROSS CUBE CURRENT CURSOR CYCLE " +
    "DATA DATABASE DATE DATETIME DAY DEALLOCATE DEC DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED DEFINE DEFINED " +
    "DEFINITION DELETE DELIMITED DEPTH DEREF DESC DESCRIBE DESCRIPTOR DETACH DETERMINISTIC DIAGNOSTICS DIRECTORIES " +
    "DISABLE DISCONNECT DISTINCT DISTRIBUTE DO DOMAIN DOUBLE DROP DUMP DURATION DYNAMIC EACH ELEMENT ELSE ELSEIF " +
    "EMPTY ENABLE END EQUAL EQUALS ERROR ESCAPE ESCAPED EVAL EVALUATE EXCEEDED EXCEPT EXCEPTION EXCEPTIONS EXCLUSIVE " +
    "EXEC EXECUTE EXISTS EXIT EXPLAIN EXPLODE EXPORT EXPRESSION EXTENDED EXTERNAL EXTRACT FAIL FALSE FAMILY FETCH " +
    "FIELDS FILE FILTER FILTERING FINAL FINISH FIRST FIXED FLATTERN FLOAT FOR FORCE FOREIGN FORMAT FORWARD FOUND FREE " +
    "FROM FULL FUNCTION FUNCTIONS GENERAL GENERATE GET GLOB GLOBAL GO GOTO GRANT GREATER GROUP GROUPING HANDLER HASH " +
    "HAVE HAVING HEAP HIDDEN HOLD HOUR IDENTIFIED IDENTITY IF IGNORE IMMEDIATE IMPORT IN INCLUDING INCLUSIVE " +
    "INCREMENT INCREMENTAL INDEX INDEXED INDEXES INDICATOR INFINITE INITIALLY INLINE INNER INNTER INOUT INPUT " +
    "INSENSITIVE INSERT INSTEAD INT INTEGER INTERSECT INTERVAL INTO INVALIDATE IS ISOLATION ITEM ITEMS ITERATE JOIN " +
    "KEY KEYS LAG LANGUAGE LARGE LAST LATERAL LEAD LEADING LEAVE LEFT LENGTH LESS LEVEL LIKE LIMIT LIMITED LINES LIST " +
    "LOAD LOCAL LOCALTIME LOCALTIMESTAMP LOCATION LOCATOR LOCK LOCKS LOG LOGED LONG LOOP LOWER MAP MATCH MATERIALIZED " +
    "MAX MAXLEN MEMBER MERGE METHOD METRICS MIN MINUS MINUTE MISSING MOD MODE MODIFIES MODIFY MODULE MONTH MULTI " +
    "MULTISET NAME NAMES NATIONAL NATURAL NCHAR NCLOB NEW NEXT NO NONE NOT NULL NULLIF NUMBER NUMERIC OBJECT OF " +
    "OFFLINE OFFSET OLD ON ONLINE ONLY OPAQUE OPEN OPERATOR OPTION OR ORDER ORDINALITY OTHER OTHERS OUT OUTER OUTPUT " +
    "OVER OVERLAPS OVERRIDE OWNER PAD PARALLEL PARAMETER PARAMETERS PARTIAL PARTITION PARTITIONED PARTITIONS PATH " +
    "PERCENT PERCENTILE PERMISSION PERMISSIONS PIPE PIPELINED PLAN POOL POSITION PRECISION PREPARE PRESERVE PRIMARY " +
    "PRIOR PRIVATE PRIVILEGES PROCEDURE PROCESSED PROJECT PROJECTION PROPERTY PROVISIONING PUBLIC PUT QUERY QUIT " +
    "QUORUM RAISE RANDOM RANGE RANK RAW READ READS REAL REBUILD RECORD RECURSIVE REDUCE REF REFERENCE REFERENCES " +
    "REFERENCING REGEXP REGION REINDEX RELATIVE RELEASE REMAINDER RENAME REPEAT REPLACE REQUEST RESET RESIGNAL " +
    "RESOURCE RESPONSE RESTORE RESTRICT RESULT RETURN RETURNING RETURNS REVERSE REVOKE RIGHT ROLE ROLES ROLLBACK " +
    "ROLLUP ROUTINE ROW ROWS RULE RULES SAMPLE SATISFIES SAVE SAVEPOINT SCAN SCHEMA SCOPE SCROLL SEARCH SECOND " +
    "SECTION SEGMENT SEGMENTS SELECT SELF SEMI SENSITIVE SEPARATE SEQUENCE SERIALIZABLE SESSION SET SETS SHARD SHARE " +
    "SHARED SHORT SHOW SIGNAL SIMILAR SIZE SKEWED SMALLINT SNAPSHOT SOME SOURCE SPACE SPACES SPARSE SPECIFIC " +
    "SPECIFICTYPE SPLIT SQL SQLCODE SQLERROR SQLEXCEPTION SQLSTATE SQLWARNING START STATE STATIC STATUS STORAGE STORE " +
    "STORED STREAM STRING STRUCT STYLE SUB SUBMULTISET SUBPARTITION SUBSTRING SUBTYPE SUM SUPER SYMMETRIC SYNONYM " +
    "SYSTEM TABLE TABLESAMPLE TEMP TEMPORARY TERMINATED TEXT THAN THEN THROUGHPUT TIME TIMESTAMP TIMEZONE TINYINT TO " +
    "TOKEN TOTAL TOUCH TRAILING TRANSACTION TRANSFORM TRANSLATE TRANSLATION TREAT TRIGGER TRIM TRUE TRUNCATE TTL " +
    "TUPLE TYPE UNDER UNDO UNION UNIQUE UNIT UNKNOWN UNLOGGED UNNEST UNPROCESSED UNSIGNED UNTIL UPDATE UPPER URL " +
    "USAGE USE USER USERS USING UUID VACUUM VALUE VALUED VALUES VARCHAR VARIABLE VARIANCE VARINT VARYING VIEW VIEWS " +
    "VIRTUAL VOID WAIT WHEN WHENEVER WHERE WHILE WINDOW WITH WITHIN WITHOUT WORK WRAPPED WRITE YEAR ZONE"
  ).split(" "),
);

/** The reserved words with a meaning in expressions. */
const KEYWORDS = new Set(["ADD", "AND", "BETWEEN", "DELETE", "IN", "NOT", "OR", "REMOVE", "SET"]);

const PLACEHOLDERS = ["ExpressionAttributeNames", "ExpressionAttributeValues"] as const;

/** Placeholders of DynamoDB's expressions: all that are used are given, and all that are given are used. */
export function dynamoFaults({ Resource, Arguments, Parameters }: Fields): string[] {
  // Others have expressions, too: a schedule's is `rate(1 day)`.
  if (!String(Resource).includes(":dynamodb:")) return [];
  const call = Arguments === undefined ? Parameters : Arguments;
  const fields = isRecord(call) ? call : {};
  const expressions = Object.entries(fields).filter(([name]) => name.endsWith("Expression"));
  const numbers = [
    ...keyFaults(fields["Key"]),
    ...returnFaults(Resource, fields["ReturnValues"]),
    ...[fields["Item"], fields["Key"], fields["ExpressionAttributeValues"]].flatMap(attributeFaults),
    ...numberFaults(fields),
  ];
  const empty = PLACEHOLDERS.filter(
    (name) => fields[name] !== undefined && Object.keys(Object(fields[name]) as object).length === 0,
  );
  if (empty.length > 0) return empty.map((name) => `has empty ${name}, which DynamoDB refuses`);
  const isUnknown =
    Object.keys(fields).some((name) => /^(ExpressionAttribute\w+|\w+Expression)\.\$$/.test(name)) ||
    PLACEHOLDERS.some((name) => typeof fields[name] === "string");
  if (isUnknown || expressions.some(([, text]) => EXPRESSION.test(String(text)))) return numbers;
  const used = new Set(expressions.flatMap(([, text]) => String(text).match(/[#:][A-Za-z0-9_]+/g) ?? []));
  const given = new Set(
    PLACEHOLDERS.flatMap((name) => Object.keys(Object(fields[name]) as object)).map((name) =>
      name.replace(/\.\$$/, ""),
    ),
  );
  return [
    ...[...used].filter((name) => !given.has(name)).map((name) => `uses ${name}, which has no value`),
    ...[...given].filter((name) => !used.has(name)).map((name) => `has a value for ${name}, which no expression uses`),
    ...expressions.flatMap(([name, text]) => textFaults(name, String(text), fields)),
    ...numbers,
  ];
}

function textFaults(name: string, text: string, { Key, ExpressionAttributeNames }: Fields): string[] {
  const reserved = reservedIn(text);
  if (reserved.length > 0 || text.includes("${")) return reserved;
  const key = isRecord(Key) ? Object.keys(Key) : [];
  const names = isRecord(ExpressionAttributeNames) ? ExpressionAttributeNames : {};
  return [syntaxFault(name, text, { key, names })].filter((fault) => fault !== undefined);
}

/** What a call can return, by the end of its resource. */
const RETURN_VALUES: Readonly<Record<string, readonly string[]>> = {
  putItem: ["NONE", "ALL_OLD"],
  deleteItem: ["NONE", "ALL_OLD"],
  updateItem: ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"],
};

function returnFaults(resource: unknown, value: unknown): string[] {
  const [, call = ""] = /:dynamodb:(\w+)/.exec(String(resource)) ?? [];
  const known = RETURN_VALUES[call];
  if (known === undefined || typeof value !== "string" || /\$\{|^\{%/.test(value) || known.includes(value)) return [];
  return [`has ReturnValues ${value}, which ${call} does not have`];
}

/** Names of attributes, and not those of functions, that are reserved. */
function reservedIn(expression: string): string[] {
  const names = expression.replace(/\$\{[^}]*\}/g, "").match(/(?<![#:\w])[A-Za-z_]\w*(?!\w|\s*\()/g) ?? [];
  const reserved = names.filter((name) => RESERVED.has(name.toUpperCase()) && !KEYWORDS.has(name.toUpperCase()));
  return [...new Set(reserved)].map((name) => `has ${name} in an expression, which DynamoDB reserves: write #${name}`);
}

/** `{ N: "text" }` */
function numberFaults(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(numberFaults);
  if (!isRecord(value)) return [];
  const { N, NS, ...others } = value;
  const isAttribute = Object.keys(others).length === 0;
  const numbers = isAttribute ? [N, NS].flat().filter((number) => typeof number === "string") : [];
  return [
    ...numbers
      .filter((number) => !EXPRESSION.test(number) && !number.includes("${") && !isNumber(number))
      .map((number) => `has ${JSON.stringify(number)} as a number of DynamoDB`),
    ...Object.values(value).flatMap(numberFaults),
  ];
}

/** At most 38 digits, from 10^-130 to below 10^126. */
function isNumber(text: string): boolean {
  const [number, whole = "", fraction = "", exponent = "0"] =
    /^-?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (number === undefined || whole + fraction === "") return false;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "").length;
  const power = digits.length - fraction.length + Number(exponent) - 1;
  return significant === 0 || (significant <= 38 && power >= -130 && power <= 125);
}
