/** The pattern of a function behind a REST API. */
import type { Construct } from "constructs";
import type { AlarmSpec } from "../alarm-spec";
import { NodeFunction, type NodeFunctionProps } from "../resources/node-function";
import { RestApi, type RestApiProps, type Route } from "../resources/rest-api";

/** API Gateway's limit: a function that ends earlier loses what a caller would still have received. */
export const API_TIMEOUT_SECONDS = 29;

/** For functions behind a {@link RestApi}. */
export const COVERED_BY_API_ALARM: AlarmSpec = { disabled: "covered by the API's alarm for 5xx responses" };

export interface ApiFunctionProps<E> extends Omit<
  NodeFunctionProps<E>,
  "eventInvokeConfig" | "eventSource" | "alarms" | "timeoutSeconds"
> {
  readonly routes: readonly Omit<Route, "handler">[];
  readonly api: Omit<RestApiProps, "routes" | "alarms">;
  readonly alarms: RestApiProps["alarms"];
}

/** A function behind a REST API of its own. */
export class ApiFunction<E extends { readonly [Name in keyof E]: string }> extends NodeFunction<E> {
  readonly api: RestApi;

  constructor(scope: Construct, id: string, { routes, api, alarms, ...props }: ApiFunctionProps<E>) {
    super(scope, id, { ...props, timeoutSeconds: API_TIMEOUT_SECONDS, alarms: { errors: COVERED_BY_API_ALARM } });
    this.api = new RestApi(this, "rest", {
      ...api,
      routes: routes.map((route) => ({ ...route, handler: this })),
      alarms,
    });
  }
}
