/** fast-check. Its inputs are the same in each run of the tests, so that a change fails for its own faults alone, and others every night. */
import fc from "fast-check";

import { IS_NIGHTLY } from "./sized";

if (!IS_NIGHTLY) fc.configureGlobal({ seed: 1 });

export default fc;
