"""The emulator's clock, which can be ahead of the machine's. To be installed before anything that reads the time is imported.

`time.monotonic` stays real: it measures waits for what is real, such as a process.
"""

import datetime as datetime_module
import json
import os
import threading
import time as time_module

real_time = time_module.time
real_sleep = time_module.sleep
real_gmtime, real_localtime, real_strftime = time_module.gmtime, time_module.localtime, time_module.strftime
RealDatetime = datetime_module.datetime

# MiniStack pretends to be slow by shorter sleeps: see Time.
SHORT_SLEEP_SECONDS = 0.5


class Clock:
    """`file`: where functions read the clock; None: they have the machine's."""

    def __init__(self):
        self.file = None
        # Seconds that it is ahead.
        self.offset = 0.0
        # While it is being moved from one due instant to the next.
        self.moving = False
        # How often it was set back: what waited then waits for an instant that is none any more.
        self.era = 0
        self._moved = threading.Condition()

    def now(self):
        """Epoch seconds."""
        return real_time() + self.offset

    def set(self, offset):
        with self._moved:
            self.offset = offset
            self._tell_functions()
            self._moved.notify_all()

    def move_to(self, instant):
        """Moves the clock forward to an instant, in epoch seconds."""
        self.set(max(self.offset, instant - real_time()))

    def set_moving(self, moving):
        with self._moved:
            self.moving = moving
            self._tell_functions()

    def begin_era(self):
        """Ends every wait: the clock is set back."""
        with self._moved:
            self.era += 1
            self._moved.notify_all()

    def wake(self):
        """Those that wait, to see whether they have to."""
        with self._moved:
            self._moved.notify_all()

    def wait_until(self, instant, or_real_seconds=None, unless=lambda: False):
        """Returns at the instant, however the clock gets there; after `or_real_seconds` of real time; when it is woken and `unless()`; or
        when it is set back.
        """
        began, era = time_module.monotonic(), self.era
        with self._moved:
            while era == self.era and not unless() and (left := instant - self.now()) > 0:
                if or_real_seconds is not None:
                    left = min(left, or_real_seconds - (time_module.monotonic() - began))
                    if left <= 0:
                        return
                self._moved.wait(left)

    def _tell_functions(self):
        if self.file is None:
            return
        unfinished = f"{self.file}.{threading.get_ident()}"
        with open(unfinished, "w") as file:
            json.dump({"offsetMs": self.offset * 1000, "moving": self.moving}, file)
        os.replace(unfinished, self.file)


clock = Clock()


class Virtual(type):
    """Of the class `datetime`: what was made before, or by C, is one too."""

    def __instancecheck__(cls, value):
        return isinstance(value, RealDatetime)

    def __subclasscheck__(cls, other):
        return issubclass(other, RealDatetime)


class datetime(RealDatetime, metaclass=Virtual):
    __slots__ = ()

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(clock.now(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(clock.now(), datetime_module.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return cls.now()


# A pickle names the class that is in the module.
datetime.__module__, datetime.__qualname__ = "datetime", "datetime"


def install():
    time_module.time = clock.now
    time_module.time_ns = lambda: int(clock.now() * 1_000_000_000)
    time_module.gmtime = lambda seconds=None: real_gmtime(clock.now() if seconds is None else seconds)
    time_module.localtime = lambda seconds=None: real_localtime(clock.now() if seconds is None else seconds)
    time_module.strftime = lambda form, t=None: real_strftime(form, time_module.localtime() if t is None else t)
    datetime_module.datetime = datetime


class Time:
    """The module `time`, with other functions."""

    def __init__(self, **functions):
        self.__dict__.update(functions)

    def __getattr__(self, name):
        return getattr(time_module, name)
