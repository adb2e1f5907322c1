"""RabbitMQ as a peer for AMQP 1.0: a node of its own, with its own folders, ports and name registry, started from Debian's
package without its system service."""
import json
import os
import pathlib
import shutil
import signal
import subprocess

from .servers import Server, free_port, make_certificate

PROGRAMS = pathlib.Path("/usr/lib/rabbitmq/bin")
QUEUE = "bench"


class RabbitMQ(Server):
    name = "rabbitmq"
    start_seconds = 90
    # One durable queue takes everything. It is read, and each message checked, when the measuring is over.
    load_options = {"amqp": ["--target", f"/amq/queue/{QUEUE}", "--drain", f"/amq/queue/{QUEUE}"]}

    def __init__(self, binaries, work):
        super().__init__(binaries, work)
        self.registry = None
        self.registry_port, self.distribution_port = free_port(), free_port()

    def missing(self):
        return not (PROGRAMS / "rabbitmq-server").exists()

    def make_ready(self):
        """An empty store for every run, with the queue declared."""
        shutil.rmtree(self.folder / "store", ignore_errors=True)
        if self.prepared:
            return
        make_certificate(self.folder)
        (self.folder / "plugins").write_text("[rabbitmq_amqp1_0].\n")
        (self.folder / "definitions.json").write_text(json.dumps({
            "vhosts": [{"name": "/"}],
            "users": [{"name": "guest", "password": "guest", "tags": ""}],
            "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
            "queues": [{"name": QUEUE, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}]}))
        (self.folder / "rabbitmq.conf").write_text("\n".join([
            "listeners.tcp = none", f"listeners.ssl.1 = 127.0.0.1:{self.port}",
            f"ssl_options.certfile = {self.folder}/certificate.pem", f"ssl_options.keyfile = {self.folder}/key.pem",
            "ssl_options.versions.1 = tlsv1.3", "ssl_options.verify = verify_none",
            "amqp1_0.default_user = guest", f"load_definitions = {self.folder}/definitions.json",
            "log.file = false", "log.console = true", "log.console.level = warning", ""]))
        self.prepared = True

    def environment(self):
        return dict(
            os.environ, HOME=str(self.folder), RABBITMQ_NODENAME=f"bench-{self.port}@localhost",
            RABBITMQ_CONFIG_FILE=str(self.folder / "rabbitmq.conf"), RABBITMQ_CONF_ENV_FILE="/dev/null",
            RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "plugins"), RABBITMQ_MNESIA_BASE=str(self.folder / "store"),
            RABBITMQ_LOG_BASE=str(self.folder), RABBITMQ_PID_FILE=str(self.folder / "pid"),
            RABBITMQ_DIST_PORT=str(self.distribution_port), ERL_EPMD_PORT=str(self.registry_port), ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}",
            RABBITMQ_ALLOW_INPUT="1")    # so that the script becomes the node instead of watching it

    def command(self):
        return [str(PROGRAMS / "rabbitmq-server"), "-noinput"]

    def start(self, fresh=True):
        # Erlang's name registry would otherwise be started as a daemon, and stay.
        self.registry = subprocess.Popen(["epmd", "-address", "127.0.0.1", "-port", str(self.registry_port)],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().start(fresh)

    def stop(self, how=signal.SIGTERM):
        super().stop(how)
        if self.registry:
            self.registry.terminate()
            self.registry.wait(timeout=10)
            self.registry = None

    def connection_options(self, program):
        return ["--port", self.port, "--trust", self.folder / "certificate.pem"]

    def check(self, connections, messages):
        """What drained the queue has checked each message."""
        return {}

    def describe(self):
        version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server"], capture_output=True, text=True).stdout
        return {"name": "rabbitmq (AMQP 1.0 plug-in)", "version": version or "?",
                "promise": "accepted once the message is in a durable queue's files and synced"}
