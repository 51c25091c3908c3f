/** For a user's values: in Terraform's JSON syntax, `${` and `%{` in any string start an expression. */
export { escapeTemplate } from "../hcl/template";
