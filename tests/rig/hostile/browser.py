"""A page of another origin in a real browser: what it tries, and what it gets to see."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FOREIGN_HOST = "page.test"
"""A name of the page's own, which the browser resolves to loopback: that of a rebound name."""

_REPORT_TIMEOUT_S = 60.0
_PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
const tries = await (await fetch("/tries")).json();
const seen = [];
for (const each of tries) {
  const {url, method, body, type} = each;
  const asked = {method, body: body ?? undefined, headers: type ? {"content-type": type} : {}};
  for (const mode of ["cors", "no-cors"]) {
    try {
      const answer = await fetch(url, {...asked, mode, credentials: "include"});
      const text = await answer.text();
      seen.push({url, method, mode, type: answer.type, text});
    } catch (error) {
      seen.push({url, method, mode, refused: String(error)});
    }
  }
  if (method === "POST") {
    const frame = Object.assign(document.createElement("iframe"), {name: "hidden"});
    const form = document.createElement("form");
    Object.assign(form, {action: url, method, enctype: "text/plain", target: "hidden"});
    const field = document.createElement("textarea");
    Object.assign(field, {name: body ?? "x", value: ""});
    form.append(field);
    document.body.append(frame, form);
    const loaded = new Promise(done => frame.addEventListener("load", done, {once: true}));
    form.submit();
    await loaded;
    frame.remove();
    form.remove();
  }
}
await fetch("/seen", {method: "POST", body: JSON.stringify(seen)});
</script><body></body>"""


def what_a_page_sees(tries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Open a page of another origin that tries these requests (url, method, body, type), by `fetch`
    and as a form; what each `fetch` gave to the page.

    Raises:
        TimeoutError: the page did not report within a minute.
    """
    with _origin(tries) as (port, seen, reported), _browser(f"http://{FOREIGN_HOST}:{port}/"):
        if not reported.wait(_REPORT_TIMEOUT_S):
            raise TimeoutError("the page did not tell what it saw")
        return seen


@contextmanager
def _origin(
    tries: Sequence[dict[str, Any]],
) -> Iterator[tuple[int, list[dict[str, Any]], threading.Event]]:
    seen: list[dict[str, Any]] = []
    reported = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_list = self.path == "/tries"
            body = json.dumps(list(tries)) if is_list else _PAGE
            self._answer(body.encode(), "application/json" if is_list else "text/html")

        def do_POST(self) -> None:
            seen.extend(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(b"", "text/plain")
            reported.set()

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: the tests' output is for the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, seen, reported
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _browser(url: str) -> Iterator[None]:
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory(
        prefix="sluice-browser-", ignore_cleanup_errors=True
    ) as profile:
        process = subprocess.Popen(
            [
                CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                f"--user-data-dir={profile}",
                f"--host-resolver-rules=MAP {FOREIGN_HOST} 127.0.0.1",
                # Chromium's own guard of private addresses would hide the servers' behaviour.
                "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
                "--remote-debugging-port=0", url,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)
