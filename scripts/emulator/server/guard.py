"""Keeps web pages out of the emulator: a page of any site can send requests to a port of this machine.

The same rules as scripts/shared/loopback-guard.ts.
"""

import json
import re

HOSTS = ("127.0.0.1", "localhost", "[::1]")

# MiniStack's own endpoints need no signature: one of them deletes everything, another returns the code of functions.
ADMIN = ("/_ministack/", "/_localstack/")
HEALTH = ("/_ministack/health", "/_ministack/ready", "/_localstack/health")


def refusal(headers):
    """Why a request is refused, or None. `headers`: pairs of bytes, names in lower case."""

    def values(name):
        return [value.decode("latin-1").lower() for key, value in headers if key.lower() == name]

    hosts = values(b"host")
    host = re.sub(r":\d+$", "", hosts[0]) if len(hosts) == 1 else ""
    # A name that its owner can point to 127.0.0.1 would make a page of that name same-origin (DNS rebinding).
    if host not in HOSTS and not re.fullmatch(r"([a-z0-9_-]+\.)+localhost", host):
        return "the Host header is not 127.0.0.1, localhost or a name below it"
    if any(origin != f"http://{hosts[0]}" for origin in values(b"origin")):
        return "the Origin header names another origin"
    if any(site not in ("same-origin", "none") for site in values(b"sec-fetch-site")):
        return "a page of another origin has sent it"
    return None


def guard(app, is_api):
    """The ASGI application, without what a web page could misuse. `is_api(host, path)`: a request to an API of API Gateway, whose CORS
    headers are its own.
    """

    async def guarded(scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
            return
        headers, path = scope["headers"], scope["path"]
        reason = refusal(headers)
        if reason is None and path.startswith(ADMIN) and path not in HEALTH:
            reason = "MiniStack's own endpoints are closed, except for its health"
        if reason is not None:
            await (refuse if scope["type"] == "http" else close)(reason, receive, send)
            return
        host = next(value.decode("latin-1") for key, value in headers if key.lower() == b"host")

        async def without_cors(message):
            if message["type"] == "http.response.start" and not is_api(host, path):
                kept = [header for header in message["headers"] if not header[0].lower().startswith(b"access-control-")]
                message = {**message, "headers": kept}
            await send(message)

        await app(scope, receive, without_cors)

    return guarded


async def refuse(reason, _receive, send):
    body = json.dumps({"message": f"Refused: {reason}."}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def close(_reason, receive, send):
    await receive()
    await send({"type": "websocket.close", "code": 1008})
