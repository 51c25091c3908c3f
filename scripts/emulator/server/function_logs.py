"""What functions log, as they log it: to read it from CloudWatch Logs takes a request for each function and second."""

import asyncio
import collections
import time

KEPT_LINES = 2_000
LONGEST_WAIT_SECONDS = 10


class FunctionLogs:
    def __init__(self):
        self.lines = collections.deque(maxlen=KEPT_LINES)
        self.last = 0

    def watch(self):
        from ministack.services import lambda_svc

        emit = lambda_svc._emit_lambda_logs

        def emitting(function, request_id, text, *args, **kwargs):
            name = (function.get("config") or function).get("FunctionName", "")
            now = time.time() * 1000
            for line in (text or "").splitlines():
                self.last += 1
                self.lines.append({"number": self.last, "time": now, "functionName": name, "message": line})
            return emit(function, request_id, text, *args, **kwargs)

        lambda_svc._emit_lambda_logs = emitting

    async def after(self, body):
        """The lines after a number, as soon as there is one: see control.py. Without a number: those from now on."""
        number = body.get("after") if isinstance(body, dict) else None
        if not isinstance(number, int):
            return {"last": self.last, "lines": []}
        until = time.monotonic() + LONGEST_WAIT_SECONDS
        while self.last <= number and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return {"last": self.last, "lines": [line for line in list(self.lines) if line["number"] > number]}
