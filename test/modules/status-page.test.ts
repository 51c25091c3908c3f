import { statusPageSchema, StatusPage } from "../../modules/heartbeats/status-page";
import { describePolicy, resource, review, synthesizeConstructs, type TerraformJson } from "../support/synthesized";

const DOMAIN = {
  name: "status.example.org",
  certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/1234-5678",
};

function statusPage(config: unknown): { readonly json: TerraformJson; readonly page: StatusPage } {
  let page: StatusPage | undefined;
  const json = synthesizeConstructs((feature) => {
    page = new StatusPage(feature, "status-page", statusPageSchema.parse(config));
  });
  if (page === undefined) throw new Error("no page");
  return { json, page };
}

describe("the status page", () => {
  it("is a private bucket alone, unless it is to be on the web", () => {
    const { json, page } = statusPage({});
    expect(Object.keys(json.resource).filter((type) => type.includes("cloudfront"))).toEqual([]);
    expect(resource(json, "aws_s3_bucket", "status_page_files")["bucket"]).toBe(
      "${var.app}-${var.environment}-sample-status-page-${data.aws_caller_identity.account.account_id}",
    );
    expect(page.url).toMatch(/^s3:\/\/.+\/index\.html$/);
  });

  it("is what a reviewer expects, on the web", () => {
    expect(review(statusPage({ cdn: true }).json)).toMatchSnapshot();
  });

  it("is read by its own distribution only", () => {
    const { json } = statusPage({ cdn: true });
    expect(describePolicy(resource(json, "aws_s3_bucket_policy", "status_page_files_policy")["policy"])).toEqual([
      expect.stringMatching(/^Deny s3:\* .* if \{"Bool":\{"aws:SecureTransport":"false"\}\} \(TlsOnly\)$/),
      'Allow s3:GetObject on ${aws_s3_bucket.status_page_files.arn}/* by {"Service":"cloudfront.amazonaws.com"}' +
        ' if {"StringEquals":{"aws:SourceArn":"${aws_cloudfront_distribution.status_page_distribution.arn}"}} (Reads)',
    ]);
    expect(resource(json, "aws_s3_bucket_public_access_block", "status_page_files_public_access_block")).toMatchObject({
      block_public_policy: true,
      restrict_public_buckets: true,
    });
  });

  it("is written by the functions that it is bound to, and only its own files", () => {
    const { json } = statusPage({});
    expect(json.resource).not.toHaveProperty("aws_iam_role_policy");
    synthesizeConstructs((feature) => {
      const binding = new StatusPage(feature, "status-page", { cdn: false }).grantPublish();
      const { actions, resources } = binding;
      expect(actions).toEqual(["s3:DeleteObject", "s3:ListBucket", "s3:PutObject"]);
      const [bucket = "", ...files] = resources;
      expect(files).toEqual(
        ["index.html", "status.json", "feed.xml", "feed.json", "badges/*", "incidents/*"].map(
          (key) => `${bucket}/${key}`,
        ),
      );
    });
  });

  it("serves TLS 1.2 and above on a custom domain", () => {
    const { json, page } = statusPage({ cdn: true, domain: DOMAIN });
    expect(resource(json, "aws_cloudfront_distribution", "status_page_distribution")).toMatchObject({
      aliases: ["status.example.org"],
      viewer_certificate: { acm_certificate_arn: DOMAIN.certificateArn, minimum_protocol_version: "TLSv1.2_2021" },
    });
    expect(page.url).toBe("https://status.example.org/");
  });

  it("takes certificates only from where CloudFront does", () => {
    const elsewhere = DOMAIN.certificateArn.replace("us-east-1", "eu-central-1");
    expect(() => statusPageSchema.parse({ cdn: true, domain: { ...DOMAIN, certificateArn: elsewhere } })).toThrow(
      "is not the ARN of a certificate in us-east-1",
    );
  });

  it("refuses a domain without CloudFront", () => {
    expect(() => statusPageSchema.parse({ domain: DOMAIN })).toThrow("has a domain but cdn is false");
  });

  it("forbids framing, MIME sniffing and plain HTTP", () => {
    const { json } = statusPage({ cdn: true });
    expect(resource(json, "aws_cloudfront_response_headers_policy", "status_page_headers")).toMatchObject({
      security_headers_config: {
        content_security_policy: {
          content_security_policy: expect.stringContaining("frame-ancestors 'none'") as unknown,
        },
        content_type_options: { override: true },
        strict_transport_security: { access_control_max_age_sec: 31_536_000 },
      },
    });
    expect(resource(json, "aws_cloudfront_distribution", "status_page_distribution")).toMatchObject({
      default_cache_behavior: { viewer_protocol_policy: "redirect-to-https", compress: true },
      default_root_object: "index.html",
      price_class: "PriceClass_100",
    });
  });
});
