/** The fields of the objects within a state. asl-validator takes any in most of them. */
import type { State } from "./machine";
import { isRecord, type Fields, type QueryLanguage } from "./values";

interface ObjectFields {
  readonly of: string;
  /** Beside those of both languages. */
  readonly JSONata?: string;
  readonly JSONPath?: string;
}

const RULE: ObjectFields = { of: "Comment Next Assign", JSONata: "Condition Output" };

/** By the name of the field that has the object, or a list of them. */
const OBJECTS: Readonly<Record<string, ObjectFields>> = {
  Retry: { of: "Comment ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds JitterStrategy" },
  Catch: { of: "Comment ErrorEquals Next Assign", JSONata: "Output", JSONPath: "ResultPath" },
  Choices: RULE,
  Credentials: { of: "RoleArn", JSONPath: "RoleArn.$" },
  ItemReader: { of: "Comment Resource ReaderConfig", JSONata: "Arguments", JSONPath: "Parameters" },
  ItemBatcher: {
    of: "Comment MaxItemsPerBatch MaxInputBytesPerBatch BatchInput",
    JSONPath: "MaxItemsPerBatchPath MaxInputBytesPerBatchPath",
  },
  ResultWriter: { of: "Comment Resource WriterConfig", JSONata: "Arguments", JSONPath: "Parameters" },
  ProcessorConfig: { of: "Mode ExecutionType" },
};

/** The conditions of JSONPath. */
const CONDITION =
  /^(Variable|And|Or|Not|Is(Present|Null|Boolean|Numeric|String|Timestamp)|BooleanEquals(Path)?|StringMatches|(String|Numeric|Timestamp)(Equals|(Less|Greater)Than(Equals)?)(Path)?)$/;

export function objectFaults(state: State, language: QueryLanguage): string[] {
  const fields: Fields = { ...state };
  const objects = { ...fields, ProcessorConfig: state.ItemProcessor?.ProcessorConfig };
  return Object.entries(objects).flatMap(([name, value]: [string, unknown]) => {
    const known = OBJECTS[name];
    if (known === undefined) return [];
    const names = new Set([known.of, known[language] ?? ""].join(" ").split(" "));
    const isKnown = (field: string) =>
      names.has(field) || (language === "JSONPath" && known === RULE && CONDITION.test(field));
    return [value]
      .flat()
      .filter(isRecord)
      .flatMap((object) => [
        ...Object.keys(object)
          .filter((field) => !isKnown(field))
          .map((field) => `has ${field} in ${name}, which does not have it in ${language}`),
        ...commentFaults(object, name),
      ]);
  });
}

function commentFaults({ Comment }: Fields, place: string): string[] {
  return Comment === undefined || typeof Comment === "string" ? [] : [`has a Comment in ${place} that is no text`];
}

/** Whether a condition within another one may have the field. */
export function isOfCondition(field: string): boolean {
  return CONDITION.test(field);
}
