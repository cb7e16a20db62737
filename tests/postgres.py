#!/usr/bin/env python3
"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port of the loopback address and on a socket in the
folder, run by an ordinary user (it refuses to be run by root), gone when the test is.

As a program it serves tests in C: it prints a line of NAME=VALUE pairs when the server is ready, takes `start`, `stop`, `crash`,
`pause` and `resume` on standard input, answers each with `done`, and at the end of its input stops the server and removes
everything.
"""
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

READY_SECONDS = 60
USER, DATABASE, PASSWORD = "assay", "assay", "a secret of the tests"
# Durable against the end of any process, which is what tests can make; not against the loss of power, which they cannot.
SETTINGS = {"fsync": "off", "listen_addresses": "127.0.0.1", "shared_buffers": "16MB", "max_connections": "40", "ssl": "on"}


def program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), reverse=True)), None)
    if not found:
        raise FileNotFoundError(f"{name}: install PostgreSQL")
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="assay-pg-", dir="/tmp")  # names of sockets must be short
        self.data, self.port, self.dead_port = os.path.join(self.folder, "data"), free_port(), free_port()
        self.process, self.drop = None, {}
        if os.getuid() == 0:
            names = [name for name in ("postgres", "nobody") if any(user.pw_name == name for user in pwd.getpwall())]
            user = pwd.getpwnam(names[0])
            self.drop = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.make()
        self.start()
        self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", "postgres")
        self.make_database(DATABASE)

    def run(self, *command, **more):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self.drop, **more)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def make(self):
        self.run(program("initdb"), "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                 "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", f"{self.data}/server.key", "-out",
                 f"{self.data}/server.crt")
        with open(f"{self.data}/pg_hba.conf", "w", encoding="utf-8") as f:
            f.write("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.passfile = os.path.join(self.folder, "pass")
        with open(os.open(self.passfile, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write(f"*:*:*:{USER}:{PASSWORD}\n")

    def start(self):
        settings = dict(SETTINGS, port=self.port, unix_socket_directories=self.folder)
        with open(f"{self.folder}/log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([program("postgres"), "-D", self.data, *(f"--{k}={v}" for k, v in settings.items())],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, **self.drop)
        for _ in range(READY_SECONDS * 20):
            if self.process.poll() is not None:
                break
            if subprocess.run([program("pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)], check=False).returncode == 0:
                return
            time.sleep(0.05)
        with open(f"{self.folder}/log", encoding="utf-8") as log:
            raise RuntimeError(f"PostgreSQL does not start: {log.read()[-2000:]}")

    def processes(self):
        """The server's, sessions included."""
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [self.process.pid, *map(int, children.stdout.split())]

    def pause(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGCONT)

    def stop(self, how=signal.SIGINT):
        """SIGINT: sessions are told to end; SIGQUIT: as after a crash, recovery included."""
        if self.process:
            self.process.send_signal(how)
            self.process.wait(READY_SECONDS)
            self.process = None

    def crash(self):
        self.stop(signal.SIGQUIT)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text, database=DATABASE):
        return self.run(program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d",
                        database, "-c", text).strip()

    def make_database(self, name):
        self.sql(f"CREATE DATABASE {name} OWNER {USER}", "postgres")

    def url(self, database=DATABASE, more=""):
        """Over the loopback address, with the password from its file."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}?passfile={self.passfile}{more}"


class PostgresCase(unittest.TestCase):
    """Tests that share one server, cls.database; skipped where PostgreSQL is not installed."""

    @classmethod
    def setUpClass(cls):
        try:
            program("postgres")
        except FileNotFoundError as e:
            raise unittest.SkipTest(str(e))
        cls.database = Postgres()
        cls.addClassCleanup(cls.database.remove)


def main():
    server = Postgres()
    try:
        print(f"folder={server.folder} port={server.port} dead_port={server.dead_port}", flush=True)
        for line in sys.stdin:
            getattr(server, {"start": "start", "stop": "stop", "crash": "crash", "pause": "pause", "resume": "resume"}[line.strip()])()
            print("done", flush=True)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
