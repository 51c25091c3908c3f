/** The constructors of machines and states without the types of their fields: what the compiler refuses comes from JavaScript. */
import { jsonata, jsonpath } from "../../modules/asl/asl";

type Untyped<Constructors> = {
  // A method, whose parameters TypeScript compares both ways.
  readonly [Name in keyof Constructors]: { construct(fields?: object): object }["construct"];
};

export const untypedJsonata: Untyped<typeof jsonata> = jsonata;
export const untypedJsonpath: Untyped<typeof jsonpath> = jsonpath;
