/** Set-up of the tests in a running system and in a browser. */
import { UNTIL_HUNG_MS } from "./time-limit";

jest.setTimeout(UNTIL_HUNG_MS);
