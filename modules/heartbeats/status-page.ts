/** The bucket of the status page, and its CDN. */
import { CloudfrontDistribution } from "@cdktf/provider-aws/lib/cloudfront-distribution";
import { CloudfrontOriginAccessControl } from "@cdktf/provider-aws/lib/cloudfront-origin-access-control";
import { CloudfrontResponseHeadersPolicy } from "@cdktf/provider-aws/lib/cloudfront-response-headers-policy";
import { readFileSync, statSync } from "node:fs";
import { Construct } from "constructs";
import * as z from "zod";
import {
  BADGES_PREFIX,
  INCIDENTS_PREFIX,
  JSON_FEED_KEY,
  MAX_LOGO_BYTES,
  RSS_KEY,
  STATUS_JSON_KEY,
  STATUS_PAGE_KEY,
  brandSchema,
  type StoredBrand,
} from "../../functions/heartbeats/contract";
import { DAY_SECONDS } from "../../functions/shared/time";
import { Bucket } from "../constructs/resources/bucket";
import { Feature } from "../constructs/feature";
import type { Binding } from "../constructs/resources/grants";

export const statusPageSchema = z
  .strictObject({
    /** True: served publicly by CloudFront. False: in a private bucket only. @default false */
    cdn: z.boolean().default(false),
    /** A custom domain, which you point at the distribution. @default CloudFront's domain */
    domain: z
      .strictObject({
        /** `status.example.org` */
        name: z.string().regex(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/, "is not a domain name"),
        /** ARN of an ACM certificate in us-east-1, as CloudFront requires. */
        certificateArn: z
          .string()
          .regex(
            /^arn:[\w-]+:acm:us-east-1:\d{12}:certificate\/[\w-]+$/,
            "is not the ARN of a certificate in us-east-1",
          ),
      })
      .optional(),
    ...brandSchema.shape,
    /** Path of an .svg or .png file of at most 16 KB, shown 28 pixels high. @default none */
    logo: z
      .string()
      .regex(/\.(svg|png)$/i, { error: "is not an .svg or .png file", abort: true })
      .refine(isLogo, `is not a file of at most ${MAX_LOGO_BYTES} bytes`)
      .optional(),
  })
  .refine(({ cdn, domain }) => cdn || domain === undefined, "has a domain but cdn is false");
export type StatusPageConfig = z.output<typeof statusPageSchema>;

function isLogo(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  return file?.isFile() === true && file.size <= MAX_LOGO_BYTES;
}

/** As the publisher reads it: the logo is in the page, which loads nothing. */
export function brandOf({ title, link, accent, logo }: StatusPageConfig): StoredBrand {
  const type = logo?.toLowerCase().endsWith(".png") ? "png" : "svg+xml";
  return {
    ...(title !== undefined && { title }),
    ...(link !== undefined && { link }),
    ...(accent !== undefined && { accent }),
    ...(logo !== undefined && { logo: `data:image/${type};base64,${readFileSync(logo, "base64")}` }),
  };
}

/** AWS's managed cache policy "CachingOptimized": honours Cache-Control, and compresses on request. */
const CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6";

const YEAR_SECONDS = 365 * DAY_SECONDS;

/** For all objects. Browsers also enforce the page's own policy, which has the hashes of its style sheet and script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "script-src 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The status page's private bucket, with a CloudFront distribution if it is public. Without access logs: they are not needed. */
export class StatusPage extends Construct {
  /** `https://.../`, or `s3://...` without `cdn`. */
  readonly url: string;
  private readonly bucket: Bucket;

  constructor(scope: Construct, id: string, config: StatusPageConfig) {
    super(scope, id);
    this.bucket = new Bucket(this, "files", { nameSuffix: "status-page" });
    this.url = config.cdn ? this.createDistribution(config) : `s3://${this.bucket.name}/${STATUS_PAGE_KEY}`;
  }

  get bucketName(): string {
    return this.bucket.name;
  }

  /** The bucket's name with the permissions to list, put and delete the page's files. */
  grantPublish(): Binding {
    const files = [STATUS_PAGE_KEY, STATUS_JSON_KEY, RSS_KEY, JSON_FEED_KEY];
    return this.bucket.grantSync(...files, `${BADGES_PREFIX}*`, `${INCIDENTS_PREFIX}*`);
  }

  /** @returns the page's URL */
  private createDistribution({ domain }: StatusPageConfig): string {
    const name = Feature.of(this).physicalName("status-page");
    const access = new CloudfrontOriginAccessControl(this, "access", {
      name,
      description: `Lets CloudFront read ${name}`,
      originAccessControlOriginType: "s3",
      signingBehavior: "always",
      signingProtocol: "sigv4",
    });
    const distribution = new CloudfrontDistribution(this, "distribution", {
      comment: name,
      enabled: true,
      isIpv6Enabled: true,
      httpVersion: "http2and3",
      priceClass: "PriceClass_100", // the cheapest: edge locations in North America and Europe
      defaultRootObject: STATUS_PAGE_KEY,
      aliases: domain ? [domain.name] : [],
      origin: [
        {
          originId: "bucket",
          domainName: this.bucket.regionalDomainName,
          originAccessControlId: access.id,
        },
      ],
      defaultCacheBehavior: {
        targetOriginId: "bucket",
        viewerProtocolPolicy: "redirect-to-https",
        allowedMethods: ["GET", "HEAD"],
        cachedMethods: ["GET", "HEAD"],
        cachePolicyId: CACHING_OPTIMIZED,
        responseHeadersPolicyId: this.createHeaders(name),
        compress: true,
      },
      restrictions: { geoRestriction: { restrictionType: "none" } },
      // A minimum TLS version can be set for a custom domain only.
      viewerCertificate: domain
        ? {
            acmCertificateArn: domain.certificateArn,
            sslSupportMethod: "sni-only",
            minimumProtocolVersion: "TLSv1.2_2021",
          }
        : { cloudfrontDefaultCertificate: true },
      // Takes minutes.
      waitForDeployment: false,
    });
    this.bucket.allowServiceRead("cloudfront.amazonaws.com", distribution.arn);
    return `https://${domain?.name ?? distribution.domainName}/`;
  }

  private createHeaders(name: string): string {
    return new CloudfrontResponseHeadersPolicy(this, "headers", {
      name,
      comment: `Security headers of ${name}`,
      securityHeadersConfig: {
        contentSecurityPolicy: { contentSecurityPolicy: CONTENT_SECURITY_POLICY, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: "DENY", override: true },
        referrerPolicy: { referrerPolicy: "no-referrer", override: true },
        strictTransportSecurity: { accessControlMaxAgeSec: YEAR_SECONDS, includeSubdomains: false, override: true },
      },
    }).id;
  }
}
