"""A server on this machine that stands in for ManyThings, and breaks off where a test wants it to."""

import http.server
import io
import time
import zipfile

OTTERS = [("The otter sleeps.", "La loutre dort."), ("Dive!", "Plonge\u202f!"), ("Dive!", "Plongez\u202f!")]
TEXT = "".join(f"{source}\t{target}\n" for source, target in OTTERS).encode()


def zip_bytes(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


ARCHIVE = zip_bytes({"_about.txt": "terms", "fra.txt": TEXT})


class Server(http.server.ThreadingHTTPServer):
    """Serves ``body``, or its first ``sent`` bytes, and says how long it is as ``framing`` tells.

    ``status``, ``claimed_length``, ``hold`` (wait for it) and ``pause`` (seconds, between pieces) change the
    answer too; ``agents`` holds who asked.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.status, self.claimed_length, self.hold, self.agents = ARCHIVE, 200, None, None, []
        self.sent, self.framing, self.pause = None, "length", 0
        self.url = f"http://127.0.0.1:{self.server_port}/{{name}}.zip"

    def handle_error(self, request, client_address):
        """Say nothing of readers that went away: tests kill them."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, agent = self.server, self.headers["User-Agent"]
        server.agents.append(agent)
        if server.hold:
            server.hold.wait(timeout=30)
        self.send_response(406 if agent.startswith(("python", "Python")) else server.status)
        if server.framing == "length":
            self.send_header("Content-Length", str(server.claimed_length or len(server.body)))
        elif server.framing == "chunks":
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if server.framing == "chunks":
            self.wfile.write(b"%x\r\n" % len(server.body))
        body = server.body[: server.sent]
        size = len(body) // 10 + 1
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            time.sleep(server.pause)
        if server.framing == "chunks" and body == server.body:
            self.wfile.write(b"\r\n0\r\n\r\n")

    def log_message(self, *args):
        pass
