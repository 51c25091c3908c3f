/** The events of the watcher of the sources, one JSON document a line. */
import * as z from "zod";

export const liveEventSchema = z.discriminatedUnion("kind", [
  /** It watches. `functions`: how many follow their sources. */
  z.object({ kind: z.literal("watching"), functions: z.int() }),
  /** New code is in these functions. */
  z.object({ kind: z.literal("live"), functions: z.array(z.string()), seconds: z.number() }),
  /** A change does not build, or Lambda refuses it. */
  z.object({ kind: z.literal("failed"), message: z.string() }),
  /** A change that Terraform has to apply. Paths relative to the project. */
  z.object({ kind: z.literal("stack"), files: z.array(z.string()) }),
  /** Such changes were undone: all is as Terraform has applied it. */
  z.object({ kind: z.literal("undone") }),
  /** The compiler's errors in what was changed; none: they are mended. */
  z.object({ kind: z.literal("types"), errors: z.array(z.string()) }),
  /** The watcher has ended by itself. */
  z.object({ kind: z.literal("ended"), reason: z.string() }),
]);
export type LiveEvent = z.output<typeof liveEventSchema>;
