"""An edge device as customers have it: a Docker engine, selvaged, and edgeAgent, edgeHub and a sensor in containers. It reports to
the same hub as the plain processes of world.py. Made when a kind first needs it, for starting it takes half a minute.

The sensor numbers its messages from 1 in each of its lives (batchId): a number may come again after a restart, never out of
order and never with one missing before it. Recovery: the engine lists all three as running and newer telemetry has arrived.
"""
import json
import os
import re
import subprocess
import time

from processes import Failure, Program, last_lines, run, wait_until

ROOT = __file__.rsplit("/tests/", 1)[0]
DEVICE = "whole-1"
SENSOR = f"{DEVICE}/tempSensor"
CONTAINERS = ["edgeAgent", "edgeHub", "tempSensor"]
PROGRAMS = ["selvaged", "iotedge", "edge-agent", "edge-hub", "simulated-temperature-sensor"]
TOOLS = ["dockerd", "docker", "iptables"]
UP_SECONDS = 180
PATIENCE = 180
VERSION = re.search(r"project\(selvage VERSION ([0-9.]+)", open(f"{ROOT}/CMakeLists.txt", encoding="utf-8").read()).group(1)


class SensorBook:
    """Arrivals of the sensor: its lives and how far each is."""

    def __init__(self, found):
        self.found = found
        self.lives = {}
        self.arrived = 0

    def take(self, event):
        properties = event["properties"]
        life, number = properties["batchId"], int(properties["sequenceNumber"])
        last = self.lives.get(life, 0)
        if number > last + 1:
            self.found(f"{SENSOR}: {number} came after {last} in its life {life}")
        self.lives[life] = max(last, number)
        self.arrived += 1


class Whole:
    def __init__(self, world):
        self.world = world
        self.folder = world.root / "whole"
        self.folder.mkdir()
        self.socket = f"unix://{self.folder}/docker.sock"
        self.engine = Program("dockerd", [
            "dockerd", "-H", self.socket, "--data-root", self.folder / "docker", "--exec-root", self.folder / "exec",
            "--pidfile", self.folder / "docker.pid", "--cgroup-parent", f"/{world.root.parent.name}"],
            world.logs / "dockerd.log")
        self.daemon = Program("selvaged", [world.bin / "selvaged", "--home", self.folder / "state"],
                              world.logs / "selvaged.log")
        self.programs = [self.engine, self.daemon]
        self.recovery = 0.0            # seconds waited since someone set it to 0

    def docker(self, *words, check=True):
        return run("docker", "-H", self.socket, *words, check=check, timeout=120)

    def up(self):
        self.start_engine()
        environment = {**os.environ, "DOCKER_HOST": self.socket}
        built = subprocess.run([f"{ROOT}/packaging/images/build", self.world.root.parent], env=environment, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if built.returncode != 0:
            raise Failure(f"the images could not be built: {built.stdout[-500:]}")
        self.world.ctl("identity", "create", "-d", DEVICE, "--edge-enabled")
        self.world.ledger.sensor = SensorBook(self.world.ledger.found)
        self._configure()
        self.daemon.start()
        manifest = self.folder / "deployment.json"
        manifest.write_text(json.dumps(self._manifest()))
        self.world.ctl("set-modules", "-d", DEVICE, "--content", manifest)
        self.settle(UP_SECONDS)

    def start_engine(self):
        if not self.engine.running():
            # What a killed engine leaves; it refuses to start while the number in it is another process's by now.
            (self.folder / "docker.pid").unlink(missing_ok=True)
            self.engine.start()
        wait_until("the Docker engine's start", self._engine_answers, 60, self._watch_engine, 0.2)

    def _engine_answers(self):
        done = subprocess.run(["docker", "-H", self.socket, "version"], capture_output=True, check=False)
        return done.returncode == 0

    def _watch_engine(self):
        if not self.engine.running():
            raise Failure(f"dockerd ended: {last_lines(self.engine.log)}")

    def _configure(self):
        connection_string = self.world.ctl("connection-string", "--device", DEVICE).strip()
        self.world.secret(connection_string)
        config = self.folder / "config.toml"
        config.touch(0o600)
        config.write_text(f"""
hostname = "{DEVICE}"
trust_bundle_cert = "file://{self.world.hub_ca}"
[provisioning]
source = "manual"
connection_string = "{connection_string}"
[agent]
name = "edgeAgent"
type = "docker"
imagePullPolicy = "never"
[agent.config]
image = "selvage/edge-agent:{VERSION}"
[agent.config.createOptions.HostConfig]
Binds = ["selvage-edge-agent:/data"]
[agent.env]
UpstreamProtocol = "Mqtt"
StorageFolder = "/data"
CoolOffTimeUnitInSeconds = "1"
[connect]
workload_uri = "unix:///var/run/iotedge/workload.sock"
management_uri = "unix://{self.folder}/mgmt.sock"
[listen]
workload_uri = "unix://{self.folder}/workload.sock"
management_uri = "unix://{self.folder}/mgmt.sock"
[moby_runtime]
uri = "{self.socket}"
network = "azure-iot-edge"
""")
        run(self.world.bin / "iotedge", "config", "apply", "-c", config, "--home", self.folder / "state")

    @staticmethod
    def _manifest():
        def binds(volume):
            return json.dumps(json.dumps({"HostConfig": {"Binds": [f"{volume}:/data"]}}))
        text = open(f"{ROOT}/packaging/quickstart/deployment.json", encoding="utf-8").read()
        text = text.replace("@VERSION@", VERSION).replace("@AGENT_OPTIONS@", binds("selvage-edge-agent"))
        manifest = json.loads(text.replace("@HUB_OPTIONS@", binds("selvage-edge-hub")))
        system = manifest["modulesContent"]["$edgeAgent"]["properties.desired"]["systemModules"]
        system["edgeAgent"]["env"]["CoolOffTimeUnitInSeconds"] = {"value": "1"}
        system["edgeHub"]["env"]["UpstreamReconnectMaxSecs"] = {"value": "2"}
        return manifest

    def kill_container(self, name):
        """kill -9 of the program in it, as the kernel's out-of-memory killer would."""
        number = self.docker("inspect", "-f", "{{.State.Pid}}", name).strip()
        run("kill", "-9", number, check=False)

    def running(self):
        lines = self.docker("ps", "--format", "{{.Names}} {{.State}}", check=False).splitlines()
        return [line.split()[0] for line in lines if line.endswith(" running")]

    def settle(self, patience=PATIENCE):
        sensor = self.world.ledger.sensor
        before, began = sensor.arrived, time.monotonic()
        state = {}

        def well():
            state["missing"] = [name for name in CONTAINERS if name not in self.running()]
            state["new"] = sensor.arrived - before
            return not state["missing"] and state["new"] >= 3

        try:
            wait_until("recovery of the device with an engine", well, patience, self.world.tick, 0.5)
        except Failure as failure:
            said = {name: self.docker("logs", "--tail", "3", name, check=False)[-400:] for name in CONTAINERS}
            raise Failure(f"{failure}: not running: {state.get('missing')}, new telemetry: {state.get('new')}; {said}") from None
        self.recovery += time.monotonic() - began

    def keep_logs(self):
        for name in CONTAINERS:
            (self.world.logs / f"{name}.log").write_text(self.docker("logs", name, check=False))

    def down(self):
        self.daemon.wanted = self.engine.wanted = False
        self.daemon.kill()
        if not self.engine.running():
            return
        containers = self.docker("ps", "-aq", check=False).split()
        if containers:
            self.docker("rm", "-f", "-v", *containers, check=False)
        self.engine.kill(15, 60)

