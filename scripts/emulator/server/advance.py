"""Moves the clock from one due instant to the next, and lets each finish what it starts: nothing early, nothing skipped, in order."""

import asyncio
import collections
import datetime
import json
import logging
import math
import os
import threading
import time

from activity import activity, busy, message_times, wait_until
from clock import SHORT_SLEEP_SECONDS, Time, clock, real_sleep, real_time

logger = logging.getLogger("clock")

# Without it, what is busy is named, and the clock stays where it is.
QUIET_WITHIN_SECONDS = 60

# Rows past their time to live are deleted then. AWS may take days.
TTL_EVERY_SECONDS = 3_600

# It looks every 30 s for processes of functions that have been idle for five minutes: neither is due on this clock.
REAPER = "ministack-lambda-reaper"

HOW_OFTEN_QUIET, QUIET_APART_SECONDS = 3, 0.001
# Each look takes the interpreter from what it waits for.
BUSY_APART_SECONDS = 0.003

# Python's dates have no later year, and neither have timestamps of AWS.
END_OF_TIME = 253_402_300_800


class StillBusyError(Exception):
    pass


def follow_the_clock(folder):
    """Makes the services and the functions follow the clock. `folder`: for files that functions read and write."""
    from ministack.core import lambda_runtime, sigv4
    from ministack.services import dynamodb, eventbridge, lambda_svc, s3, scheduler, stepfunctions

    waiting = waiting_folder(folder)
    os.makedirs(waiting, exist_ok=True)
    clock.file = os.path.join(folder, "clock.json")
    clock.set(clock.offset)
    prelude = os.path.join(os.path.dirname(os.path.abspath(__file__)), "function-clock.cjs")
    with open(prelude) as file:
        names = f"const CLOCK_FILE = {json.dumps(clock.file)}, WAITING_FOLDER = {json.dumps(waiting)};"
        script = f"(function () {{ {names}\n{file.read()}\n}})();\n"
    lambda_runtime._NODEJS_WORKER_SCRIPT = script + lambda_runtime._NODEJS_WORKER_SCRIPT

    stepfunctions.time = lambda_svc.time = Time(sleep=sleep)
    # Processes age as the machine does: see sleep.
    lambda_runtime.time = Time(time=real_time)
    sweeper = threading.Thread(target=dynamodb._ttl_reaper, daemon=True)
    dynamodb.time = Time(sleep=lambda seconds: sleep_between_sweeps(sweeper, seconds))
    sweeper.start()
    for service, tick, fired, schedules in (
        (eventbridge, "_tick_scheduled_rules", eventbridge._rule_last_fired, eventbridge._rules),
        (scheduler, "_tick_schedules", scheduler._schedule_last_fired, scheduler._schedules),
    ):
        setattr(service, tick, missing_none(getattr(service, tick), fired, schedules))

    # Terraform signs with the machine's clock, functions with this one; the signature is verified all the same.
    sigv4.request_time_failure = lambda signature, *, now=None: None
    expired = sigv4.presigned_request_is_expired

    def presigned_request_is_expired(date, expires, now=None):
        machine = datetime.datetime.fromtimestamp(real_time(), datetime.timezone.utc)
        return expired(date, expires, now) and expired(date, expires, now or machine)

    sigv4.presigned_request_is_expired = s3.presigned_request_is_expired = presigned_request_is_expired


def waiting_folder(folder):
    """Of the functions that only wait for an instant."""
    return os.path.join(folder, "waiting")


def sleep(seconds):
    """A wait of a state machine, a retry of an invocation. Shorter ones only pretend that AWS is slow."""
    if seconds < SHORT_SLEEP_SECONDS:
        real_sleep(0.002 if clock.moving else seconds)
        return
    if threading.current_thread().name == REAPER:
        real_sleep(seconds)
        return
    wait_until(clock.now() + seconds)


def sleep_between_sweeps(sweeper, seconds):
    """Of the thread that deletes rows past their time to live: a sweep reads every row. `sweeper` takes the place of MiniStack's own
    thread, which sleeps on the machine's clock since it was started.
    """
    if seconds < SHORT_SLEEP_SECONDS:
        real_sleep(seconds)
        return
    if threading.current_thread() is not sweeper:
        threading.Event().wait()
    until = next_sweep(clock.now())
    with activity.pause(until):
        clock.wait_until(until, or_real_seconds=None if clock.moving else seconds)
    activity.count_this_thread()


def next_sweep(now):
    return (now // TTL_EVERY_SECONDS + 1) * TTL_EVERY_SECONDS


def missing_none(tick, fired, schedules):
    """MiniStack counts from when it notices: the next interval from the look after the last fire, so that every tick moves the rule, and a
    cron from the first look, so that it misses what was due since the rule's creation. `fired`: when each rule last fired.
    """
    lock = threading.Lock()

    def ticked():
        # Also called by the service's own thread.
        with lock:
            for key, rule in list(schedules._data.items()):
                begin_at_creation(key, rule, fired)
            before = dict(fired)
            tick()
            for key, last in fired.items():
                interval = interval_of(schedules._data.get(key) or {})
                if interval and key in before and last != before[key]:
                    fired[key] = before[key] + (last - before[key]) // interval * interval

    return ticked


def begin_at_creation(key, rule, fired):
    """Counts a rule from its creation, also one of a name that was deleted, and a disabled one from when it is enabled."""
    created = created_at(rule)
    if is_one_shot(rule):
        if fired.get(key, created) < created:
            del fired[key]
    elif rule.get("State") != "ENABLED":
        fired[key] = clock.now()
    else:
        fired[key] = max(fired.get(key, created), created)


def created_at(rule):
    return rule.get("CreationTime") or rule.get("CreationDate") or clock.now()


def is_one_shot(rule):
    from ministack.services import scheduler

    return scheduler._at_time_epoch(rule.get("ScheduleExpression", "")) is not None


def interval_of(rule):
    from ministack.services import eventbridge

    return eventbridge._parse_rate_seconds(rule.get("ScheduleExpression", ""))


def schedule_times(now):
    """When each schedule fires next, in epoch seconds."""
    from ministack.services import eventbridge, scheduler

    for rules, fired in (
        (eventbridge._rules._data, eventbridge._rule_last_fired),
        (scheduler._schedules._data, scheduler._schedule_last_fired),
    ):
        for key, rule in list(rules.items()):
            expression = rule.get("ScheduleExpression", "")
            if rule.get("State") != "ENABLED" or not expression:
                continue
            at = scheduler._at_time_epoch(expression)
            if at is not None:
                if key not in fired:
                    yield at
                continue
            last = max(fired.get(key, 0), created_at(rule))
            interval = eventbridge._parse_rate_seconds(expression)
            if interval:
                yield last + interval
                continue
            fields = eventbridge._parse_cron_fields(expression)
            after = datetime.datetime.fromtimestamp(last, datetime.timezone.utc)
            due = fields and eventbridge._cron_next_fire(fields, after)
            if due:
                yield due.timestamp()


def waiting_functions(folder):
    """Until when those invocations wait that wait for nothing but an instant, in epoch seconds: see function-clock.cjs."""
    found = []
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            os.kill(int(name), 0)
            with open(path) as file:
                found.append(float(file.read()) / 1000)
        except ProcessLookupError:
            os.unlink(path)
        except (OSError, ValueError):
            pass  # it goes on just now
    return found


class Advance:
    """Moves the clock, in a thread of its own: to an instant, or for as long as a speed is set."""

    def __init__(self, folder):
        self._waiting = waiting_folder(folder)
        self.until = None
        self.speed = 1
        self.steps = 0
        self.error = None
        self.ran = collections.Counter()
        self.failed = collections.Counter()
        self._thread = None
        self._stopped = False

    def is_running(self):
        return self._thread is not None and self._thread.is_alive()

    def to(self, until):
        """`until`: epoch seconds."""
        # First: a clock that is being moved may just have passed it.
        self.require_rest()
        if until <= clock.now():
            raise ValueError("The clock only moves forward.")
        if until >= END_OF_TIME:
            raise ValueError("The clock ends with the year 9999.")
        self._start(until, 1, lambda: self._move(until))

    def at(self, speed):
        self.stop()
        if speed == 1:
            return
        began, real = clock.now(), time.monotonic()

        def keep_pace():
            while not self._stopped:
                self._move(began + speed * (time.monotonic() - real))
                real_sleep(0.05)

        self._start(None, speed, keep_pace)

    def stop(self):
        """Leaves the clock at the instant that it has reached."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join()
        self.speed, self.until = 1, None

    def come_to_rest(self):
        """Stops it, and waits for what has begun: it would write rows of tomorrow into the state of today."""
        self.stop()
        try:
            self._wait_until_quiet()
        except StillBusyError as error:
            logger.warning("%s", error)

    def require_rest(self):
        if self.is_running():
            raise ValueError("The clock is being moved already.")

    def _start(self, until, speed, move):
        self.require_rest()
        self.until, self.speed, self.steps, self.error, self._stopped = until, speed, 0, None, False
        self.ran.clear()
        self.failed.clear()
        self._thread = threading.Thread(target=self._run, args=(move,), daemon=True)
        self._thread.start()

    def _run(self, move):
        clock.set_moving(True)
        try:
            move()
        except StillBusyError as error:
            self.error = str(error)
        except Exception as error:
            logger.exception("The clock could not be moved")
            self.error = f"{type(error).__name__}: {error}"
        finally:
            clock.set_moving(False)
            self.speed, self.until = 1, None

    def _move(self, until):
        while not self._stopped:
            self._wait_until_quiet()
            now = clock.now()
            if now >= until:
                return
            clock.move_to(min(until, self._next_due(now)))
            self.steps += 1
            self._fire()

    def _next_due(self, now):
        # The emulator looks at its schedules once a second.
        schedules = (math.ceil(due) for due in schedule_times(now))
        times = [*schedules, *message_times(), *list(activity.sleepers.values()), *waiting_functions(self._waiting)]
        return min(due for due in [*times, next_sweep(now)] if due > now)

    def _fire(self):
        from ministack.core.concurrency import esm_wake
        from ministack.services import eventbridge, scheduler

        eventbridge._tick_scheduled_rules()
        scheduler._tick_schedules()
        esm_wake.set()

    def _wait_until_quiet(self):
        until, quiet = time.monotonic() + QUIET_WITHIN_SECONDS, 0
        while quiet < HOW_OFTEN_QUIET:
            now = clock.now()
            found = busy(now, waiting=lambda: sum(due > now for due in waiting_functions(self._waiting)))
            first = next(found, None)
            quiet = 0 if first else quiet + 1
            if time.monotonic() > until:
                still = ", ".join(each for each in (first, *found) if each)
                raise StillBusyError(f"After {QUIET_WITHIN_SECONDS} s these are still busy: {still}.")
            real_sleep(BUSY_APART_SECONDS if first else QUIET_APART_SECONDS)

    def count_invocations(self):
        """Counts what runs while the clock is moved."""
        from ministack.services import lambda_svc

        execute = lambda_svc._execute_function_dispatch

        def counted(function, config, *args):
            result = execute(function, config, *args)
            name = config.get("FunctionName", "")
            self.ran[name] += 1
            if isinstance(result, dict) and result.get("error"):
                self.failed[name] += 1
            return result

        lambda_svc._execute_function_dispatch = counted

    def describe(self):
        return {
            "nowMs": clock.now() * 1000,
            "offsetMs": clock.offset * 1000,
            "moving": self.is_running(),
            "untilMs": None if self.until is None else self.until * 1000,
            "speed": self.speed,
            "steps": self.steps,
            "error": self.error,
            "ran": dict(self.ran),
            "failed": dict(self.failed),
        }


def clock_routes(advance, kept):
    """What the command line may ask about the clock: see control.py. `kept`: a KeptState, or None."""
    changing = asyncio.Lock()

    def alone(change):
        """Two consoles may change the clock at once: the second change begins from what the first has made."""

        async def changed(body):
            async with changing:
                return await change(body)

        return changed

    async def describe(_):
        return advance.describe()

    async def remember_now():
        if kept is not None:
            await kept.remember_now()

    async def move(body):
        # First: where `now` returns to is the state before the clock was moved at all.
        advance.require_rest()
        await remember_now()
        advance.to(number(body, "untilMs") / 1000)
        return advance.describe()

    async def set_speed(body):
        speed = number(body, "speed")
        if not 1 <= speed <= 86_400:
            raise ValueError("The speed is a number from 1 to 86400.")
        await asyncio.to_thread(advance.stop)
        await remember_now()
        await asyncio.to_thread(advance.at, speed)
        return advance.describe()

    async def stop(_):
        await asyncio.to_thread(advance.stop)
        return advance.describe()

    async def now(_):
        if kept is None:
            raise ValueError("This emulator keeps no state to return to.")
        await asyncio.to_thread(advance.come_to_rest)
        await kept.back_to_now()
        return advance.describe()

    return {
        ("GET", "/_almanac/clock"): describe,
        ("POST", "/_almanac/clock/advance"): alone(move),
        ("POST", "/_almanac/clock/speed"): alone(set_speed),
        ("POST", "/_almanac/clock/stop"): alone(stop),
        ("POST", "/_almanac/clock/now"): alone(now),
    }


def number(body, name):
    value = body.get(name) if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number.")
    return value
