"""A schema registry of Confluent's HTTP interface, as much of it as ids need, that can go away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
FIRST_ID = 100


class SchemaRegistryServer:
    """Its subjects and ids; while `away`, every answer is 503."""

    def __init__(self, port: int = 0) -> None:
        self.schemas: dict[int, str] = {}
        self.subjects: dict[str, int] = {}
        self.requested: list[str] = []
        self.away = False
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def register(self, subject: str, schema: str) -> int:
        """The id of a schema, assigned if it is new."""
        with self._changed:
            known = {text: number for number, text in self.schemas.items()}
            number = known.get(schema, FIRST_ID + len(self.schemas))
            self.schemas[number] = schema
            self.subjects[subject] = number
            return number

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and document of a request."""
        with self._changed:
            self.requested.append(path)
            self._changed.notify_all()
        if self.away:
            return 503, {"error_code": 50302, "message": "away"}
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match (method, parts):
            case ("POST", ["subjects", subject, "versions"]):
                return 200, {"id": self.register(subject, json.loads(body)["schema"])}
            case ("GET", ["schemas", "ids", number]) if int(number) in self.schemas:
                return 200, {"schema": self.schemas[int(number)]}
        return 404, {"error_code": 40403, "message": "Schema not found"}

    def wait_until_requested(self, schema_id: int, timeout_s: float) -> bool:
        """Whether a client requested an id in this time."""
        path = f"/schemas/ids/{schema_id}"
        with self._changed:
            return self._changed.wait_for(lambda: path in self.requested, timeout_s)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def schema_registry() -> Iterator[SchemaRegistryServer]:
    """A running schema registry, ended at the end."""
    server = SchemaRegistryServer()
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def _handler_of(registry: SchemaRegistryServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._respond("GET")

        def do_POST(self) -> None:
            self._respond("POST")

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

        def _respond(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("?")[0]
            status, document = registry.answer(method, path, body)
            answer = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", MEDIA_TYPE)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    return Handler
