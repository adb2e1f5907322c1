"""An edge hub with devices of its own below it and the cloud away: what the number of its routes costs.

A deployment is made once: a cloud hub, the edge hub beside it until it has its configuration and its devices, then both are
stopped. A run starts the edge hub on a copy of that. After the run the cloud hub comes back, takes everything, and each message
is looked for in its event log.
"""
import json
import os
import pathlib
import shutil
import subprocess
import time

from .servers import Server, Selvage, free_port, make_certificate

EDGE, CHILDREN = "edge-1", 10
PATIENCE_SECONDS = 180


class EdgeHub(Server):
    routes = 100
    name = "edge-100-routes"

    def __init__(self, binaries, work):
        super().__init__(binaries, work)
        self.cloud = Selvage(binaries, self.folder)
        self.cloud.ports["https"] = free_port()
        self.settings = {}

    def manifest(self):
        # One takes what the devices send; the others name modules that are not there.
        routes = {f"other-{i}": f"FROM /messages/modules/other-{i}/outputs/* INTO $upstream" for i in range(self.routes - 1)}
        routes["all"] = "FROM /messages/* INTO $upstream"
        agent = {"schemaVersion": "1.1", "runtime": {"type": "docker", "settings": {}}, "modules": {}, "systemModules": {
            "edgeAgent": {"type": "docker", "settings": {"image": "a"}},
            "edgeHub": {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": "h"}}}}
        hub = {"schemaVersion": "1.1", "routes": routes, "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}
        return {"modulesContent": {"$edgeAgent": {"properties.desired": agent}, "$edgeHub": {"properties.desired": hub}}}

    def make_ready(self):
        template, self.data = self.folder / "template", self.folder / "data"
        if not self.prepared:
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir()
            make_certificate(self.folder)
            self.cloud.edge = EDGE
            self.cloud.children = CHILDREN
            self.data = template
            self.cloud.start()
            try:
                (self.folder / "manifest.json").write_text(json.dumps(self.manifest()))
                subprocess.run([self.binaries / "hubctl", "--data", self.cloud.data, "--address", f"127.0.0.1:{self.cloud.ports['https']}",
                                "set-modules", "-d", EDGE, "-k", self.folder / "manifest.json"], check=True, capture_output=True, text=True)
                self.run_until(lambda: f"routes={self.routes}" in self.said() and f"identities={CHILDREN + 3}" in self.said())
            finally:
                self.cloud.stop()
            self.data = self.folder / "data"
            self.prepared = True
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.copytree(template, self.data)

    def said(self):
        return self.output.read_text() if self.output.exists() else ""

    def run_until(self, wanted):
        self.output.unlink(missing_ok=True)
        self.start(fresh=False)
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not wanted():
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} did not get there; see {self.output}")
                time.sleep(0.05)
        finally:
            self.stop()

    def environment(self):
        return dict(
            os.environ, IotHubConnectionString=(self.cloud.folder / "template/edge.txt").read_text().strip(),
            EdgeDeviceHostName="localhost", EdgeHubDevServerCertificateFile=str(self.folder / "certificate.pem"),
            EdgeHubDevServerPrivateKeyFile=str(self.folder / "key.pem"), EdgeHubDevTrustBundleFile=str(self.cloud.data / "certs/ca.pem"),
            StorageFolder=str(self.data), StorageLimitBytes=str(8 << 30), MqttSettings__Address="127.0.0.1",
            MqttSettings__Port=str(self.port), AmqpSettings__Enabled="false", HttpSettings__Enabled="false",
            UpstreamMqttPort=str(self.cloud.ports["mqtt"]), UpstreamHttpsPort=str(self.cloud.ports["https"]),
            UpstreamReconnectMaxSecs="2", RuntimeLogLevel="info")

    def command(self):
        return [str(self.binaries / "edge-hub")]

    def connection_options(self, program):
        return ["--port", self.port, "--trust", self.folder / "certificate.pem", "--devices", self.cloud.folder / "template/devices.txt"]

    def check(self, connections, messages):
        """The cloud hub comes back, and the edge hub has sent everything on when its event log does not grow any more."""
        events = self.cloud.data / "events"
        seen = {"bytes": 0, "since": time.monotonic()}

        def has_drained():
            held = sum(file.stat().st_size for file in pathlib.Path(events).rglob("*.log"))
            if held != seen["bytes"]:
                seen.update(bytes=held, since=time.monotonic())
            return held > 0 and time.monotonic() - seen["since"] > 4

        self.cloud.start()
        try:
            self.run_until(has_drained)
        finally:
            self.cloud.stop()
        return self.cloud.check(connections, messages)

    def describe(self):
        return {**self.cloud.describe(), "name": f"edge-hub, {self.routes} route{'s' if self.routes > 1 else ''}",
                "promise": "PUBACK once the message is in the store and synced (fdatasync)"}


class EdgeHubOneRoute(EdgeHub):
    routes = 1
    name = "edge-1-route"
