import { exampleFiles, moduleReadme, type Root } from "../../../../scripts/terraform/modules/terraform-module";

const root: Root = {
  terraform: {
    required_version: ">= 1.10",
    required_providers: { aws: { source: "hashicorp/aws", version: "~> 5.100" } },
    backend: { s3: { bucket: "almanac-staging-terraform-state" } },
  },
  provider: { aws: [{ region: "eu-central-1", default_tags: [] }] },
  data: { aws_region: { region: {} } },
  resource: {
    aws_cloudwatch_dashboard: { dashboard: { dashboard_name: "almanac-staging" } },
    aws_s3_bucket_server_side_encryption_configuration: {
      encryption: { rule: [{ apply_server_side_encryption_by_default: { sse_algorithm: "AES256" } }] },
    },
    aws_kms_alias: { alias: { name: "alias/almanac-staging" } },
    aws_sns_topic: { alarms: { "//": { metadata: {} }, name: "almanac-staging-alarms" } },
  },
  module: {
    bells: {
      "//": { metadata: {} },
      source: "./modules/bells",
      app: "almanac",
      environment: "staging",
      alarm_topic_arn: "${aws_sns_topic.alarms.arn}",
      bells: [{ name: "noon" }],
    },
    gongs: { source: "./modules/gongs", app: "almanac", environment: "staging" },
  },
};

it("writes an example of this module alone, under a name of its own", () => {
  expect(exampleFiles("bells", root)["main.tf"]).toMatchInlineSnapshot(`
   "# Almanac's bells with plain Terraform: terraform init && terraform apply
   terraform {
     required_version = ">= 1.10"

     required_providers {
       aws = {
         source  = "hashicorp/aws"
         version = "~> 5.100"
       }
     }
   }

   provider "aws" {
     region = "eu-central-1"
   }

   module "bells" {
     source          = "../.."
     app             = "example"
     environment     = "demo"
     alarm_topic_arn = aws_sns_topic.alarms.arn
     bells = [
       { name = "noon" },
     ]
   }

   output "bells" {
     value = module.bells
   }
   "
  `);
});

it("brings what the environment would have given it", () => {
  expect(exampleFiles("bells", root)["environment.tf"]).toMatchInlineSnapshot(`
"# What an environment provides to its modules.

data "aws_region" "region" {}

resource "aws_s3_bucket_server_side_encryption_configuration" "encryption" {
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_kms_alias" "alias" {
  name = "alias/example-demo"
}

resource "aws_sns_topic" "alarms" {
  name = "example-demo-alarms"
}
"
`);
});

it("tells inputs and outputs", () => {
  const module = {
    variable: {
      app: { type: "string", description: "Begins every name: <app>-bells" },
      hours: { type: "number", description: "Hours", default: 12 },
    },
    output: { table_name: { description: "Each bell | its hour" } },
  };
  expect(moduleReadme("bells", "Rings bells.", module)).toContain(
    [
      "| Variable | Type | Default | Description |",
      "| --- | --- | --- | --- |",
      "| `app` | `string` | required | Begins every name: &lt;app>-bells |",
      "| `hours` | `number` | `12` | Hours |",
    ].join("\n"),
  );
  expect(moduleReadme("bells", "Rings bells.", module)).toContain("| `table_name` | Each bell \\| its hour |");
});
