/**
 * Import before any other construct: cdktf records a complete stack trace with each of tens of thousands of tokens, which is a third of
 * the time of a synthesis, and shows it only in errors about unresolved tokens.
 */
import { createRequire } from "node:module";

// The module's own object: what `import` gives may be a copy.
const stackTrace: unknown = createRequire(__filename)("cdktf/lib/tokens/private/stack-trace");
if (typeof stackTrace === "object") Object.assign(stackTrace ?? {}, { captureStackTrace: () => [] });
