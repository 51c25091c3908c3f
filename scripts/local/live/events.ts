/** What the watcher of the sources says, one JSON document a line. */
import * as z from "zod";

export const liveEventSchema = z.discriminatedUnion("kind", [
  /** It watches; so many functions follow their sources. */
  z.object({ kind: z.literal("watching"), functions: z.int() }),
  /** New code is in these functions. */
  z.object({ kind: z.literal("live"), functions: z.array(z.string()), seconds: z.number() }),
  /** A change does not build, or Lambda refuses it. */
  z.object({ kind: z.literal("failed"), message: z.string() }),
  /** A change that Terraform has to apply. Paths relative to the project. */
  z.object({ kind: z.literal("stack"), files: z.array(z.string()) }),
  /** The compiler's errors in the files that were changed; none: they are right again. */
  z.object({ kind: z.literal("types"), errors: z.array(z.string()) }),
]);
export type LiveEvent = z.output<typeof liveEventSchema>;
