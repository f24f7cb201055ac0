"""A guest book: entries are kept in PostgreSQL, visits are counted in Redis."""

import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import redis

cache = redis.Redis(os.environ["CACHE"], socket_timeout=5)


def database():
    with open("/run/secrets/password") as file:
        password = file.read().strip()
    return psycopg2.connect(
        host=os.environ["DATABASE"], dbname="postgres", user="guestbook", password=password, connect_timeout=5
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            return self.answer("well\n")
        visits = cache.incr("visits")
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT name FROM entries ORDER BY number")
            names = [name for (name,) in cursor.fetchall()]
        self.answer(f"visit {visits}, served by {socket.gethostname()}, guests: {', '.join(names) or 'none yet'}\n")

    def do_POST(self):
        name = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode().strip()[:100]
        with database() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO entries (name) VALUES (%s)", (name,))
        self.answer(f"welcome, {name}\n")

    def answer(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


with database() as connection, connection.cursor() as cursor:
    # Replicas start at once: only one of them may make the table.
    cursor.execute("SELECT pg_advisory_xact_lock(1)")
    cursor.execute("CREATE TABLE IF NOT EXISTS entries (number serial PRIMARY KEY, name text NOT NULL)")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
