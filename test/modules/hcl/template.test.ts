import { escapeLiteral, splitTemplate } from "../../../modules/hcl/template";
import fc from "../../support/fast-check";

it.each([
  ["rate(${var.minutes} minutes)", ["rate(", "<var.minutes>", " minutes)"]],
  ['${replace(var.a, "b", "c")}', ['<replace(var.a, "b", "c")>']],
  ['${filemd5("${path.module}/assets/x.zip")}', ['<filemd5("${path.module}/assets/x.zip")>']],
  ['${join("${var.a["}"]}", {x = "}"})}-', ['<join("${var.a["}"]}", {x = "}"})>', "-"]],
  ['${f("\\"}")}', ['<f("\\"}")>']],
  ["$${aws:username} %%{x} $5 100%", ["${aws:username} %{x} $5 100%"]],
  ["", [""]],
])("splits %s", (text, parts) => {
  expect(splitTemplate(text).map(({ kind, text: part }) => (kind === "literal" ? part : `<${part}>`))).toEqual(parts);
});

it("reads any text that was escaped as itself", () => {
  const texts = fc.string({ unit: fc.constantFrom("$", "%", "{", "}", "a", '"', "\\") });
  fc.assert(
    fc.property(texts, (text) => {
      expect(splitTemplate(escapeLiteral(text))).toEqual([{ kind: "literal", text }]);
    }),
  );
});

it("refuses directives, which nothing of ours uses", () => {
  expect(() => splitTemplate("{%{ a }%}")).toThrow("template directive: %{ a }%}");
});
