"""Serves MiniStack on one port, with the patches that the local environment needs.

    python launch.py --port 4566 [--host 127.0.0.1] [--until-stdin-closes] [--record-calls FILE] [--state FILE --about JSON]

The person's keys are in its environment: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

Replaces MiniStack's own `main`. Each patch, in patches/, says what it fixes and when it can be removed: review them when the pin in
requirements.txt changes. Everything else is MiniStack's, configured by its environment.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading

from activity import wait_until_quiet, watch
from advance import Advance, clock_routes, follow_the_clock
from clock import install as install_clock
from control import control
from function_logs import FunctionLogs
from guard import guard
from http_server import serve
from kept_state import KeptState
from patches.alarms import describe_alarms_in_full
from patches.authorization import patch_authorization
from patches.functions import patch_functions
from patches.remembered import remember
from patches.rest_apis import patch_rest_apis
from patches.schedules import poll_schedules_every_second
from patches.state_machines import patch_state_machines

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
    patch_functions()
    describe_alarms_in_full()
    patch_state_machines()
    patch_rest_apis()
    patch_authorization(*keys)
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
