"""Records the deployed system's AWS calls, which test/e2e/least-privilege.test.ts compares with its roles."""

import contextvars
import json
import threading

from ministack.core import iam_evaluator
from ministack.services import stepfunctions, sts


def record_calls(file):
    """Writes each call under a role, allowed or denied, once, as a line of JSON:

        {"role": "almanac-local-timers-api", "action": "dynamodb:PutItem", "resource": "arn:aws:dynamodb:..."}

    Not recorded: calls of AWS services themselves (polling queues, writing logs), which MiniStack does internally.
    """
    record = writer(file)
    record_functions(record)
    record_state_machines(record)


def writer(file):
    lines = open(file, "w", buffering=1)  # unbuffered lines: MiniStack exits without a shutdown
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
    """Hooks MiniStack's authorization, which knows action, resource and access key. Each function has its own key."""
    enforce = iam_evaluator.enforce

    def recorded(access_key_id, iam_action, service, region, resource_arn="*", service_context=None):
        session = sts._sessions.get(access_key_id)
        _, assumed, role = (session or {}).get("Arn", "").partition(":assumed-role/")  # ...<role>/<session>
        if assumed:  # else a person, or Terraform
            record(role.split("/")[0], iam_action, resource_arn)
        return enforce(access_key_id, iam_action, service, region, resource_arn, service_context)

    iam_evaluator.enforce = recorded


def record_state_machines(record):
    """Hooks the execution of state machine tasks, which MiniStack does not authorize."""
    machine = contextvars.ContextVar("machine")
    execute_task, invoke_resource = stepfunctions._execute_task, stepfunctions._invoke_resource
    wait_for_token = stepfunctions._invoke_with_callback

    def with_machine(state, state_input, execution, context):
        machine.set(execution["stateMachineArn"])
        return execute_task(state, state_input, execution, context)

    def recorded(resource, arguments):
        role = stepfunctions._state_machines[machine.get()]["roleArn"].split("/")[-1]
        record(role, *action_of_task(resource, arguments, machine.get()))
        return invoke_resource(resource, arguments)

    def recorded_with_token(resource, arguments, *rest):
        role = stepfunctions._state_machines[machine.get()]["roleArn"].split("/")[-1]
        record(role, *action_of_task(resource.removesuffix(".waitForTaskToken"), arguments, machine.get()))
        return wait_for_token(resource, arguments, *rest)

    stepfunctions._execute_task = with_machine
    stepfunctions._invoke_resource = recorded
    stepfunctions._invoke_with_callback = recorded_with_token


def action_of_task(resource, arguments, machine):
    """The IAM action and resource of a task. For a kind that our machines do not have: the resource itself, which no role allows."""
    _, partition, _, region, account = machine.split(":")[:5]
    if resource == f"arn:{partition}:states:::lambda:invoke":
        name = arguments["FunctionName"].split(":")[-1]
        return "lambda:InvokeFunction", f"arn:{partition}:lambda:{region}:{account}:function:{name}"
    if resource.startswith((f"arn:{partition}:states:::dynamodb:", f"arn:{partition}:states:::aws-sdk:dynamodb:")):
        operation = resource.split(":")[-1]  # putItem
        table = arguments["TableName"].split("/")[-1]
        return f"dynamodb:{operation[0].upper()}{operation[1:]}", f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"
    if resource == f"arn:{partition}:states:::states:startExecution":
        return "states:StartExecution", arguments["StateMachineArn"]
    if resource == f"arn:{partition}:states:::events:putEvents":
        bus = arguments["Entries"][0].get("EventBusName", "default").split("/")[-1]
        return "events:PutEvents", f"arn:{partition}:events:{region}:{account}:event-bus/{bus}"
    return resource, "*"
