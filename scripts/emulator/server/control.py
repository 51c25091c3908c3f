"""The launcher's own endpoints, for the command line: `/_almanac/...`. They need the secret key of this run."""

import hmac
import json

PREFIX = "/_almanac/"


def control(app, secret, routes):
    """The ASGI application with `routes`: async functions by method and path, `{("POST", "/_almanac/state"): save}`, which get the
    parsed body and return what is sent as JSON. One that raises ValueError is a bad request.
    """

    async def controlled(scope, receive, send):
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await app(scope, receive, send)
            return
        status, answer = await respond(scope, receive)
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def respond(scope, receive):
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, f"Bearer {secret}".encode()):
            return 403, {"message": "The key of this run is needed."}
        route = routes.get((scope["method"], scope["path"]))
        if route is None:
            return 404, {"message": f"There is no {scope['method']} {scope['path']}."}
        try:
            body = await read(receive)
            return 200, await route(json.loads(body) if body else {})
        except ValueError as error:
            return 400, {"message": str(error)}

    return controlled


async def read(receive):
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
