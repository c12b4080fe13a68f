"""What every answer tells browsers: take the media type as given, show it nowhere else, keep it nowhere."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


def security_headers(app: ASGIApp) -> ASGIApp:
    """ASGI middleware: adds the headers that the answer has not set itself."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(header for header in _HEADERS if header[0] not in present)]
            await send(message)

        await app(scope, receive, send_with_headers)

    return middleware
