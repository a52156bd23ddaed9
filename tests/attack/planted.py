"""tests/attack/planted.py - a page with the holes that the tools of outside.py must find: their control."""
import http.server
import sqlite3
import threading
import urllib.parse


class Holes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(asked.query))
        db = sqlite3.connect(":memory:")
        db.executescript("CREATE TABLE t(id int, name text); INSERT INTO t VALUES (1, 'one'), (2, 'two')")
        try:
            rows = db.execute("SELECT name FROM t WHERE id = " + query.get("id", "1")).fetchall()
            status, text = 200, f"<p>{rows}<p>{query.get('q', '')}<a href='/?id=1&q=x'>more</a>"
        except sqlite3.Error as e:
            status, text = 500, f"<p>SQL error: {e}"
        body = f"<!doctype html><html><body>{text}</body></html>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Planted:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Holes)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
