/** `almanac workflows approve <task>`: lets a task that waits for a person go on. */
import { decisionCommand } from "../../features/workflows/decision-command";

export const command = () =>
  decisionCommand("approved", {
    description: "Approves a task that waits for a person, and shows it. It waits no longer.",
    examples: ["npx almanac workflows approve order-1 --workflow refund"],
  });
