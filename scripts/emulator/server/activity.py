"""What the emulator is doing: invocations, executions, messages that are due, records that were not read."""

import concurrent.futures
import contextlib
import threading
import time

from clock import clock


class Activity:
    """The threads that work. One that sleeps, or waits for another thread or for a function, does not."""

    def __init__(self):
        self._lock = threading.Lock()
        self._threads = set()
        # Handed over to a thread that has not begun: in between it would seem that nothing happens.
        self._begun = 0
        # Until when each sleeping thread sleeps, in epoch seconds.
        self.sleepers = {}
        # True: the thread that polls queues and streams waits for a function.
        self.poller_waits = False

    def is_working(self):
        with self._lock:
            return self._begun + len(self._threads) > 0

    def begin(self):
        """Before work is handed over to another thread, which then calls `work(begun=True)`."""
        with self._lock:
            self._begun += 1

    @contextlib.contextmanager
    def work(self, begun=False):
        me = threading.get_ident()
        with self._lock:
            self._begun -= begun
            nested = me in self._threads
            self._threads.add(me)
        try:
            yield
        finally:
            if not nested:
                with self._lock:
                    self._threads.discard(me)

    def count_this_thread(self):
        """As working, until its next pause."""
        with self._lock:
            self._threads.add(threading.get_ident())

    @contextlib.contextmanager
    def pause(self, until=None):
        """`until`: epoch seconds. Without it, another thread, a function or a person ends the pause. As: whether the thread works."""
        me = threading.get_ident()
        with self._lock:
            worked = me in self._threads
            self._threads.discard(me)
            if until is not None:
                self.sleepers[me] = until
        try:
            yield worked
        finally:
            with self._lock:
                if worked:
                    self._threads.add(me)
                self.sleepers.pop(me, None)

    def handed_over(self, function):
        """The function, for another thread."""
        self.begin()

        def counted(*args, **kwargs):
            with self.work(begun=True):
                return function(*args, **kwargs)

        return counted


activity = Activity()


def wait_until(instant, unless=lambda: False):
    """Of the clock. Ends a thread that works when the clock is set back meanwhile: a retry of tomorrow would be made today."""
    era = clock.era
    with activity.pause(instant) as works:
        clock.wait_until(instant, unless=unless)
    if works and clock.era != era:
        raise SystemExit


# Threads that never end.
LOOPS = ("_loop", "_poll_loop", "_scheduler_loop", "_ticker_loop")


class Working(threading.Thread):
    def start(self):
        if getattr(self._target, "__name__", "") not in LOOPS:
            self._target = activity.handed_over(self._target)
        super().start()

    def join(self, timeout=None):
        with activity.pause():
            super().join(timeout)


class Waiting(threading.Event):
    """An event that another request sets, before the clock has passed the timeout: the answer to a task's token."""

    def set(self):
        super().set()
        clock.wake()

    def wait(self, timeout):
        wait_until(clock.now() + timeout, unless=self.is_set)
        return self.is_set()


class Pool(concurrent.futures.ThreadPoolExecutor):
    def submit(self, function, /, *args, **kwargs):
        return super().submit(activity.handed_over(function), *args, **kwargs)


class Threads:
    """The module `threading`, with other classes."""

    Thread = Working

    def __init__(self, **classes):
        self.__dict__.update(classes)

    def __getattr__(self, name):
        return getattr(threading, name)


def watch():
    """Counts what the services do that Almanac uses. Remove when MiniStack says what it is doing."""
    from ministack.services import eventbridge, lambda_svc, s3, sns, stepfunctions

    def wait(futures):
        with activity.pause():
            return concurrent.futures.wait(futures)

    stepfunctions.threading = Threads(Event=Waiting)
    stepfunctions.ThreadPoolExecutor = Pool
    stepfunctions.futures_wait = wait
    lambda_svc.threading = Threads()
    s3.threading = Threads()
    eventbridge.threading = Threads()
    sns._threading = Threads()

    spawn, execute = lambda_svc.spawn_background, lambda_svc._execute_function_dispatch
    poll_queues, poll_streams = lambda_svc._poll_sqs, lambda_svc._poll_dynamodb_streams
    pollers = set()

    def spawn_background(function, *args, **kwargs):
        return spawn(activity.handed_over(function), *args, **kwargs)

    def polling_queues():
        # Between receiving a batch and handing it over it would seem that nothing happens.
        with activity.work():
            return poll_queues()

    def polling_streams():
        pollers.add(threading.get_ident())
        return poll_streams()

    def executing(*args):
        # The thread waits for the function: the invocation is counted itself.
        polls = threading.get_ident() in pollers
        activity.poller_waits = activity.poller_waits or polls
        try:
            with activity.pause():
                return execute(*args)
        finally:
            if polls:
                activity.poller_waits = False

    lambda_svc.spawn_background = spawn_background
    lambda_svc._poll_sqs = polling_queues
    lambda_svc._poll_dynamodb_streams = polling_streams
    lambda_svc._execute_function_dispatch = executing


def busy(now, waiting=lambda: 0):
    """What has to finish before the time may be another one, in words, the cheapest to find first; none: it is quiet.

    `now`: epoch seconds. `waiting()`: how many of the invocations only wait for an instant.
    """
    from ministack.services import lambda_svc

    # A sleeper whose time has come may not have noticed.
    if activity.is_working() or any(due <= now for due in list(activity.sleepers.values())):
        yield "asynchronous work"
    if (count := sum(lambda_svc._inflight.values())) > 0 and (count := count - waiting()) > 0:
        names = ", ".join(sorted(key.split(":")[-1] for key in list(lambda_svc._inflight)))
        yield f"{count} invocations ({names})"
    # They wait behind an invocation.
    if not activity.poller_waits:
        if any(due <= now for due in message_times()):
            yield "a queue with messages that are due"
        if unread_streams():
            yield "a stream with records that were not read"


def mappings():
    """The enabled event source mappings with their scopes, and the ARNs of their sources."""
    from ministack.services import lambda_svc

    for scope, mapping in list(lambda_svc._esms._data.items()):
        if mapping.get("Enabled", True):
            yield scope, mapping, mapping.get("EventSourceArn", "")


def message_times():
    """When the messages of queues that invoke functions can be received, in epoch seconds."""
    from ministack.services import sqs

    sources = {arn for _, _, arn in mappings()}
    for queue in list(sqs._queues._data.values()):
        if queue["attributes"].get("QueueArn") not in sources:
            continue
        groups = {}
        for message in list(queue["messages"]):
            visible, group = message["visible_at"], message.get("group_id")
            if queue["is_fifo"]:
                # Behind the earlier ones of its group.
                visible = groups[group] = max(visible, groups.get(group, 0))
            yield visible


def unread_streams():
    """Whether a stream has records that its mapping has not read."""
    from ministack.services import dynamodb, lambda_svc

    for (account, region, _), mapping, arn in mappings():
        if ":dynamodb:" not in arn:
            continue
        table = arn.split("/stream/")[0].split("/")[-1]
        position = lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"])
        if position is not None and position < dynamodb.stream_end_position(table, account_id=account, region=region):
            return True
    return False


def wait_until_quiet(within_seconds):
    """Until what runs has finished; what sleeps longer than that is not waited for."""
    until = time.monotonic() + within_seconds
    while time.monotonic() < until:
        now = time.time()
        if not any(busy(now)) and not any(due < now + until - time.monotonic() for due in list(activity.sleepers.values())):
            return
        time.sleep(0.02)
