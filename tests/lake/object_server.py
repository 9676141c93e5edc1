"""A real S3 protocol server on loopback (moto), which notes all requests."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from arirecord.session.object_store import ObjectPath, location

__all__ = ["ObjectServer", "StoreRequest", "object_server"]

BUCKET = "recordings"


class StoreRequest(NamedTuple):
    """A request to the store. size: bytes of the answer."""

    method: str
    key: str
    size: int


class ObjectServer:
    """The server. `requests` are those since `forget`."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._application = DomainDispatcherApplication(create_backend_app)
        self.requests: list[StoreRequest] = []
        self.before: Callable[[str, str], None] = lambda method, key: None
        """Called with each request before it is carried out."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, key = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(f"/{BUCKET}/")
        self.before(method, key)

        def note(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            size = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
            self.requests.append(StoreRequest(method, key, 0 if method == "HEAD" else size))
            return start(status, headers, *rest)

        return self._application(environ, note)  # type: ignore[no-any-return]

    def put(self, file: Path, key: str) -> ObjectPath:
        """Store a file, and return its path in the store."""
        path = self.path(key)
        path.upload(file)
        return path

    def path(self, key: str) -> ObjectPath:
        """Return the path of a key."""
        path = location(f"s3://{BUCKET}/{key}")
        assert isinstance(path, ObjectPath)
        return path

    def forget(self) -> None:
        """Forget the requests up to now."""
        self.requests = []


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """Run a server with the empty bucket `recordings`; the environment has its address and credentials meanwhile."""
    from pyarrow.fs import S3FileSystem
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *arguments: Any, **options: Any) -> None:
            pass

    application = ObjectServer()
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    given = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        S3FileSystem(endpoint_override=endpoint, allow_bucket_creation=True).create_dir(BUCKET)
        yield application
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        server.shutdown()
        thread.join()
        server.server_close()
