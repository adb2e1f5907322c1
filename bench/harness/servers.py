"""The servers that are measured: how each is made ready, started afresh for a run, and stopped."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

SERVER_PROCESSOR = 0
DEVICES = 10_000
# Which load generator speaks which protocol.
GENERATORS = {"mqtt": "selvage-bench-mqtt", "amqp": "selvage-bench-amqp"}


def make_certificate(folder):
    """A key of the same kind as selvage-hub's."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"], check=True, capture_output=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One process, pinned to one processor, listening over TLS on `port`."""

    process = None
    start_seconds = 20
    load_options = {}    # by program: what its command is told beside the scenario's options

    def __init__(self, binaries, work):
        self.binaries = pathlib.Path(binaries)
        self.folder = pathlib.Path(work) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.output = self.folder / "output.log"
        self.prepared = False

    def start(self, fresh=True):
        if fresh:
            self.make_ready()
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(["taskset", "-c", str(SERVER_PROCESSOR), *self.command()],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment())
        deadline = time.monotonic() + self.start_seconds
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not come up; see {self.output}")
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)

    def environment(self):
        return None

    def bench(self, *arguments, program="mqtt"):
        return [str(self.binaries / GENERATORS[program]), *map(str, arguments)]


class Selvage(Server):
    name = "selvage"

    def __init__(self, binaries, work):
        super().__init__(binaries, work)
        self.ports = {"mqtt": free_port(), "amqp": self.port}    # the last that it opens is the one to wait for
        self.settings = {}     # of hub.toml, other than init writes them
        self.stored = 0        # messages that the store has, kept from run to run
        self.edge = None       # an edge device: the devices are below it
        self.children = DEVICES

    def make_ready(self):
        """A new store for every run, with the same devices."""
        template, self.data = self.folder / "template", self.folder / "data"
        if not self.prepared:
            shutil.rmtree(template, ignore_errors=True)
            subprocess.run([self.binaries / "selvage-hub", "init", "--data", template, "--hostname", "localhost"],
                           check=True, stdout=subprocess.DEVNULL)
            subprocess.run(self.bench("make-devices", "--registry", template / "registry.db", "--count", self.children,
                                      "--out", template / "devices.txt", *self.below_an_edge(template)), check=True, stdout=subprocess.DEVNULL)
            self.prepared = True
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(template, self.data)
        self.stored = 0
        text = (template / "hub.toml").read_text()
        for key, value in self.settings.items():
            text, found = re.subn(rf"^{key} = .*$", f"{key} = {value}", text, flags=re.MULTILINE)
            if found != 1:
                raise RuntimeError(f"hub.toml has no setting '{key}'")
        (self.data / "hub.toml").write_text(text)

    def below_an_edge(self, template):
        return ["--edge", self.edge, "--edge-out", template / "edge.txt"] if self.edge else []

    def fill(self, messages):
        """A store with so many messages, after a clean stop."""
        if self.stored == messages:
            return
        self.start()
        try:
            subprocess.run(self.load("--count", 50, "--window", 64, "--messages", messages), check=True, capture_output=True, timeout=300)
        finally:
            self.stop()
        self.stored = messages

    def kill_under_load(self):
        """As a crash leaves it: kill -9 while messages come in."""
        self.start(fresh=False)
        load = subprocess.Popen(self.load("--count", 50, "--seconds", 5), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        self.stop(signal.SIGKILL)
        load.wait(timeout=60)

    def load(self, *arguments):
        return self.bench("publish", *arguments, *self.connection_options("mqtt"))

    def command(self):
        return [str(self.binaries / "selvage-hub"), "serve", "--data", str(self.data), "--listen", "127.0.0.1",
                "--mqtt-port", str(self.ports["mqtt"]), "--amqp-port", str(self.ports["amqp"]), "--https-port", str(self.ports.get("https") or free_port()), "--log-level", "warning"]

    def connection_options(self, program):
        return ["--port", self.ports[program], "--trust", self.data / "certs/server.pem", "--devices", self.data / "devices.txt"]

    def check(self, connections, messages):
        """Every acknowledged message is in the event log, once and in its sender's order. After stop(). What it takes there."""
        done = subprocess.run(self.bench("check-events", "--events", self.data / "events", "--devices", connections,
                                         "--expected", messages), check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def describe(self):
        commit = subprocess.run(["git", "log", "-1", "--format=%h %s"], capture_output=True, text=True,
                                cwd=pathlib.Path(__file__).parent).stdout.strip()
        return {"name": "selvage-hub", "version": commit,
                "promise": "PUBACK once the message is in the event log and synced (fdatasync)"}


class Mosquitto(Server):
    name = "mosquitto"
    # Messages must arrive somewhere to be counted: mosquitto has no log, so it delivers.
    load_options = {"mqtt": ["--subscribe", "devices/+/messages/events/#"]}

    def missing(self):
        return shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin") is None

    def make_ready(self):
        if self.prepared:
            return
        make_certificate(self.folder)
        (self.folder / "mosquitto.conf").write_text("\n".join([
            f"listener {self.port} 127.0.0.1", f"certfile {self.folder}/certificate.pem", f"keyfile {self.folder}/key.pem",
            "tls_version tlsv1.3", "allow_anonymous true", "set_tcp_nodelay true", "persistence false",
            "max_queued_messages 0", "max_inflight_messages 0", "log_type error", "user root", ""]))
        self.prepared = True

    def command(self):
        path = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        return [path, "-c", str(self.folder / "mosquitto.conf")]

    def connection_options(self, program):
        return ["--port", self.port, "--trust", self.folder / "certificate.pem"]

    def check(self, connections, messages):
        """The receiver has checked each message."""
        return {}

    def describe(self):
        shown = subprocess.run([self.command()[0], "-h"], capture_output=True, text=True).stdout
        return {"name": "mosquitto", "version": shown.splitlines()[0] if shown else "?",
                "promise": "PUBACK at once; messages live in memory and die with the process"}
