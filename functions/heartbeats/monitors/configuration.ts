/** Reads the configuration that Terraform writes to S3. */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import * as z from "zod";

import { describeIssues, parseJson } from "../../shared/input";
import {
  MONITORS_KEY,
  TARGETS_KEY,
  cronMonitorSchema,
  scheduleMonitorSchema,
  storedSettingsSchema,
  targetSchema,
  targetsSchema,
  type Target,
} from "../contract";
import type { Configuration, SetAsideItem } from "./policy";

/** A configuration object is missing, unreadable or malformed. */
class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** One malformed target or cron monitor is set aside, the others are read. @throws {@link ConfigurationError} */
export async function readConfiguration(s3: S3Client, bucket: string): Promise<Configuration> {
  const [list, settings] = await Promise.all([readTargets(s3, bucket), readMonitorSettings(s3, bucket)]);
  return { ...settings, targets: list.items, setAside: [...list.setAside, ...(settings.setAside ?? [])] };
}

/** @throws {@link ConfigurationError} */
export async function readMonitorSettings(s3: S3Client, bucket: string): Promise<Omit<Configuration, "targets">> {
  const { cronMonitors, schedules, ...rest } = await readObject(s3, bucket, MONITORS_KEY, looseSettingsSchema);
  const settings = parsed(storedSettingsSchema, rest, `s3://${bucket}/${MONITORS_KEY}`);
  const crons = readable(cronMonitors, cronMonitorSchema);
  const scheduled = readable(schedules, scheduleMonitorSchema);
  return {
    ...settings,
    cronMonitors: crons.items,
    schedules: scheduled.items,
    setAside: [...crons.setAside, ...scheduled.setAside],
  };
}

const looseSettingsSchema = z.looseObject({
  cronMonitors: z.array(z.unknown()).default([]),
  schedules: z.array(z.unknown()).default([]),
});

async function readTargets(s3: S3Client, bucket: string): Promise<ReadableItems<Target>> {
  const list = await readObject(s3, bucket, TARGETS_KEY, z.array(z.unknown()));
  const found = readable(list, targetSchema);
  // Nothing to check is no configuration: it names all that is wrong.
  if (found.items.length === 0 && list.length > 0) parsed(targetsSchema, list, `s3://${bucket}/${TARGETS_KEY}`);
  return found;
}

interface ReadableItems<Item> {
  readonly items: readonly Item[];
  readonly setAside: readonly SetAsideItem[];
}

/** Items that are as the schema says, the first of each name; and the others. */
function readable<Item extends { readonly name: string }>(
  list: readonly unknown[],
  schema: z.ZodType<Item>,
): ReadableItems<Item> {
  const items = new Map<string, Item>();
  const setAside: SetAsideItem[] = [];
  for (const value of list) {
    const { success, data, error } = schema.safeParse(value);
    if (success && !items.has(data.name)) items.set(data.name, data);
    else {
      const name = namedSchema.safeParse(value).data?.name;
      const problem = success ? "the name is used twice" : describeIssues(error, schema);
      setAside.push({ ...(name !== undefined && { name }), problem });
    }
  }
  return { items: [...items.values()], setAside };
}

const namedSchema = z.looseObject({ name: z.string() });

async function readObject<Schema extends z.ZodType>(
  s3: S3Client,
  bucket: string,
  key: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const address = `s3://${bucket}/${key}`;
  return parsed(schema, jsonOf(await readText(s3, bucket, key, address), address), address);
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, address: string): z.output<Schema> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new ConfigurationError(`${address} is malformed: ${describeIssues(error, schema)}`);
}

async function readText(s3: S3Client, bucket: string, key: string, address: string): Promise<string> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? "";
  } catch (cause) {
    throw new ConfigurationError(`${address} cannot be read`, { cause });
  }
}

function jsonOf(text: string, address: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw new ConfigurationError(`${address} is not JSON`, { cause });
  }
}
