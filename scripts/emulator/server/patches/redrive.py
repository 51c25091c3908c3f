"""RedriveExecution, which MiniStack does not have: runs an execution that failed again, from the state that failed."""

import contextvars
import copy
import json

# The state that a run of states is in.
current = contextvars.ContextVar("current", default=None)


def redrive_executions():
    """Executions that failed can be redriven. From within a Parallel state with one branch; one with several branches, and a Map, run again
    as a whole. A stopped execution cannot be redriven, because its thread goes on. Remove when MiniStack has RedriveExecution.
    """
    from ministack.services import stepfunctions

    remember_failed_states(stepfunctions)
    handle_request, describe = stepfunctions.handle_request, stepfunctions._describe_execution

    async def handle(method, path, headers, body, query_params):
        if not headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return await handle_request(method, path, headers, body, query_params)
        return stepfunctions._finalize_response(redrive(stepfunctions, **json.loads(body)))

    def describe_with_redrive(data):
        answer = describe(data)
        execution = stepfunctions._executions.get(data.get("executionArn"))
        if answer[0] != 200 or "redriveDate" not in execution:
            return answer
        redriven = {name: execution[name] for name in ("redriveCount", "redriveDate")}
        return stepfunctions.json_response({**json.loads(answer[2]), **redriven})

    stepfunctions.handle_request = handle
    stepfunctions._describe_execution = describe_with_redrive
    stepfunctions._list_executions = with_redrives(stepfunctions, stepfunctions._list_executions)
    emit_redrives(stepfunctions)


def with_redrives(stepfunctions, list_executions):
    def list_with_redrives(data):
        answer = list_executions(data)
        if answer[0] != 200:
            return answer
        page = json.loads(answer[2])
        for listed in page["executions"]:
            listed["redriveCount"] = stepfunctions._executions.get(listed["executionArn"], {}).get("redriveCount", 0)
        return stepfunctions.json_response(page)

    return list_with_redrives


def emit_redrives(stepfunctions):
    """Events of executions have their redrives."""
    from ministack.services import eventbridge

    emitted = contextvars.ContextVar("emitted", default=None)
    emit, put_events = stepfunctions._emit_execution_status_event, eventbridge._put_events

    def emit_with_redrives(execution):
        reset = emitted.set(execution)
        try:
            emit(execution)
        finally:
            emitted.reset(reset)

    def put_with_redrives(data, *args, **options):
        execution = emitted.get()
        if execution is not None and "redriveDate" in execution:
            for entry in data["Entries"]:
                date = stepfunctions._iso_to_epoch_ms(execution["redriveDate"])
                redriven = {"redriveCount": execution["redriveCount"], "redriveDate": date}
                entry["Detail"] = json.dumps({**json.loads(entry["Detail"]), **redriven})
        return put_events(data, *args, **options)

    stepfunctions._emit_execution_status_event = emit_with_redrives
    eventbridge._put_events = put_with_redrives


def remember_failed_states(stepfunctions):
    """`failedAt` of an execution: the state that failed, its input and variables, and `inner`, the same of its only branch."""
    run_execution, run_states = stepfunctions._run_execution, stepfunctions._run_sub_machine

    def run_execution_remembering(arn):
        run_execution(arn)
        execution = stepfunctions._executions.get(arn)
        if execution is None or execution["status"] != "FAILED":
            return
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
        names = json.loads(machine["definition"])["States"] if machine is not None else ()
        details = [event["stateEnteredEventDetails"] for event in execution["events"] if "stateEnteredEventDetails" in event]
        # Not those within a Parallel or a Map.
        entered = [each for each in details if each["name"] in names]
        if entered:
            last = {"name": entered[-1]["name"], "input": json.loads(entered[-1]["input"]), "variables": {}}
            execution["failedAt"] = {**last, "inner": execution.get("failedAt")}

    def run_states_remembering(states, start_at, state_input, execution, ctx):
        start = execution.pop("resumeAt", None)
        if start is not None:
            start_at, state_input = start["name"], start["input"]
            ctx["variables"] = copy.deepcopy(start["variables"])
            execution["resumeAt"] = start["inner"] if has_one_branch(states[start_at]) else None
        place = {"states": states, "name": start_at, "input": state_input}
        reset = current.set(place)
        try:
            return run_states(states, start_at, state_input, execution, ctx)
        except Exception:
            inner = execution.pop("failedAt", None) if has_one_branch(states.get(place["name"], {})) else None
            variables = copy.deepcopy(ctx["variables"])
            execution["failedAt"] = {"name": place["name"], "input": place["input"], "variables": variables, "inner": inner}
            raise
        finally:
            current.reset(reset)

    def noting(execute):
        def noted(state, state_input, *rest):
            place = current.get()
            for name, other in (place or {"states": {}})["states"].items():
                if other is state:
                    place.update(name=name, input=copy.deepcopy(state_input))
            return execute(state, state_input, *rest)

        return noted

    for name in ("pass", "task", "choice", "wait", "parallel", "map"):
        setattr(stepfunctions, f"_execute_{name}", noting(getattr(stepfunctions, f"_execute_{name}")))
    stepfunctions._fail_state_error = noting(stepfunctions._fail_state_error)
    stepfunctions._run_execution = run_execution_remembering
    stepfunctions._run_sub_machine = run_states_remembering


def has_one_branch(state):
    return state.get("Type") == "Parallel" and len(state["Branches"]) == 1


def redrive(stepfunctions, executionArn, clientToken=None):
    execution = stepfunctions._executions.get(executionArn)
    if execution is None:
        return stepfunctions.error_response_json("ExecutionDoesNotExist", f"Execution {executionArn} not found", 400)
    if clientToken is not None and clientToken in execution.get("redriveTokens", []):
        return stepfunctions.json_response({"redriveDate": execution["redriveDate"]})
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if execution["status"] != "FAILED" or machine is None or execution.get("failedAt") is None:
        cause = f"Execution is {execution['status']} and cannot be redriven"
        return stepfunctions.error_response_json("ExecutionNotRedrivable", cause, 400)
    date = stepfunctions.now_iso()
    for name in ("error", "cause"):
        execution.pop(name, None)
    execution.update(status="RUNNING", stopDate=None, output=None, redriveDate=date)
    execution["redriveCount"] = execution.get("redriveCount", 0) + 1
    execution["redriveTokens"] = [*execution.get("redriveTokens", []), clientToken]
    execution["resumeAt"] = execution.pop("failedAt")
    stepfunctions._add_event(execution, "ExecutionRedriven", {
        "executionRedrivenEventDetails": {"redriveCount": execution["redriveCount"]},
    })
    stepfunctions._emit_execution_status_event(execution)
    run = contextvars.copy_context().run
    stepfunctions.threading.Thread(target=run, args=(resume, stepfunctions, execution, machine), daemon=True).start()
    return stepfunctions.json_response({"redriveDate": date})


def resume(stepfunctions, execution, machine):
    definition = json.loads(machine["definition"])
    ctx = {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "RedriveCount": execution["redriveCount"],
            "RedriveTime": execution["redriveDate"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": {},
    }
    try:
        output = stepfunctions._run_sub_machine(definition["States"], None, None, execution, ctx)
    except Exception as error:
        known = isinstance(error, stepfunctions._ExecutionError)
        name, cause = (error.error, error.cause) if known else ("States.Runtime", str(error))
        stepfunctions._fail_execution(execution, name, cause)
        return
    if execution["status"] != "RUNNING":
        return
    execution.update(status="SUCCEEDED", output=json.dumps(output), stopDate=stepfunctions.now_iso())
    stepfunctions._add_event(execution, "ExecutionSucceeded", {
        "executionSucceededEventDetails": {"output": execution["output"]},
    })
    stepfunctions._emit_execution_status_event(execution)
