/** `npm run stop`, `almanac stop`: stops what `npm start` has started. */
import { stopLocal } from "../local/stop";
import { DocumentedCommand, EXIT, exitCodeOf, withHome } from "../shared/terminal/command-line";
import { homeAt } from "../shared/home";

export const command = () =>
  withHome(
    new DocumentedCommand({
      description: "Stops what npm start has started on this machine, and nothing else.",
      examples: ["npx almanac stop"],
    }),
  ).action(
    exitCodeOf(async ({ home }: { readonly home: string }) => {
      const stopped = await stopLocal(homeAt(home));
      console.log(stopped === undefined ? "Almanac was not running here." : `Stopped what ran at ${stopped.endpoint}.`);
      return EXIT.ok;
    }),
  );
