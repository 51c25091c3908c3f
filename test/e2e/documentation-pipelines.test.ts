/** The documents' commands of pipelines: not beside the suite `pipelines`, in which Slack fails on purpose. */
import { testDocumentedCommands } from "./support/documented-commands";

describe("of the documents, this command succeeds:", () => {
  testDocumentedCommands((command) => command.startsWith("pipelines "));
});
