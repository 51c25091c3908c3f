/** `almanac timers resume <id>`: resumes a timer, or all with a prefix. */
import { enableCommand } from "../../features/timers/enable-command";

export const command = () =>
  enableCommand(
    "resume",
    "Resumes a timer. Fires that were left out are not made up for; a one-shot whose time passed during the pause fires now.",
  );
