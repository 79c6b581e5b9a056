"""Pages on 127.0.0.1, made anew when a file changes: for who writes declarations and looks.

Nothing but GET and HEAD of pages that were made is answered, and only where the request names the
loopback address: a page of another site that resolves to it gets nothing. The pages are held in
memory; an open one asks every second whether there is a newer one, and reloads.
"""

from __future__ import annotations

import hashlib
import html
import http.server
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from matrix.diagnostics import Diagnostic, InputError, format_diagnostic

HOST = "127.0.0.1"
# How often files are looked at, in seconds.
_PAUSE = 0.5
_VERSION = "~version"
_SCRIPT = (
    '(async()=>{let seen;for(;;){try{const now=await(await fetch("/~version")).text();'
    "if(seen!==undefined&&now!==seen)location.reload();seen=now}catch{}"
    "await new Promise(done=>setTimeout(done,1000))}})()"
)
_HASH = f"'sha256-{b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"
_TYPES = {".html": "text/html", ".svg": "image/svg+xml", ".md": "text/plain"}
# Said by the server beside what a page says of itself.
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Build = Callable[[], Mapping[Path, str]]


class Site:
    """The pages as they were last made; where that failed, what was wrong in place of each."""

    def __init__(self, build: Build, watched: Sequence[Path]) -> None:
        self._build = build
        self._watched = watched
        self._pages: Mapping[str, str] = {}
        self._wrong = ""
        self.version = 0

    def make(self) -> tuple[Diagnostic, ...]:
        """Make all pages anew; return what was wrong with what they are made from."""
        found: tuple[Diagnostic, ...] = ()
        try:
            self._pages = {path.as_posix(): text for path, text in self._build().items()}
            self._wrong = ""
        except InputError as error:
            found = error.diagnostics
            said = "\n".join(map(format_diagnostic, found))
            self._wrong = (
                "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>"
                "<meta http-equiv=Content-Security-Policy content=\"default-src 'none';\">"
                f"<title>wrong declarations</title></head><body><pre>{html.escape(said)}</pre>"
                "</body></html>\n"
            )
        self.version += 1
        return found

    def page(self, name: str) -> str | None:
        """Return a page with the script that reloads it; None where there is none."""
        if name == _VERSION:
            return str(self.version)
        text = self._pages.get(name or "index.html")
        if name.endswith(".html") or not name:
            text = self._wrong or text
        return text and _reloading(text)

    def stamp(self) -> frozenset[tuple[str, int, int]]:
        """Return what changes when a watched file does."""
        found = set()
        for folder in self._watched:
            for path in folder.rglob("*"):
                try:
                    state = path.stat()
                except OSError:  # gone meanwhile
                    continue
                found.add((str(path), state.st_mtime_ns, state.st_size))
        return frozenset(found)


def serve(
    site: Site, port: int, say: Callable[[str], None], ended: threading.Event | None = None
) -> None:
    """Answer until the person interrupts; `say` gets each thing that person should know.

    `ended` ends it as well.

    Raises:
        InputError: MX0823, the port cannot be taken.
    """
    try:
        server = http.server.ThreadingHTTPServer((HOST, port), _handler(site))
    except OSError as error:
        raise InputError.of(
            code="MX0823",
            message=f"cannot listen on {HOST}, port {port}: {error.strerror or error}",
            hint="give another one with --port; 0 takes a free one",
        ) from error
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pause = ended or threading.Event()
        try:
            say(f"http://{HOST}:{server.server_port}/ shows them; interrupt to end")
            before = site.stamp()
            while not pause.wait(_PAUSE):
                now = site.stamp()
                if now != before:
                    before = now
                    wrong = site.make()
                    for diagnostic in wrong:
                        say(format_diagnostic(diagnostic))
                    say("not made anew" if wrong else "made anew")
        except KeyboardInterrupt:
            say("ended")
        finally:
            server.shutdown()


def _reloading(text: str) -> str:
    """Return a page that reloads itself, its policy widened by that script and nothing else."""
    if "</body>" not in text:
        return text
    own = f"script-src {_HASH} "
    if "script-src " in text:
        text = text.replace("script-src ", f"connect-src 'self'; {own}", 1)
    else:
        text = text.replace(
            "default-src 'none';", f"default-src 'none'; connect-src 'self'; {own.strip()};", 1
        )
    head, end, tail = text.rpartition("</body>")
    return f"{head}<script>{_SCRIPT}</script>{end}{tail}"


def _handler(site: Site) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        server_version, sys_version = "matrix", ""

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            name = unquote(urlsplit(self.path).path).lstrip("/")
            text = site.page(name) if host in (HOST, "localhost") else None
            body = (text if text is not None else "no such page\n").encode()
            self.send_response(200 if text is not None else 404)
            kind = _TYPES.get(Path(name or "index.html").suffix, "text/plain")
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            for header, value in _HEADERS.items():
                self.send_header(header, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    return Handler
