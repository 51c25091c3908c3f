"""Patches of Step Functions: tracing, distributed maps, and tokens that belong to an execution."""

import json
from contextvars import ContextVar

from .nested_states import distributed, record_nested_states
from .redrive import redrive_executions


def store_tracing_of_state_machines():
    """`DescribeStateMachine` has no tracing configuration, so Terraform plans to enable it each time. Remove when
    `ministack.services.stepfunctions` stores `tracingConfiguration`.
    """
    from ministack.services import stepfunctions

    def remembering(change):
        def changed(data):
            answer = change(data)
            arn = json.loads(answer[2]).get("stateMachineArn") or data.get("stateMachineArn")
            if answer[0] == 200 and "tracingConfiguration" in data:
                stepfunctions._state_machines[arn]["tracingConfiguration"] = data["tracingConfiguration"]
            return answer

        return changed

    stepfunctions._create_state_machine = remembering(stepfunctions._create_state_machine)
    stepfunctions._update_state_machine = remembering(stepfunctions._update_state_machine)


def run_distributed_maps_of_jsonata_inline():
    """MiniStack's distributed maps ignore `Items`, `ItemSelector` and `Output` in JSONata. Inline, they are evaluated; the items have no
    executions of their own. Remove when `ministack.services.stepfunctions._run_distributed_map` evaluates JSONata.
    """
    from ministack.services import stepfunctions

    run = stepfunctions._run_map_items

    def inline(state, raw_input, execution, ctx):
        if stepfunctions._state_query_language(state, ctx) == "JSONata":
            processor = {name: value for name, value in state["ItemProcessor"].items() if name != "ProcessorConfig"}
            mode = state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode")
            reset = distributed.set(distributed.get() or mode == "DISTRIBUTED")
            try:
                return run({**state, "ItemProcessor": processor}, raw_input, execution, ctx)
            finally:
                distributed.reset(reset)
        return run(state, raw_input, execution, ctx)

    stepfunctions._run_map_items = inline


def executions_of_tokens():
    """The execution of each token that a state has waited for."""
    from ministack.services import stepfunctions

    current, executions = ContextVar("execution"), {}
    execute, wait = stepfunctions._execute_task, stepfunctions._invoke_with_callback

    def execute_task(state, state_input, execution, ctx):
        current.set(execution)
        return execute(state, state_input, execution, ctx)

    def wait_for_token(resource, arguments, token, state):
        executions[token] = current.get()
        return wait(resource, arguments, token, state)

    stepfunctions._execute_task = execute_task
    stepfunctions._invoke_with_callback = wait_for_token
    return executions


def authorize_tokens_on_their_machine(executions):
    """A request that ends a state by its token is authorized on every resource; on AWS, on the state's machine, which the token names.
    Remove when `ministack.core.iam_actions.extract_resource_arn` knows the machine of a token.
    """
    from ministack.core import iam_actions

    extract = iam_actions.extract_resource_arn

    def resource_of(service, *request):
        if service == "states":
            _method, _path, _headers, body, *_ = request
            token = iam_actions._safe_json_field(body, "taskToken")
            if token:
                return executions[token]["stateMachineArn"] if token in executions else "*"
        return extract(service, *request)

    iam_actions.extract_resource_arn = resource_of


def close_tokens_with_their_task(executions):
    """A token is accepted twice, and after its execution has ended. On AWS, its task exists no longer; a token that no state has waited for
    is invalid. Remove when `ministack.services.stepfunctions._send_task_success` knows both.
    """
    from ministack.services import stepfunctions

    def closing(send):
        def answer(data):
            token = data.get("taskToken")
            execution, waiting = executions.get(token), stepfunctions._task_tokens.get(token)
            if waiting is None and execution is None:
                return stepfunctions.error_response_json("InvalidToken", "Invalid Token: 'Invalid token'", 400)
            has_ended = execution is not None and execution["status"] != "RUNNING"
            if waiting is None or waiting["event"].is_set() or has_ended:
                message = "Task Timed Out: 'Provided task does not exist anymore'"
                return stepfunctions.error_response_json("TaskTimedOut", message, 400)
            return send(data)

        return answer

    for name in ("success", "failure", "heartbeat"):
        setattr(stepfunctions, f"_send_task_{name}", closing(getattr(stepfunctions, f"_send_task_{name}")))


def end_waits_of_stopped_executions(executions):
    """A state of a stopped execution waits for its token until its timeout, and then makes the execution FAILED. On AWS, it ends with the
    execution. Remove when `ministack.services.stepfunctions._stop_execution` ends it.
    """
    from ministack.services import stepfunctions

    stop, fail = stepfunctions._stop_execution, stepfunctions._fail_execution

    def stop_with_its_waits(data):
        answer = stop(data)
        for token, waiting in list(stepfunctions._task_tokens.items()):
            execution = executions.get(token, {})
            if execution.get("status") == "ABORTED" and execution["executionArn"] == data.get("executionArn"):
                waiting["error"] = {"Error": "States.TaskFailed", "Cause": "The execution was stopped"}
                waiting["event"].set()
        return answer

    def fail_running(execution, error, cause):
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    stepfunctions._stop_execution = stop_with_its_waits
    stepfunctions._fail_execution = fail_running


def patch_state_machines():
    store_tracing_of_state_machines()
    run_distributed_maps_of_jsonata_inline()
    executions = executions_of_tokens()
    authorize_tokens_on_their_machine(executions)
    close_tokens_with_their_task(executions)
    end_waits_of_stopped_executions(executions)
    record_nested_states()
    redrive_executions()
