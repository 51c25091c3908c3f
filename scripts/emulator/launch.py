"""Serves MiniStack on one port, with the mends that the local environment needs.

    python launch.py --port 4566 [--host 127.0.0.1] [--until-stdin-closes] [--record-calls FILE]

MiniStack's own `main` would do but for what is mended here. Each mend says what it mends and when it can go; look
through them whenever the pin in requirements.txt moves. Everything else is MiniStack's, configured by its environment.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from xml.sax.saxutils import escape


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (in a container: 0.0.0.0)")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when whoever started this has gone")
    parser.add_argument("--record-calls", metavar="FILE", help="write there what functions and state machines ask of AWS")
    return parser.parse_args()


def look_at_schedules_every_second():
    """Mends schedules that fire up to ten seconds late. Can go when MiniStack has a setting for it."""
    from ministack.services import eventbridge, scheduler

    eventbridge._SCHEDULER_TICK_INTERVAL = 1
    scheduler._SCHEDULE_TICK_INTERVAL = 1


def look_at_queues_ten_times_a_second():
    """Mends messages that reach their function up to a second after their delay is over: an idle poller sleeps for a second,
    whatever comes due meanwhile. Can go when MiniStack wakes it for a delayed message, or has a setting for it.
    """
    from ministack.services import lambda_svc

    wake = lambda_svc._esm_wake
    wait = wake.wait
    wake.wait = lambda timeout=None: wait(0.1 if timeout is None else min(timeout, 0.1))


def end_lambdas_with_the_emulator():
    """Mends Node workers that, while at work, outlive an emulator that was killed: their standard input closes, and they
    must take that as the end. Can go when MiniStack's worker script does so itself.
    """
    from ministack.core import lambda_runtime

    lambda_runtime._NODEJS_WORKER_SCRIPT += '\nrl.on("close", () => process.exit(0));\n'


def leave_https_servers_of_this_machine_alone():
    """Mends https requests of Lambdas to other servers on this machine, which MiniStack sends without TLS: it takes all of
    loopback for itself. Can go when its worker script looks at the port first.
    """
    from ministack.core import lambda_runtime

    found = '    const advertised = (process.env.MINISTACK_HOST || "").split(":")[0];\n'
    if found not in lambda_runtime._NODEJS_WORKER_SCRIPT:
        raise SystemExit("launch.py: MiniStack's worker script has changed; see leave_https_servers_of_this_machine_alone")
    elsewhere = "options.port && ![443, msPort].includes(Number(options.port))"
    lambda_runtime._NODEJS_WORKER_SCRIPT = lambda_runtime._NODEJS_WORKER_SCRIPT.replace(
        found, f"    if ({elsewhere}) return origHttpsReq.apply(https, original);\n{found}"
    )


def describe_alarms_in_full():
    """Mends `DescribeAlarms`, whose XML answer leaves out half of each alarm, so that Terraform plans to change every
    alarm every time. Can go when `ministack.services.cloudwatch._describe_alarms` writes what it stores.
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


def remember_tracing_of_state_machines():
    """Mends `DescribeStateMachine`, which knows nothing of tracing, so that Terraform plans to switch it on every time. Can
    go when `ministack.services.stepfunctions` stores `tracingConfiguration`.
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


def take_loopback_for_tls():
    """Mends policies that refuse requests without TLS, as all of ours do: on loopback there is none, and nobody who listens. Can
    go when requests of the emulator's own machine can be taken for safe ones by a setting.
    """
    from ministack import app

    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def allow_batches_as_messages():
    """Mends batches of SQS, which MiniStack asks a permission for that IAM does not know: sqs:SendMessageBatch. On AWS they
    need that of a single message. Can go when `ministack.core.iam_actions` maps them so.
    """
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def single(*request):
        action = extract(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = single


def answer_in_one_piece():
    """Mends answers that Terraform loses. Go's client may still be looking whether there is more of a request to send when it has been
    answered; it then closes the connection, and has of the answer what came in the first packet. It asks again, and what it had
    created exists already. Hypercorn sends head and body apart. Can go when it sends them together.
    """
    import h11
    from hypercorn.events import RawData
    from hypercorn.protocol.h11 import H11Protocol

    async def send(self, event):
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            self.head = data  # goes with what follows
            return
        await self.send(RawData(data=self.__dict__.pop("head", b"") + data))

    H11Protocol._send_h11_event = send


def end():
    """Nothing is kept, so there is nothing to wait for: an orderly end would wait for every open connection."""
    # Whatever happens, this ends; a worker that is left ends by itself, for its standard input closes.
    threading.Timer(5, os._exit, [1]).start()
    from ministack.core import lambda_runtime

    lambda_runtime.reset()
    os._exit(0)


def end_on_signal(*_):
    # In a thread of its own: the one a signal interrupts may hold the lock that `end` takes.
    threading.Thread(target=end).start()


def end_when_stdin_closes():
    sys.stdin.buffer.read()
    end()


def main():
    options = arguments()
    # MiniStack reads its environment as it is imported.
    os.environ.update({
        "GATEWAY_PORT": str(options.port),
        "BIND_HOST": options.host,
        # Signatures and policies hold, as on AWS. The keys of the account itself, test and test, may do everything.
        "AUTH": "true",
        # Its MQTT and SFTP servers would listen on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    })

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    look_at_schedules_every_second()
    look_at_queues_ten_times_a_second()
    end_lambdas_with_the_emulator()
    leave_https_servers_of_this_machine_alone()
    describe_alarms_in_full()
    remember_tracing_of_state_machines()
    take_loopback_for_tls()
    allow_batches_as_messages()
    answer_in_one_piece()
    if options.record_calls:
        from record_calls import record_calls

        record_calls(options.record_calls)

    config = Config()
    config.bind = [f"{options.host}:{options.port}"]
    # Longer than the 90 s of Go's clients, Terraform's among them: who closes an idle connection as a request comes in loses its
    # answer, and a permission that was added but not answered for is in Terraform's way for five minutes, and then an error.
    config.keep_alive_timeout = 120
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO")

    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, ValueError, OSError):
        pass  # Fewer files may be open, then; Windows has no such limit.

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_on_signal)
    if options.until_stdin_closes:
        threading.Thread(target=end_when_stdin_closes, daemon=True).start()

    # Given its own trigger, hypercorn leaves the signals above alone.
    asyncio.run(serve(app, config, shutdown_trigger=lambda: asyncio.Event().wait()))


if __name__ == "__main__":
    logging.captureWarnings(True)
    main()
