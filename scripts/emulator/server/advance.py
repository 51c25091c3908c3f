"""Moves the clock from one due instant to the next, and lets each finish what it starts: nothing early, nothing skipped, in order."""

import collections
import datetime
import logging
import math
import os
import threading
import time

from activity import activity, busy, message_times
from clock import SHORT_SLEEP_SECONDS, Time, clock, real_sleep, real_time

logger = logging.getLogger("clock")

# Without it, what is busy is named, and the clock stays where it is.
QUIET_WITHIN_SECONDS = 60

# Rows past their time to live are deleted then. AWS may take days.
TTL_EVERY_SECONDS = 3_600

HOW_OFTEN_QUIET, QUIET_APART_SECONDS = 2, 0.004


class StillBusyError(Exception):
    pass


def follow_the_clock(folder):
    """Makes the services and the functions follow the clock. `folder`: for files that functions read and write."""
    from ministack.core import lambda_runtime, sigv4
    from ministack.services import dynamodb, eventbridge, lambda_svc, scheduler, stepfunctions

    waiting = os.path.join(folder, "waiting")
    os.makedirs(waiting, exist_ok=True)
    clock.file = os.path.join(folder, "clock.json")
    clock.set(clock.offset)
    prelude = os.path.join(os.path.dirname(os.path.abspath(__file__)), "function-clock.cjs")
    with open(prelude) as file:
        lambda_runtime._NODEJS_WORKER_SCRIPT = file.read() + lambda_runtime._NODEJS_WORKER_SCRIPT
    os.environ.update({"ALMANAC_CLOCK": clock.file, "ALMANAC_WAITING": waiting})

    stepfunctions.time = lambda_svc.time = Time(sleep)
    dynamodb.time = Time(sleep_between_sweeps)
    for service, tick, fired in (
        (eventbridge, "_tick_scheduled_rules", lambda: eventbridge._rule_last_fired),
        (scheduler, "_tick_schedules", lambda: scheduler._schedule_last_fired),
    ):
        setattr(service, tick, keeping_the_phase(getattr(service, tick), fired))

    # Terraform and the command line sign with the machine's clock, functions with this one.
    header, presigned = sigv4.request_time_failure, sigv4.presigned_request_is_expired

    def now_on_the_machine():
        return datetime.datetime.fromtimestamp(real_time(), datetime.timezone.utc)

    def request_time_failure(signature, *, now=None):
        return header(signature, now=now) and header(signature, now=now or now_on_the_machine())

    def presigned_request_is_expired(date, expires, now=None):
        return presigned(date, expires, now) and presigned(date, expires, now or now_on_the_machine())

    sigv4.request_time_failure = request_time_failure
    sigv4.presigned_request_is_expired = presigned_request_is_expired
    polling = lambda_svc._poll_sqs

    def poll():
        # Between receiving a batch and handing it over it would seem that nothing happens.
        with activity.work():
            return polling()

    lambda_svc._poll_sqs = poll


def sleep(seconds):
    """A wait of a state machine, a retry of an invocation. Shorter ones only pretend that AWS is slow."""
    if seconds < SHORT_SLEEP_SECONDS:
        real_sleep(0.002 if clock.moving else seconds)
        return
    until = clock.now() + seconds
    with activity.pause(until):
        clock.wait_until(until)


_sweeping = threading.local()


def sleep_between_sweeps(seconds):
    """Of the thread that deletes rows past their time to live: a sweep reads every row."""
    if seconds < SHORT_SLEEP_SECONDS:
        real_sleep(seconds)
        return
    if getattr(_sweeping, "now", False):
        activity._add(-1)
    clock.wait_until(next_sweep(clock.now()), or_real_seconds=None if clock.moving else seconds)
    _sweeping.now = True
    activity._add(1)


def next_sweep(now):
    return (now // TTL_EVERY_SECONDS + 1) * TTL_EVERY_SECONDS


def keeping_the_phase(tick, fired):
    """MiniStack counts the next interval from when it noticed the last: every tick moves the rule. `fired`: the last fires."""
    lock = threading.Lock()

    def ticked():
        # Also called by the service's own thread.
        with lock:
            before = dict(fired())
            tick()
            for rule, last in fired().items():
                interval = interval_of(rule)
                if interval and rule in before and last != before[rule]:
                    fired()[rule] = before[rule] + (last - before[rule]) // interval * interval

    return ticked


def interval_of(key):
    from ministack.services import eventbridge, scheduler

    rule = eventbridge._rules._data.get(key) or scheduler._schedules._data.get(key) or {}
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
            last = fired.get(key, rule.get("CreationTime") or rule.get("CreationDate") or now)
            interval = eventbridge._parse_rate_seconds(expression)
            if interval:
                yield last + interval
                continue
            fields = eventbridge._parse_cron_fields(expression)
            after = datetime.datetime.fromtimestamp(last, datetime.timezone.utc)
            due = fields and eventbridge._cron_next_fire(fields, after)
            if due:
                yield due.timestamp()


class Waiting:
    """The functions that only wait for an instant: each has written it into a file named after its process."""

    def __init__(self, folder):
        self.folder = folder

    def times(self):
        found = []
        for name in os.listdir(self.folder):
            try:
                os.kill(int(name), 0)
                with open(os.path.join(self.folder, name)) as file:
                    found.append(float(file.read()) / 1000)
            except ProcessLookupError:
                os.unlink(os.path.join(self.folder, name))
            except (OSError, ValueError):
                pass  # it goes on just now
        return found


class Advance:
    """One advance at a time, in a thread of its own."""

    def __init__(self, folder):
        self.waiting = Waiting(os.path.join(folder, "waiting"))
        self.until = None
        self.steps = 0
        self.error = None
        self.ran = collections.Counter()
        self.failed = collections.Counter()
        self._thread = None
        self._stop = False

    def start(self, until):
        """`until`: epoch seconds."""
        if self.running():
            raise ValueError("The clock is being moved already.")
        if until <= clock.now():
            raise ValueError("The clock only moves forward.")
        self.until, self.steps, self.error, self._stop = until, 0, None, False
        self.ran.clear()
        self.failed.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def running(self):
        return self._thread is not None and self._thread.is_alive()

    def stop(self):
        """Returns when the clock stands at the instant that it has reached."""
        self._stop = True
        if self._thread is not None:
            self._thread.join()

    def count(self, execute):
        """Counts invocations: wraps the function that executes one."""

        def counted(function, *args):
            result = execute(function, *args)
            name = (function.get("config") or function).get("FunctionName", "")
            self.ran[name] += 1
            if isinstance(result, dict) and result.get("error"):
                self.failed[name] += 1
            return result

        return counted

    def _run(self):
        clock.set_moving(True)
        try:
            while not self._stop:
                self._wait_until_quiet()
                now = clock.now()
                if now >= self.until:
                    break
                clock.move_to(self._next(now))
                self.steps += 1
                self._fire()
        except Exception as error:
            if not isinstance(error, StillBusyError):
                logger.exception("The clock could not be moved")
            self.error = str(error)
        finally:
            clock.set_moving(False)

    def _next(self, now):
        """The earliest instant at which something is due."""
        # The emulator looks at its schedules once a second.
        schedules = (math.ceil(due) for due in schedule_times(now))
        times = [*schedules, *message_times(), *list(activity.sleepers.values()), *self.waiting.times(), next_sweep(now)]
        return min([self.until, *(due for due in times if due > now)])

    def _fire(self):
        from ministack.core.concurrency import esm_wake
        from ministack.services import eventbridge, scheduler

        eventbridge._tick_scheduled_rules()
        scheduler._tick_schedules()
        esm_wake.set()

    def _wait_until_quiet(self):
        until, quiet = time.monotonic() + QUIET_WITHIN_SECONDS, 0
        while quiet < HOW_OFTEN_QUIET:
            found = busy(clock.now(), waiting=len(self.waiting.times()))
            quiet = 0 if found else quiet + 1
            if time.monotonic() > until:
                raise StillBusyError(f"After {QUIET_WITHIN_SECONDS} s these are still busy: {', '.join(found)}.")
            real_sleep(QUIET_APART_SECONDS)
