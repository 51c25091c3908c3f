"""The history of states within a Parallel or a Map, which MiniStack leaves out, and the event before each event."""

import contextvars
import copy
import json
import threading

# The last event of this branch or item: their threads begin with a copy of the context.
previous = contextvars.ContextVar("previous", default=0)

# Items of a distributed map have executions, and histories, of their own.
distributed = contextvars.ContextVar("distributed", default=False)


def record_nested_states():
    """Remove when MiniStack's `_run_sub_machine` adds events, and `_add_event` their `previousEventId`."""
    from ministack.services import stepfunctions

    add, lock = stepfunctions._add_event, threading.Lock()

    def add_event(execution, event_type, details=None):
        if not execution["events"]:
            previous.set(0)
        # Its id is the number of events: branches add theirs side by side.
        with lock:
            event = add(execution, event_type, details)
        event["previousEventId"] = previous.get()
        previous.set(event["id"])
        return event

    def run_states(states, start_at, state_input, execution, ctx):
        name, value = start_at, copy.deepcopy(state_input)
        record = (lambda *_: None) if distributed.get() else recorder(stepfunctions, execution)
        while name:
            state = states.get(name)
            if not state:
                raise stepfunctions._ExecutionError("States.Runtime", f"State '{name}' not found")
            ctx["State"] = {"Name": name, "EnteredTime": stepfunctions.now_iso(), "RetryCount": 0}
            kind = state.get("Type")
            record(kind, "Entered", name, "input", value)
            value, following = run_state(stepfunctions, kind, state, value, execution, ctx)
            record(kind, "Exited", name, "output", value)
            name = following
        return value

    stepfunctions._add_event = add_event
    stepfunctions._run_sub_machine = run_states


def recorder(stepfunctions, execution):
    def record(kind, what, name, field, value):
        details = {"name": name, field: json.dumps(value)}
        stepfunctions._add_event(execution, f"{kind}State{what}", {f"state{what}EventDetails": details})

    return record


def run_state(stepfunctions, kind, state, value, execution, ctx):
    """Returns the state's output, and the name of the next state."""
    if kind == "Succeed":
        selected = stepfunctions._apply_input_path(state, value, ctx)
        return stepfunctions._apply_output_path(state, selected, ctx), None
    if kind == "Fail":
        raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, value, ctx))
    if kind in ("Task", "Parallel", "Map"):
        return getattr(stepfunctions, f"_execute_{kind.lower()}")(state, value, execution, ctx)
    if kind in ("Pass", "Choice", "Wait"):
        return getattr(stepfunctions, f"_execute_{kind.lower()}")(state, value, ctx)
    raise stepfunctions._ExecutionError("States.Runtime", f"Unknown state type: {kind}")
