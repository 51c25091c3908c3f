/** Starts the page of the console. */
import { render } from "preact";
import { App } from "./app";
import { openSession } from "./server";

const root = document.getElementById("console");
if (root !== null) {
  // A token that was used before: the page says so, because its views are refused.
  void openSession()
    .catch(() => undefined)
    .then(() => {
      render(<App />, root);
    });
}
