"""Serves an ASGI application over HTTP/1.1, as AWS SDKs, Terraform and browsers speak it with a server on loopback: no TLS, no upgrades.

Hypercorn and h11 need as much of the processor for a request as all of the emulator behind them. A request is handed over when all of it is
there, and a short response leaves in one packet: Go's HTTP client may close the connection after the first packet of an early response, then
retry a request that has created its resource already.
"""

import asyncio
import contextvars
import logging
import re
from http import HTTPStatus
from urllib.parse import unquote

logger = logging.getLogger("http")

# Longer than the 90 s of Go's HTTP clients, such as Terraform's: closing an idle connection while a request arrives loses the response,
# and Terraform retries an added permission for five minutes, then fails.
KEEP_ALIVE_SECONDS = 120

LONGEST_HEAD = 256 * 1024
# While a response is being made, no more of the next requests is read.
LONGEST_AHEAD = 1024 * 1024

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") ([!-~]+) HTTP/1\.([01])")
HEADER = re.compile(rb"(" + TOKEN + rb"):([^\0\r\n]*)")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[^\r\n]*)?[ \t]*")
BAD_IN_HEADER = re.compile(rb"[\0\r\n]")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class BadRequestError(Exception):
    """The message of another protocol, or one that could be read in two ways."""


class Head:
    """A request without its body."""

    def __init__(self, data):
        line, *lines = data.split(b"\r\n")
        request = REQUEST_LINE.fullmatch(line)
        if request is None:
            raise BadRequestError("no request line")
        self.method, self.target, minor = request.groups()
        self.headers = []
        for line in lines:
            header = HEADER.fullmatch(line)
            if header is None:
                raise BadRequestError("no header")
            self.headers.append((header[1].lower(), header[2].strip(b" \t")))
        self.version = "1." + minor.decode()
        connection = b",".join(self._values(b"connection")).lower()
        self.closes = b"close" in connection or (minor == b"0" and b"keep-alive" not in connection)
        self.expects_continue = any(value.lower() == b"100-continue" for value in self._values(b"expect"))
        self.length, self.is_chunked = self._framing()

    def _values(self, name):
        return [value for key, value in self.headers if key == name]

    def _framing(self):
        """The length of the body, and whether it comes in chunks instead."""
        lengths, encodings = set(self._values(b"content-length")), self._values(b"transfer-encoding")
        if encodings:
            if lengths or [encoding.lower() for encoding in encodings] != [b"chunked"]:
                raise BadRequestError("two lengths")
            return 0, True
        if len(lengths) > 1 or not all(re.fullmatch(rb"[0-9]{1,15}", length) for length in lengths):
            raise BadRequestError("no length")
        return int(lengths.pop()) if lengths else 0, False

    def scope(self, client, server):
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.1"},
            "http_version": self.version,
            "method": self.method.decode().upper(),
            "scheme": "http",
            "path": unquote(path.decode()),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": self.headers,
            "client": client,
            "server": server,
            "state": {},
            "extensions": {},
        }


class Connection(asyncio.Protocol):
    def __init__(self, app):
        self._app = app
        self._loop = asyncio.get_running_loop()
        # Without variables that a request has set.
        self._context = contextvars.copy_context()
        self._received = bytearray()
        self._head = None
        self._chunks = []
        # True: a request is with the application.
        self._is_busy = False
        self._ends_after_response = False
        self._lost = self._loop.create_future()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._task = None

    # asyncio.Protocol

    def connection_made(self, transport):
        self._transport = transport
        self._client = (transport.get_extra_info("peername") or ("127.0.0.1", 0))[:2]
        self._server = (transport.get_extra_info("sockname") or ("127.0.0.1", 0))[:2]
        self._active_at = self._loop.time()
        self._idle = self._loop.call_later(KEEP_ALIVE_SECONDS, self._end_when_idle)

    def connection_lost(self, error):
        self._idle.cancel()
        self._may_write.set()
        self._end_waiting()

    def _end_waiting(self):
        if not self._lost.done():
            self._lost.set_result(None)

    def data_received(self, data):
        self._active_at = self._loop.time()
        self._received += data
        if not self._is_busy:
            self._begin_next()
        elif len(self._received) > LONGEST_AHEAD:
            self._transport.pause_reading()

    def eof_received(self):
        # A client may have said all that it has to say, or have gone.
        self._ends_after_response = True
        self._end_waiting()
        return self._is_busy

    def pause_writing(self):
        self._may_write.clear()

    def resume_writing(self):
        self._may_write.set()

    # One request after the other

    def _end_when_idle(self):
        left = self._active_at + KEEP_ALIVE_SECONDS - self._loop.time()
        if self._is_busy or left > 0:
            self._idle = self._loop.call_later(KEEP_ALIVE_SECONDS if self._is_busy else left, self._end_when_idle)
        else:
            self._transport.close()

    def _begin_next(self):
        if self._transport.is_closing():
            return
        try:
            if self._head is None and not self._read_head():
                return
            body = self._read_chunks() if self._head.is_chunked else self._read_length(self._head.length)
        except BadRequestError:
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        if body is None:
            return
        head, self._head, self._is_busy = self._head, None, True
        self._task = self._loop.create_task(self._respond(head, body))

    def _read_head(self):
        # Between requests, a client may send empty lines.
        while self._received.startswith(b"\r\n"):
            del self._received[:2]
        if self._received and self._received[0] < 0x21:
            raise BadRequestError("TLS")
        end = self._received.find(b"\r\n\r\n")
        if end == -1:
            if len(self._received) > LONGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return False
        self._head = Head(bytes(self._received[:end]))
        del self._received[: end + 4]
        if self._head.expects_continue:
            self._transport.write(CONTINUE)
        return True

    def _read_length(self, length):
        if len(self._received) < length:
            return None
        with memoryview(self._received) as received:
            body = bytes(received[:length])
        del self._received[:length]
        return body

    def _read_chunks(self):
        while (end := self._received.find(b"\r\n")) != -1:
            size = CHUNK.fullmatch(self._received[:end])
            if size is None:
                raise BadRequestError("no chunk")
            length = int(size[1], 16)
            if length == 0:
                return self._read_trailers(end)
            if len(self._received) < end + length + 4:
                return None
            chunk = self._received[end + 2 : end + 2 + length]
            if self._received[end + 2 + length : end + length + 4] != b"\r\n":
                raise BadRequestError("no end of a chunk")
            self._chunks.append(chunk)
            del self._received[: end + length + 4]
        if len(self._received) > LONGEST_HEAD:
            raise BadRequestError("no chunk")
        return None

    def _read_trailers(self, end):
        """Skips them. `end`: of the line of the last chunk."""
        if self._received.startswith(b"\r\n", end + 2):
            after = end + 4
        elif (last := self._received.find(b"\r\n\r\n", end)) != -1:
            after = last + 4
        else:
            return None
        del self._received[:after]
        body, self._chunks = b"".join(self._chunks), []
        return body

    def _refuse(self, status):
        text = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self._transport.write(text.encode())
        self._transport.close()

    async def _respond(self, head, body):
        exchange = Exchange(self, head, body)
        try:
            await self._app(head.scope(self._client, self._server), exchange.receive, exchange.send)
        except Exception:
            logger.exception("%s %s failed", head.method.decode(), head.target.decode())
        if not exchange.has_begun:
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR)
        elif exchange.closes or not exchange.is_complete or self._ends_after_response:
            self._transport.close()
        self._active_at, self._is_busy = self._loop.time(), False
        self._transport.resume_reading()
        if self._received:
            self._loop.call_soon(self._begin_next, context=self._context)

    # For an exchange

    async def lost(self):
        await asyncio.shield(self._lost)

    async def write(self, data):
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if not self._may_write.is_set():
            await self._may_write.wait()


class Exchange:
    """A request and its response: what the application receives and sends."""

    def __init__(self, connection, head, body):
        self._connection, self._head, self._body = connection, head, body
        self._start = None
        self._is_chunked = False
        self.has_begun = self.is_complete = False
        self.closes = head.closes

    async def receive(self):
        if self._body is None:
            await self._connection.lost()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            body, is_last = message.get("body", b""), not message.get("more_body", False)
            data = self._framed(body, is_last) if self.has_begun else self._begin(body, is_last)
            self.is_complete = is_last
            if data:
                await self._connection.write(data)

    def _begin(self, body, is_last):
        status, given = self._start["status"], self._start.get("headers", [])
        lines = [f"HTTP/1.1 {status} {phrase(status)}".encode()]
        names = set()
        for name, value in given:
            if BAD_IN_HEADER.search(name) or BAD_IN_HEADER.search(value):
                raise ValueError("a header with a line break")
            lines.append(name + b": " + value)
            names.add(name.lower())
            self.closes = self.closes or (name.lower() == b"connection" and value.lower() == b"close")
        has_no_body = self._head.method == b"HEAD" or status < 200 or status in (204, 304)
        if not has_no_body and b"content-length" not in names:
            if is_last:
                lines.append(b"Content-Length: " + str(len(body)).encode())
            elif self._head.version == "1.0":
                self.closes = True
            else:
                self._is_chunked = True
                lines.append(b"Transfer-Encoding: chunked")
        if self.closes and b"connection" not in names:
            lines.append(b"Connection: close")
        self.has_begun = True
        if has_no_body:
            self._framed = lambda body, is_last: b""
        return b"\r\n".join(lines) + b"\r\n\r\n" + self._framed(body, is_last)

    def _framed(self, body, is_last):
        if not self._is_chunked:
            return body
        chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        return chunk + b"0\r\n\r\n" if is_last else chunk


def phrase(status):
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


async def serve(app, listener):
    """Until the process ends. `listener`: a socket that listens already; who connects early waits."""
    lifespan = await started(app)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(app), sock=listener, backlog=1024)
    async with server:
        await server.serve_forever()
    lifespan.cancel()


async def started(app):
    """Starts the application. Returns the task of its life."""
    messages, is_started = asyncio.Queue(), asyncio.Event()
    messages.put_nowait({"type": "lifespan.startup"})

    async def send(message):
        if message["type"] == "lifespan.startup.failed":
            raise RuntimeError(message.get("message", ""))
        is_started.set()

    task = asyncio.ensure_future(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, messages.get, send))
    waiting = asyncio.ensure_future(is_started.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    if not is_started.is_set():
        await task
        raise RuntimeError("the application has ended before it had started")
    return task
