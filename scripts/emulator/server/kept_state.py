"""Keeps the emulator's state in one file, from which the next start continues.

The file is a line of JSON, for the launcher, and a pickle of every store. It is written beside its place and renamed
into it: when the emulator is killed, the file is a complete earlier state.
"""

import asyncio
import collections
import datetime
import decimal
import importlib
import json
import logging
import os
import pickle
import signal
import sys
import threading
import time

from clock import RealDatetime, clock

logger = logging.getLogger("kept-state")

SERVICES = "ministack.services."

# What runs cannot be stored: it is waited for, or ends with the emulator.
RUNNING = {("stepfunctions", "_task_tokens"), ("stepfunctions", "_activity_tasks")}

# Stores that are ordinary dictionaries. Without the last fires, a rule whose time passed while the emulator was stopped would fire
# an interval late. A rate limit that has seen tomorrow would refuse every request until then.
PLAIN = (
    ("eventbridge", "_rule_last_fired"),
    ("scheduler", "_schedule_last_fired"),
    ("apigateway_v1", "_throttle_state"),
    ("apigateway_v1", "_quota_state"),
)

LONGEST_PAUSE_SECONDS = 60
LONGEST_SAVE_SECONDS = 10

# A pickle may name any function of Python: only these are data.
DATA = {
    **{("builtins", each.__name__): each for each in (bytearray, complex, frozenset, set)},
    **{("collections", each.__name__): each for each in (collections.OrderedDict, collections.defaultdict, collections.deque)},
    **{("datetime", name): getattr(datetime, name) for name in ("date", "time", "timedelta", "timezone")},
    ("builtins", "dict"): dict,
    ("builtins", "list"): list,
    ("decimal", "Decimal"): decimal.Decimal,
}


class Data(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("datetime", "datetime"):
            return datetime.datetime  # of this clock
        try:
            return DATA[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not data") from None


def read(place):
    with open(place, "rb") as file:
        file.readline()
        return Data(file).load()


def stores():
    """The dictionary of each store of each service that has been used, by the names of module and variable.

    MiniStack's own get_state omits what its services need to go on: records of streams, versions of objects, last fires.
    """
    from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

    found, seen = {}, set()
    for name, module in sorted(sys.modules.items()):
        if not name.startswith(SERVICES) or module is None:
            continue
        service = name.removeprefix(SERVICES)
        for variable, value in list(vars(module).items()):
            if isinstance(value, (AccountRegionScopedDict, AccountScopedDict)):
                value = value._data
            elif (service, variable) not in PLAIN:
                continue
            # A store that another service has imported is the same one.
            if (service, variable) not in RUNNING and id(value) not in seen:
                seen.add(id(value))
                found[service, variable] = value
    return found


class KeptState:
    """`file`: where the state is kept. `about`: what its first line says, for the next start to compare."""

    def __init__(self, file, about):
        self.file = file
        self.about = about
        self._before = file + ".before"
        self.restored = False
        # Set by each request: nothing else changes a store without one, but for what a schedule invokes.
        self.changed = False
        self._saving = threading.Lock()
        self._resumed = False

    def restore(self):
        """Before the first request. A state that cannot be read is a fresh start."""
        try:
            offset, saved = read(self.file)
        except FileNotFoundError:
            return
        except Exception:
            logger.exception("The kept state cannot be read: the emulator starts empty")
            return
        self._fill(offset, saved)
        self.restored = True

    def _fill(self, offset, saved):
        from ministack import app

        clock.set(offset)
        for service, _ in saved:
            app._loaded_modules[service] = importlib.import_module(SERVICES + service)
        for (service, variable), value in saved.items():
            store = getattr(app._loaded_modules[service], variable)
            getattr(store, "_data", store).update(value)

    async def remember_now(self):
        """Before the clock is moved for the first time: where `back_to_now` returns to."""
        if clock.offset != 0:
            return
        await self._end_of_save()
        if self.is_deploying():
            raise ValueError("Terraform changes the stack: the clock is not moved.")
        if not await self.save(self._before):
            raise ValueError("The state before cannot be saved, which the emulator's log explains: the clock is not moved.")

    async def back_to_now(self):
        """Returns to the machine's time, and to the state before the clock was moved: rows of tomorrow are not of today."""
        if clock.offset == 0:
            return
        offset, saved = read(self._before)
        from ministack.core import lambda_runtime
        from ministack.services import lambda_svc, stepfunctions

        for function in lambda_svc._functions.all_values():
            # Its processes remember tomorrow.
            lambda_runtime.invalidate_worker(function["config"]["FunctionName"])
        for execution in stepfunctions._executions.all_values():
            # Their threads notice when they wake.
            execution["status"] = "ABORTED"
        clock.begin_era()
        for store in stores().values():
            store.clear()
        self._fill(offset, saved)
        self.resume()

    def resume(self):
        """What a restored state needs in order to go on. Once the port is open: functions are invoked."""
        from ministack.core.responses import now_iso
        from ministack.services import lambda_svc, stepfunctions

        if lambda_svc._esms.has_any():
            lambda_svc._ensure_poller()
        for function in lambda_svc._functions.all_values():
            # The thread that would have ended the update has ended.
            if function["config"].get("LastUpdateStatus") == "InProgress":
                function["config"].update(State="Active", LastUpdateStatus="Successful")
        for execution in stepfunctions._executions.all_values():
            # Its thread has ended with the emulator. AWS would go on: the nearest is a failure that the workflow's owner sees.
            if execution["status"] == "RUNNING":
                execution.update(status="FAILED", stopDate=now_iso(), error="States.ServiceRestart",
                                 cause="The emulator was stopped while this execution was running")
                stepfunctions._emit_execution_status_event(execution)

    def is_deploying(self):
        """Whether Terraform changes the stack. Its state would name a part of what exists."""
        s3 = sys.modules.get(SERVICES + "s3")
        buckets = [] if s3 is None else list(s3._buckets._data.values())
        return any(key.endswith(".tflock") for bucket in buckets for key in list(bucket["objects"]))

    async def save(self, file=None):
        """Saves the state as it is at this moment, on the event loop, so that no request is half done.

        Returns whether it was saved. It is not while Terraform changes the stack.
        """
        if self.is_deploying() or not self._saving.acquire(blocking=False):
            return False
        try:
            self.changed = False
            began = time.monotonic()
            if not hasattr(os, "fork"):
                self._write(file or self.file)
                return True
            # A copy of the process has a state in which nothing moves, and writing it delays no request.
            child = os.fork()
            if child == 0:
                self._write_in_child(file or self.file)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            if status != 0:
                logger.error("The state could not be saved")
                return False
            logger.info("State saved in %.0f ms", (time.monotonic() - began) * 1000)
            return True
        finally:
            self._saving.release()

    def _write_in_child(self, file):
        code = 1
        try:
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
            # The port would stay in use as long as this process runs, the functions' input open.
            os.closerange(3, 65_536)
            self._write(file)
            code = 0
        except BaseException as error:
            os.write(2, f"kept-state: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)

    def _write(self, place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        unfinished = place + ".unfinished"
        about = {**self.about, "savedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        # Secrets are in it, such as parameters.
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(json.dumps(about).encode() + b"\n")
            pickler = pickle.Pickler(file, protocol=5)
            # The class that a pickle names is the one of this clock.
            pickler.dispatch_table = {RealDatetime: lambda value: (datetime.datetime, value.__reduce_ex__(5)[1])}
            pickler.dump((clock.offset, stores()))
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, place)

    async def save_last(self):
        """Saves the state for the last time, after a save that is under way."""
        await self._end_of_save()
        await self.save()

    async def _end_of_save(self):
        until = time.monotonic() + LONGEST_SAVE_SECONDS
        while self._saving.locked() and time.monotonic() < until:
            await asyncio.sleep(0.02)

    def noting_requests(self, app):
        """The ASGI application, whose requests mark the state as changed; the first of them resumes what was restored."""

        async def noted(scope, receive, send):
            if scope["type"] == "http":
                if not self._resumed:
                    self._resumed = True
                    if self.restored:
                        self.resume()
                if not scope["path"].endswith("/health"):
                    self.changed = True
            await app(scope, receive, send)

        return noted

    async def save_when_changed(self, every_seconds):
        pause = every_seconds
        while True:
            await asyncio.sleep(pause)
            if self.changed:
                began = time.monotonic()
                await self.save()
                # 2 % of a processor, whatever there is to save; but a machine that is busy, where it takes long, loses a minute at most.
                pause = min(max(every_seconds, 50 * (time.monotonic() - began)), LONGEST_PAUSE_SECONDS)
