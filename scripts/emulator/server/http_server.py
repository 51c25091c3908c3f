"""Serves an ASGI application on a socket, until the process ends.

With granian, which takes less than half of the processor time of MiniStack's own server, hypercorn. With that one where granian is missing: in
MiniStack's image, and where a MiniStack on the PATH is used.
"""

import asyncio
import os

# Longer than the 90 s of Go's HTTP clients, such as Terraform's: closing an idle connection while a request arrives loses the response,
# and Terraform retries an added permission for five minutes, then fails.
IDLE_SECONDS = 120

WAITING_CONNECTIONS = 1_024


async def serve(app, listener):
    """`listener`: a bound socket, which the server takes over."""
    try:
        import granian
    except ImportError:
        await serve_with_hypercorn(app, listener)
    else:
        await serve_with_granian(app, listener)


async def serve_with_granian(app, listener):
    from granian.http import HTTP1Settings
    from granian.net import SocketHolder
    from granian.server.embed import Server

    class SocketServer(Server):
        def _init_shared_socket(self):
            # Its own would share the port with those of another emulator. Remove when granian takes a socket.
            self._ssp, self._shd = None, SocketHolder(listener.detach(), False, WAITING_CONNECTIONS)

    await SocketServer(
        app,
        interface="asgi",
        http="1",
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_SECONDS * 1_000),
        backlog=WAITING_CONNECTIONS,
        websockets=False,
        log_enabled=False,
    ).serve()


async def serve_with_hypercorn(app, listener):
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    send_responses_in_one_packet()
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.keep_alive_timeout = IDLE_SECONDS
    config.loglevel = os.environ.get("LOG_LEVEL", "INFO")
    # With its own trigger, hypercorn does not handle signals.
    await serve(app, config, shutdown_trigger=lambda: asyncio.Event().wait())


def send_responses_in_one_packet():
    """Terraform loses responses: Go's HTTP client may close the connection after the first packet of an early response, then retry a
    request that has created its resource already. Hypercorn sends headers and body in two packets. Remove when it sends one.
    """
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
