/** The API of workflows. */
import * as z from "zod";
import {
  decisionSchema,
  taskIdSchema,
  taskListSchema,
  taskRequestSchema,
  taskSchema,
} from "../../../../functions/workflows/contract";
import { SIGNED_ERRORS, type Api } from "./document";

const startedSchema = z.object({
  taskId: z.string(),
  timestamp: z.int().meta({ description: "Of the first request, epoch seconds" }),
  executionArn: z.string(),
  startDate: z.string().meta({ format: "date-time" }),
});

export const WORKFLOWS_API: Api = {
  title: "Almanac workflows",
  description: "See modules/workflows/README.md.",
  parameters: { id: taskIdSchema },
  schemas: { Task: taskSchema },
  operations: {
    "POST /tasks": {
      id: "startTask",
      summary: "Starts a task. The same request again starts nothing and has the same answer",
      body: taskRequestSchema,
      answers: { 200: { description: "The task has started", schema: startedSchema } },
      errors: [...SIGNED_ERRORS, "conflict"],
    },
    "GET /tasks": {
      id: "listTasks",
      summary: "Lists tasks of one status page by page",
      query: taskListSchema,
      answers: {
        200: { description: "A page", schema: z.object({ tasks: z.array(taskSchema), next: z.string().optional() }) },
      },
    },
    "GET /tasks/{id}": {
      id: "getTask",
      summary: "Reads a task",
      answers: { 200: { description: "The task", schema: taskSchema } },
      errors: [...SIGNED_ERRORS, "notFound"],
    },
    "DELETE /tasks/{id}": {
      id: "cancelTask",
      summary: "Cancels a task that runs",
      answers: {
        200: { description: "The task has ended", schema: taskSchema },
        202: { description: "The task is being cancelled", schema: taskSchema },
      },
      errors: [...SIGNED_ERRORS, "notFound", "conflict"],
    },
    "POST /tasks/{id}/approve": {
      id: "approveTask",
      summary: "Approves a task that waits for a person",
      body: decisionSchema,
      isBodyRequired: false,
      answers: { 200: { description: "The task, which goes on", schema: taskSchema } },
      errors: [...SIGNED_ERRORS, "notFound", "conflict"],
    },
    "POST /tasks/{id}/reject": {
      id: "rejectTask",
      summary: "Rejects a task that waits for a person",
      body: decisionSchema,
      isBodyRequired: false,
      answers: { 200: { description: "The task, whose state fails", schema: taskSchema } },
      errors: [...SIGNED_ERRORS, "notFound", "conflict"],
    },
    "POST /tasks/{id}/redrive": {
      id: "redriveTask",
      summary: "Runs a failed task again, from the state that failed",
      answers: { 200: { description: "The task, which is STARTED", schema: taskSchema } },
      errors: [...SIGNED_ERRORS, "notFound", "conflict"],
    },
  },
};
