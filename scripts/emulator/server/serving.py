"""Serves an ASGI application on a listening socket.

With uvicorn on uvloop, which takes a quarter of Hypercorn's processor time for a request. With Hypercorn, which comes with MiniStack, where
requirements.txt is not installed (a release of MiniStack on the PATH, its Docker image), and on Windows, which has no uvloop.

Both send head and body of a response in two packets. Terraform loses such responses: Go's HTTP client may close the connection after the first
packet of an early response, then retry a request that has created its resource already. Here each response is one packet.
"""

import asyncio
import contextlib
import os

# Longer than the 90 s of Go's HTTP clients, such as Terraform's: closing an idle connection while a request arrives loses the response,
# and Terraform retries an added permission for five minutes, then fails.
KEEP_ALIVE_SECONDS = 120


def run(main):
    """Runs a coroutine on the event loop of the server."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def serve(app, listener):
    """Until the process ends. Signals are not handled."""
    try:
        import httptools, uvicorn, uvloop  # noqa: F401
    except ImportError:
        await serve_with_hypercorn(app, listener)
    else:
        await serve_with_uvicorn(app, listener)


class Together:
    """A transport that sends what is written in one turn of the event loop together."""

    def __init__(self, transport, loop):
        self._transport, self._loop = transport, loop
        self._parts = []

    def __getattr__(self, name):
        return getattr(self._transport, name)

    def write(self, data):
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self):
        self._flush()
        self._transport.close()

    def _flush(self):
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts = []


async def serve_with_uvicorn(app, listener):
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def connection_made(self, transport):
            super().connection_made(Together(transport, self.loop))

    class Server(uvicorn.Server):
        def capture_signals(self):
            return contextlib.nullcontext()

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        # MiniStack configures logging, and sends the headers.
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    await Server(config).serve([listener])


async def serve_with_hypercorn(app, listener):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    send_responses_in_one_packet()
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO")
    # With its own trigger, hypercorn does not handle signals.
    await serve(app, config, shutdown_trigger=lambda: asyncio.Event().wait())


def send_responses_in_one_packet():
    """Remove when Hypercorn does so."""
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
            self.head = data  # sent with the body
            return
        await self.send(RawData(data=self.__dict__.pop("head", b"") + data))

    H11Protocol._send_h11_event = send
