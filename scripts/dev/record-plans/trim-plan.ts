/** What a review reads of a plan, and little else. */
import type { Plan } from "../../review/plan";

/** Of changed resources, what takes room and tells a review nothing. */
const LEFT_OUT = /^(\/\/|tags|tags_all|source_code_hash|code_sha256)$/;

/** Of what only costs, or is referred to: what the estimate and the references read. */
const KEPT =
  /arn|^(id|name|role|rule|policy|uri|bucket|definition|memory_size|tracing_config|period|namespace|metric_name|metric_query|dimensions|dashboard_body|schedule_expression|state|account_id|partition|function_name|credentials|constant_value)$/;

const without = (text: string, keep: (key: string) => boolean): unknown =>
  JSON.parse(text, (key, value: unknown) => (keep(key) && value !== null ? value : undefined));

/** The blocks that hold values are kept whole; in them, what is read. */
function trimmed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(trimmed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]: [string, unknown]) => {
      if (key !== "values" && key !== "expressions") return [key, trimmed(part)];
      const fields = Object.entries(part as object).filter(([name]) => KEPT.test(name) || key === "expressions");
      return [key, "root_module" in (part as object) ? trimmed(part) : Object.fromEntries(fields)];
    }),
  );
}

export function trimPlan({ resource_changes, ...rest }: Plan): string {
  const changed = resource_changes.filter(
    ({ change }) => !change.actions.every((action) => /^(no-op|read)$/.test(action)),
  );
  return JSON.stringify({
    ...(without(JSON.stringify(trimmed(rest)), (key) => key !== "references") as object),
    resource_changes: without(JSON.stringify(changed), (key) => !LEFT_OUT.test(key)),
  });
}
