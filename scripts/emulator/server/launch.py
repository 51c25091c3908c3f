"""Serves MiniStack on one port, with the patches that the local environment needs.

    python launch.py --port 4566 [--host 127.0.0.1] [--until-stdin-closes] [--record-calls FILE] [--state FILE --about JSON]

The person's keys are in its environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

Replaces MiniStack's own `main`. Each patch says what it fixes and when it can be removed: review them when the pin in
requirements.txt changes. Everything else is MiniStack's, configured by its environment.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import re
import secrets
import signal
import socket
import sys
import tempfile
import threading
from xml.sax.saxutils import escape

from activity import wait_until_quiet, watch
from advance import Advance, clock_routes, follow_the_clock
from clock import install as install_clock
from control import control
from function_logs import FunctionLogs
from guard import guard
from http_server import serve
from kept_state import KeptState
from nested_states import distributed, record_nested_states
from redrive import redrive_executions
from remembered import remember

SAVE_EVERY_SECONDS = 10

# Requests in flight may finish before the emulator ends.
QUIET_WITHIN_SECONDS = 10


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (in a container: 0.0.0.0)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the parent process ends")
    parser.add_argument("--record-calls", metavar="FILE", help="record the AWS calls of functions and state machines")
    parser.add_argument("--state", metavar="FILE", help="keep the state there, and continue from it")
    parser.add_argument("--about", metavar="JSON", default="{}", help="the first line of the kept state")
    return parser.parse_args()


def poll_schedules_every_second():
    """Schedules fire up to ten seconds late. Remove when MiniStack has a setting for it."""
    from ministack.services import eventbridge, scheduler

    eventbridge._SCHEDULER_TICK_INTERVAL = 1
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def poll_queues_ten_times_a_second():
    """Delayed messages reach their function up to a second late, because an idle poller sleeps for a second. Remove when MiniStack
    wakes it for a delayed message, or has a setting for it.
    """
    from ministack.services import lambda_svc

    wake = lambda_svc._esm_wake
    wait = wake.wait
    wake.wait = lambda timeout=None: wait(0.1 if timeout is None else min(timeout, 0.1))


def end_lambdas_with_the_emulator():
    """Busy Node workers outlive an emulator that was killed: they must exit when their standard input closes. Remove when
    MiniStack's worker script does so.
    """
    from ministack.core import lambda_runtime

    lambda_runtime._NODEJS_WORKER_SCRIPT += '\nrl.on("close", () => process.exit(0));\n'


def let_invocations_end():
    """New code or configuration of a function ends its processes in the middle of an invocation, and the request waits for them; on AWS an
    invocation ends with the code with which it began. Remove when `ministack.core.lambda_runtime.invalidate_worker` ends workers that are
    not in use, and others after their invocation.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    kill = lambda_runtime.kill_workers

    def end(worker):
        # An invocation holds the lock.
        with worker._lock:
            kill([worker])

    def invalidate(*args, **kwargs):
        # It takes them out of the pool: later invocations get others.
        retired = []
        ending.retired = retired
        try:
            take_out(*args, **kwargs)
        finally:
            ending.retired = None
        for worker in retired:
            threading.Thread(target=end, args=(worker,), daemon=True).start()

    def kill_or_collect(workers):
        retired = getattr(ending, "retired", None)
        if retired is None:
            kill(workers)
        else:
            retired.extend(workers)

    ending, take_out = threading.local(), lambda_runtime.invalidate_worker
    lambda_runtime.kill_workers = kill_or_collect
    lambda_runtime.invalidate_worker = lambda_svc.invalidate_worker = invalidate


def keep_tls_to_other_local_servers():
    """MiniStack sends https requests of Lambdas to any loopback port without TLS, to itself. Remove when its worker script checks
    the port.
    """
    from ministack.core import lambda_runtime

    found = '    const advertised = (process.env.MINISTACK_HOST || "").split(":")[0];\n'
    if found not in lambda_runtime._NODEJS_WORKER_SCRIPT:
        raise SystemExit("launch.py: MiniStack's worker script has changed; see keep_tls_to_other_local_servers")
    elsewhere = "options.port && ![443, msPort].includes(Number(options.port))"
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        found, f"    if ({elsewhere}) return origHttpsReq.apply(https, original);\n{found}"
    )


def load_no_sdk_of_another_folder():
    """MiniStack's worker loads version 2 of the SDK to redirect it: it finds that of our node_modules, above its own folder, and takes half a second
    of the processor for each new process of a function. Functions bundle what they use, and the runtime has no version 2. Remove when the worker
    patches the SDK of the function only.
    """
    from ministack.core import lambda_runtime

    found = 'require("aws-sdk")'
    if lambda_runtime._NODEJS_WORKER_SCRIPT.count(found) != 1:
        raise SystemExit("launch.py: MiniStack's worker script has changed; see load_no_sdk_of_another_folder")
    # Within a `try` that ignores a missing SDK.
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        found, 'require(path.join(process.env.LAMBDA_TASK_ROOT, "node_modules", "aws-sdk"))'
    )


def end_logs_with_the_invocation():
    """After each invocation MiniStack waits until a function has logged nothing for a while: 5 to 50 ms. Here the worker marks the end of
    the invocation in its log. Remove when MiniStack's worker does so.
    """
    import queue

    from ministack.core import lambda_runtime

    end = "\0"
    lambda_runtime._NODEJS_WORKER_SCRIPT = """
        const respond = process.stdout.write;
        process.stdout.write = function (text, ...rest) {
            if (!String(text).startsWith('{"status":"ready"')) process.stderr.write("\\u0000\\n");
            return respond.call(process.stdout, text, ...rest);
        };
    """ + lambda_runtime._NODEJS_WORKER_SCRIPT

    drain = lambda_runtime.Worker._drain_stderr_bounded

    def until_the_end(self):
        if not self.config.get("Runtime", "").startswith("nodejs"):
            return drain(self)
        lines = []
        try:
            # Only a worker that has died leaves no mark.
            while not (line := self._stderr_queue.get(timeout=0.25)).endswith(end):
                lines.append(line)
            lines.append(line.removesuffix(end))
        except queue.Empty:
            pass
        return "\n".join(lines).removesuffix("\n")

    lambda_runtime.Worker._drain_stderr_bounded = until_the_end


def describe_alarms_in_full():
    """`DescribeAlarms` omits half of each alarm in XML, so Terraform plans to change every alarm. Remove when
    `ministack.services.cloudwatch._describe_alarms` returns all stored fields.
    """
    from ministack.services import cloudwatch

    describe = cloudwatch._describe_alarms

    def members(values, inner):
        return "".join(f"<member>{inner(value)}</member>" for value in values)

    def fields(source, names):
        for name in names:
            value = source.get(name)
            if value is not None and value != "":
                text = str(value).lower() if isinstance(value, bool) else str(value)
                yield f"<{name}>{escape(text)}</{name}>"

    scalars = (
        "AlarmName AlarmArn AlarmDescription ActionsEnabled StateValue StateReason MetricName Namespace Statistic "
        "ExtendedStatistic Period Unit EvaluationPeriods DatapointsToAlarm Threshold ComparisonOperator "
        "TreatMissingData"
    ).split()

    def metric_alarm(alarm):
        # MiniStack stores defaults where AWS has nothing: an alarm on a percentile has no statistic, and one on an
        # expression has no period either.
        absent = () if alarm.get("MetricName") else ("Statistic", "Period")
        absent += ("Statistic",) if alarm.get("ExtendedStatistic") else ()
        text = "".join(fields(alarm, [name for name in scalars if name not in absent]))
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            text += f"<{name}>{members(alarm.get(name) or [], escape)}</{name}>"
        dimensions = members(alarm.get("Dimensions") or [], lambda d: "".join(fields(d, ("Name", "Value"))))
        return text + f"<Dimensions>{dimensions}</Dimensions>"

    def describe_in_full(params, cbor_data, is_cbor, is_json=False):
        status, headers, body = describe(params, cbor_data, is_cbor, is_json)
        if is_cbor or is_json or status != 200:
            return status, headers, body
        # MiniStack's own answer is right in which alarms it holds, and in their order.
        text = body.decode()
        start, end = text.index("<MetricAlarms>"), text.index("</MetricAlarms>")
        names = [part.split("</AlarmName>")[0] for part in text[start:end].split("<AlarmName>")[1:]]
        alarms = members(names, lambda name: metric_alarm(cloudwatch._alarms[name]))
        return status, headers, (text[:start] + "<MetricAlarms>" + alarms + text[end:]).encode()

    cloudwatch._describe_alarms = describe_in_full


def store_tracing_of_state_machines():
    """`DescribeStateMachine` has no tracing configuration, so Terraform plans to enable it each time. Remove when
    `ministack.services.stepfunctions` stores `tracingConfiguration`.
    """
    import json

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
    from contextvars import ContextVar

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


def give_mocks_no_http_method():
    """A mock integration of a REST API has no HTTP method, and MiniStack stores POST: Terraform replaces the integration each time, and
    with it loses its responses. Remove when `ministack.services.apigateway_v1._put_integration` has no default method.
    """
    from ministack.services import apigateway_v1

    put = apigateway_v1._put_integration
    apigateway_v1._put_integration = lambda api, resource, method, data: put(api, resource, method, {"httpMethod": None, **data})


def keep_paths_of_method_settings():
    """A stage's settings of one method are named after its path with ~1 for each slash, as on AWS: MiniStack decodes the name, and
    Terraform does not find what it has written. Remove when `ministack.services.apigateway_v1._try_apply_method_settings_patch` decodes
    no token.
    """
    from ministack.services import apigateway_v1

    settings_of = apigateway_v1._method_throttle_settings

    def settings_of_method(stage, path, method):
        named = (stage.get("methodSettings") or {}).get(f"{path.replace('/', '~1')}/{method}")
        return named or settings_of(stage, path, method)

    apigateway_v1._decode_json_pointer_token = lambda token: token
    apigateway_v1._method_throttle_settings = settings_of_method


def serve_routes_as_deployed():
    """A stage serves its API's resources as they are now; on AWS, as they were when its deployment was created. Remove when
    `ministack.services.apigateway_v1._create_deployment` keeps them.
    """
    import copy
    from contextvars import ContextVar

    from ministack.services import apigateway_v1

    stage_of_request = ContextVar("stage_of_request")

    def of_deployment(api, deployment):
        return f"{api}/{deployment}"

    # Beside those of the APIs, so that they are kept with the emulator's state.
    def remembering(create):
        def created(api, data):
            answer = create(api, data)
            if answer[0] == 201:
                resources = apigateway_v1._resources
                resources[of_deployment(api, json.loads(answer[2])["id"])] = copy.deepcopy(resources[api])
            return answer

        return created

    def forgetting(delete):
        def deleted(api, deployment):
            apigateway_v1._resources.pop(of_deployment(api, deployment), None)
            return delete(api, deployment)

        return deleted

    def as_deployed(match):
        def matched(api, *request):
            stage = apigateway_v1._stages_v1.get(api, {}).get(stage_of_request.get(), {})
            deployed = of_deployment(api, stage.get("deploymentId"))
            # A state that was kept before has none.
            return match(deployed if deployed in apigateway_v1._resources else api, *request)

        return matched

    execute, authorization_type = apigateway_v1._execute_in_scope, apigateway_v1.method_authorization_type

    async def execute_deployed(request, api, stage, *rest):
        stage_of_request.set(stage)
        return await execute(request, api, stage, *rest)

    def deployed_authorization_type(api, stage, *rest):
        stage_of_request.set(stage)
        return authorization_type(api, stage, *rest)

    apigateway_v1._create_deployment = remembering(apigateway_v1._create_deployment)
    apigateway_v1._delete_deployment = forgetting(apigateway_v1._delete_deployment)
    apigateway_v1._match_resource_tree = as_deployed(apigateway_v1._match_resource_tree)
    apigateway_v1._match_greedy_fallback = as_deployed(apigateway_v1._match_greedy_fallback)
    apigateway_v1._execute_in_scope = execute_deployed
    apigateway_v1.method_authorization_type = deployed_authorization_type


def accept_loopback_as_tls():
    """Our policies deny requests without TLS, and the emulator has no TLS on loopback. Remove when a setting marks requests of the
    same machine as secure.
    """
    from ministack import app

    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def authorize_batches_as_messages():
    """MiniStack requires sqs:SendMessageBatch for a batch, which IAM does not have: AWS requires the action of a single message.
    Remove when `ministack.core.iam_actions` maps batches.
    """
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def single(*request):
        action = extract(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = single


def authorize_batches_of_statements_on_their_tables():
    """MiniStack requires dynamodb:BatchExecuteStatement, which IAM does not have: AWS requires dynamodb:PartiQLUpdate and its siblings, on
    each statement's table. Remove when `ministack.core.iam_actions` maps statements.
    """
    from ministack.core import iam_actions

    checks = iam_actions.dynamodb_transaction_checks
    statement = re.compile(r'\s*(SELECT|INSERT|UPDATE|DELETE)\b[^"]*"([^"]+)"', re.IGNORECASE)

    def of_statements(action, body, region, account):
        if action != "dynamodb:BatchExecuteStatement":
            return checks(action, body, region, account)
        found = [statement.match(each["Statement"]) for each in json.loads(body)["Statements"]]
        # Without a check nothing allows the call.
        return [] if None in found else [
            (f"dynamodb:PartiQL{verb.title()}", f"arn:aws:dynamodb:{region}:{account}:table/{table}")
            for verb, table in {match.groups() for match in found}
        ]

    iam_actions.dynamodb_transaction_checks = of_statements


def know_no_other_root(access_key_id, secret_access_key):
    """MiniStack's root is anyone who sends the key `test`, twelve digits, or to S3 no key at all, and it checks no signature of it. Here
    the root user has one key pair, whose signatures are verified as those of functions are. Remove when MiniStack has a setting for it.
    """
    from ministack.core import iam_evaluator
    from ministack.services import sts

    iam_evaluator.is_root_access_key = sts.is_root_access_key = lambda access_key_id: False
    account = "000000000000"
    sts.register_session(access_key_id, {
        "Arn": f"arn:aws:iam::{account}:root",
        "UserId": account,
        "SecretAccessKey": secret_access_key,
    })


def give_functions_keys_of_this_run():
    """A function's keys are computed from its name and role, which anyone can do. Remove when MiniStack draws them at random."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    credentials, salt = lambda_runtime.execution_credentials, secrets.token_hex(16)

    def salted(config):
        return credentials({**config, "FunctionArn": f"{config['FunctionArn']}:{salt}"})

    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = salted


def collect_garbage_seldom():
    """What the services store is no garbage, and grows: Python would look through all of it again and again, in the middle of requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


class Ending:
    """Ends the emulator once its state is saved. A graceful shutdown would wait for every open connection."""

    def __init__(self, kept):
        self.kept = kept
        self.loop = None  # of the server

    def on_signal(self, *_):
        # In its own thread: the interrupted one may hold a lock that `end` acquires.
        threading.Thread(target=self.end, args=(QUIET_WITHIN_SECONDS,)).start()

    def when_stdin_closes(self):
        sys.stdin.buffer.read()
        self.end(0)

    def end(self, quiet_within_seconds):
        """`quiet_within_seconds`: how long what runs may take to finish."""
        # A remaining worker exits when its standard input closes.
        threading.Timer(quiet_within_seconds + 15, os._exit, [1]).start()
        if self.kept is not None and self.loop is not None:
            wait_until_quiet(quiet_within_seconds)
            asyncio.run_coroutine_threadsafe(self.kept.save_last(), self.loop).result()
        from ministack.core import lambda_runtime

        lambda_runtime.reset()
        os._exit(0)


async def serve_until_end(app, listener, ending):
    ending.loop = asyncio.get_running_loop()
    saving = None
    if ending.kept is not None:
        saving = asyncio.create_task(ending.kept.save_when_changed(SAVE_EVERY_SECONDS))
    await serve(app, listener)
    del saving


def main():
    options = arguments()
    # First: of two that were given one port, one ends before it is taken for the other.
    listener = socket.create_server((options.host, options.port), backlog=1024)
    install_clock()
    # Functions inherit the environment, and the keys of its root user would be in it.
    keys = [os.environ.pop(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    # MiniStack reads its environment as it is imported.
    os.environ.update({
        "GATEWAY_PORT": str(options.port),
        "BIND_HOST": options.host,
        # Signatures and policies are enforced, as on AWS.
        "AUTH": "true",
        # Its MQTT and SFTP servers would listen on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    })

    from ministack.app import _parse_execute_api_url, app

    poll_schedules_every_second()
    poll_queues_ten_times_a_second()
    end_lambdas_with_the_emulator()
    let_invocations_end()
    keep_tls_to_other_local_servers()
    load_no_sdk_of_another_folder()
    end_logs_with_the_invocation()
    describe_alarms_in_full()
    store_tracing_of_state_machines()
    run_distributed_maps_of_jsonata_inline()
    executions = executions_of_tokens()
    authorize_tokens_on_their_machine(executions)
    close_tokens_with_their_task(executions)
    end_waits_of_stopped_executions(executions)
    record_nested_states()
    redrive_executions()
    give_mocks_no_http_method()
    keep_paths_of_method_settings()
    serve_routes_as_deployed()
    accept_loopback_as_tls()
    authorize_batches_as_messages()
    authorize_batches_of_statements_on_their_tables()
    know_no_other_root(*keys)
    give_functions_keys_of_this_run()
    remember()
    watch()
    folder = os.environ["TMPDIR"] if "TMPDIR" in os.environ else tempfile.mkdtemp()
    follow_the_clock(folder)
    advance = Advance(folder)
    advance.count_invocations()
    logs = FunctionLogs()
    logs.watch()
    if options.record_calls:
        from record_calls import record_calls

        record_calls(options.record_calls)

    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, ValueError, OSError):
        pass  # fewer open files; Windows has no such limit

    kept = KeptState(options.state, json.loads(options.about)) if options.state else None
    if kept is not None:
        kept.restore()
    ending = Ending(kept)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ending.on_signal)
    if options.until_stdin_closes:
        threading.Thread(target=ending.when_stdin_closes, daemon=True).start()

    served = app if kept is None else kept.noting_requests(app)
    routes = {**state_routes(kept), **clock_routes(advance, kept), ("POST", "/_almanac/logs"): logs.after}
    served = control(served, secret=keys[1], routes=routes)
    served = guard(served, is_api=lambda host, path: _parse_execute_api_url(host, path) is not None)
    collect_garbage_seldom()
    asyncio.run(serve_until_end(served, listener, ending))


def state_routes(kept):
    """What the command line may ask about the state: see control.py."""

    async def state(_):
        return {"kept": kept is not None, "restored": kept is not None and kept.restored}

    async def save(_):
        return {"saved": kept is not None and await kept.save()}

    return {("GET", "/_almanac/state"): state, ("POST", "/_almanac/state"): save}


if __name__ == "__main__":
    logging.captureWarnings(True)
    main()
