"""What functions log, as they log it: to read it from CloudWatch Logs takes a request for each function and second."""

import asyncio
import collections
import contextlib
import time

from clock import clock

KEPT_LINES = 2_000
LONGEST_WAIT_SECONDS = 10


class FunctionLogs:
    def __init__(self):
        self.lines = collections.deque(maxlen=KEPT_LINES)
        self.last = 0
        # Of the server's loop: requests that wait for a line.
        self._waiting = set()

    def watch(self):
        from ministack.services import lambda_svc

        emit = lambda_svc._emit_lambda_logs

        def emitting(function, request_id, text, *args, **kwargs):
            name = (function.get("config") or function).get("FunctionName", "")
            now = time.time() * 1000
            for line in (text or "").splitlines():
                self.last += 1
                self.lines.append({"number": self.last, "time": now, "functionName": name, "message": line})
            for loop, arrived in list(self._waiting):
                loop.call_soon_threadsafe(arrived.set)
            return emit(function, request_id, text, *args, **kwargs)

        lambda_svc._emit_lambda_logs = emitting

    async def after(self, body):
        """The lines after a number, as soon as there is one: see control.py. Without a number: those from now on."""
        number = body.get("after") if isinstance(body, dict) else None
        if not isinstance(number, int):
            return {"last": self.last, "lines": []}
        arrived = asyncio.Event()
        waiting = (asyncio.get_running_loop(), arrived)
        self._waiting.add(waiting)
        try:
            # Again, because a line may have come before this request waited.
            if self.last <= number:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(arrived.wait(), LONGEST_WAIT_SECONDS)
                # Lines come together; while the clock is moved, hundreds in a second.
                await asyncio.sleep(0.1 if clock.moving else 0.01)
        finally:
            self._waiting.discard(waiting)
        return {"last": self.last, "lines": [line for line in list(self.lines) if line["number"] > number]}
