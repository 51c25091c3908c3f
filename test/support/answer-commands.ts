/**
 * Answers the commands of an SDK client in this process. aws-sdk-client-mock compares each call with each expectation and keeps it, which is most
 * of the time of a test that makes thousands.
 */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** @param answers by the name of the command, such as `GetItemCommand`: the output, from the input; what is thrown is the service's error */
export function answerCommands(
  client: DynamoDBClient,
  answers: Readonly<Record<string, (input: never) => object | Promise<object>>>,
): void {
  client.middlewareStack.add(
    (_next, { commandName = "" }) =>
      async ({ input }) => {
        const answer = answers[commandName];
        if (answer === undefined) throw new Error(`unexpected ${commandName}`);
        return { output: { $metadata: {}, ...(await answer(input as never)) }, response: {} };
      },
    { step: "initialize", priority: "high" },
  );
}
