/**
 * Import before any other construct: cdktf records a complete stack trace with each of tens of thousands of tokens, which is a third of
 * the time of a synthesis, and shows it only in errors about unresolved tokens.
 */
import * as stackTrace from "cdktf/lib/tokens/private/stack-trace";

Object.assign(stackTrace, { captureStackTrace: () => [] });
