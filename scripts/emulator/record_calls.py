"""Writes down what the deployed system asks of AWS, for test/e2e/least-privilege.test.ts to hold against its roles."""

import contextvars
import json
import threading

from ministack.core import iam_evaluator
from ministack.services import stepfunctions, sts


def record_calls(file):
    """From now on, everything that is asked of AWS under a role, be it allowed or refused, is in this file: one JSON a line,
    each once.

        {"role": "almanac-local-timers-api", "action": "dynamodb:PutItem", "resource": "arn:aws:dynamodb:..."}

    What Lambda, EventBridge and API Gateway do by themselves (polling queues, writing logs) is not: MiniStack does it without asking.
    """
    record = writer(file)
    record_functions(record)
    record_state_machines(record)


def writer(file):
    lines = open(file, "w", buffering=1)  # line by line: MiniStack ends without an orderly end
    written = set()
    lock = threading.Lock()

    def record(role, action, resource):
        line = json.dumps({"role": role, "action": action, "resource": resource})
        with lock:
            if line not in written:
                written.add(line)
                lines.write(line + "\n")

    return record


def record_functions(record):
    """Where MiniStack asks whether a request is allowed: it knows the IAM action and the resource of each, and whose key has
    signed it. Each function has a key of its own.
    """
    enforce = iam_evaluator.enforce

    def recorded(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        session = sts._sessions.get(access_key_id)
        if session is not None:  # else it is a person, or Terraform
            record(session["Arn"].split("/")[1], iam_action, resource_arn)  # ...:assumed-role/<role>/<session>
        return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)

    iam_evaluator.enforce = recorded


def record_state_machines(record):
    """A state machine's tasks, where they are done: MiniStack does them without a request, so it asks nobody."""
    machine = contextvars.ContextVar("machine")
    execute_task, invoke_resource = stepfunctions._execute_task, stepfunctions._invoke_resource

    def remembered(state, state_input, execution, context):
        machine.set(execution["stateMachineArn"])
        return execute_task(state, state_input, execution, context)

    def recorded(resource, arguments):
        role = stepfunctions._state_machines[machine.get()]["roleArn"].split("/")[-1]
        record(role, *asked_by_task(resource, arguments, machine.get()))
        return invoke_resource(resource, arguments)

    stepfunctions._execute_task = remembered
    stepfunctions._invoke_resource = recorded


def asked_by_task(resource, arguments, machine):
    """The IAM action and the resource of a task: of those that our machines have. Any other is named as nobody would allow it."""
    _, partition, _, region, account = machine.split(":")[:5]
    if resource == f"arn:{partition}:states:::lambda:invoke":
        name = arguments["FunctionName"].split(":")[-1]
        return "lambda:InvokeFunction", f"arn:{partition}:lambda:{region}:{account}:function:{name}"
    if resource.startswith(f"arn:{partition}:states:::dynamodb:"):
        operation = resource.split(":")[-1]  # putItem
        table = arguments["TableName"].split("/")[-1]
        return f"dynamodb:{operation[0].upper()}{operation[1:]}", f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"
    return resource, "*"
