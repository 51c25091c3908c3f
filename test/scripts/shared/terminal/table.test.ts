/** Tables of text, on a terminal and in a pipe. */
import { table } from "../../../../scripts/shared/terminal/table";

describe("a table with a long id", () => {
  const id = `a${"😀".repeat(254)}z`;
  const rows = [
    ["tea", "every 15 minutes", "s3://tea"],
    [id, "every hour", id],
  ];

  it("shows its beginning on a terminal, so that the other columns stay in sight, and all of the last column", () => {
    const lines = table(["id", "schedule", "where"], rows, true).split("\n");
    expect(lines[1]).toBe(`tea${" ".repeat(63)}every 15 minutes  s3://tea`);
    expect(lines[2]).toBe(`a${"😀".repeat(31)}…  every hour        ${id}`);
  });

  it("has it whole in a pipe", () => {
    expect(table(["id", "schedule", "where"], rows, false)).toContain(`${id}  every hour`);
  });
});
