"""uvicorn, set up for a replay."""

import uvicorn

from .batch_send import BatchProtocol

__all__ = ["web_server"]


def web_server(app: object) -> uvicorn.Server:
    """uvicorn without what a local replay has no use for: logs, pings, compression, lifespan."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # any ASGI application
        ws=BatchProtocol,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
