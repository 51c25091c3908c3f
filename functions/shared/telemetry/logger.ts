/** The structured logger, which encodes texts from outside. */
import { Logger } from "@aws-lambda-powertools/logger";

import { errorCode, errorMessage, errorName, fieldOf, withoutContent } from "../errors";
import { truncate, visibleLines } from "../text";

export type { Logger };

/** Of one text in an entry. Stack traces are shorter. */
const MAX_CHARACTERS = 8_000;

/** Structured logs: one JSON line per entry, with `service` (the feature) and `environment`. Texts are encoded: see text.ts. */
export function createLogger(feature: string, environment: string): Logger {
  return new Logger({
    serviceName: feature,
    persistentKeys: { environment },
    jsonReplacerFn: (_, value) => encoded(value),
  });
}

/** JSON escapes line breaks and ESC, but neither C1 controls nor what reorders text. */
function encoded(value: unknown): unknown {
  if (typeof value === "string") return visibleLines(truncate(value, MAX_CHARACTERS));
  return value instanceof Error ? described(withoutContent(value)) : value;
}

/** No other fields: those of an HTTP client's error are the request with its headers. */
function described(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return {
    name: errorName(error),
    message: errorMessage(error),
    stack: error.stack,
    cause: fieldOf(error, "cause"),
    code: errorCode(error),
    $metadata: fieldOf(error, "$metadata"), // AWS's status and request id
  };
}
