"""The system under test: a cloud hub, an edge hub and senders as plain processes in three namespaces, stores on disks whose
power can be cut. The edge hub runs in its developer mode; with a daemon, an agent and an engine see whole.py.
"""
import base64
import pathlib
import re
import shutil
import time

import links
from disks import Disk
from ledger import Ledger
from processes import Failure, Program, Stopped, run, wait_until
from service_api import ServiceApi, Unavailable
from whole import Whole

EDGE_DEVICE = "edge-1"
LEAVES = ["leaf-1", "leaf-2", "leaf-3"]
MODULES = [f"{EDGE_DEVICE}/module-1", f"{EDGE_DEVICE}/module-2"]
DIRECT = ["direct-1", "direct-2", "direct-big"]     # the big one fills segments of the hub's log, so that it rolls and frees
LOADS = {"load-leaf": ("device", LEAVES), "load-module": ("edge", MODULES), "load-direct": ("device", DIRECT)}
HUB_DISK_MB, EDGE_DISK_MB = 192, 128
EDGE_STORE_BYTES = 4 << 20         # small, so that segments are small and the store rolls often
INTERVAL_MS = 100
PATIENCE = 120                     # seconds until everything must be well again
BYTES_BOUND = 256 << 20            # of one process
DESCRIPTORS_BOUND = 500
TOKEN = re.compile(rb"sig=[A-Za-z0-9%+/]{20}|PRIVATE KEY-----")


class World:
    def __init__(self, root, bin_folder, seed, stop_file):
        self.root, self.bin, self.seed, self.stop_file = root, bin_folder, seed, stop_file
        self.logs = root / "log"
        self.logs.mkdir(parents=True)
        self.links = links.Links(seed, bin_folder, self.logs)
        self.disks = {"hub": Disk(root, "hub", HUB_DISK_MB, bin_folder, self.logs),
                      "edge": Disk(root, "edge", EDGE_DISK_MB, bin_folder, self.logs)}
        self.data = self.disks["hub"].folder / "data"
        self.secrets = []
        self.log_read = {}
        self.programs = {}
        self.api = self.ledger = None
        self.number = 0
        self.whole = None

    def up(self):
        for disk in self.disks.values():
            disk.start()
        for disk in self.disks.values():
            disk.make()
        self.links.make()
        self._make_hub()
        self._make_edge()
        self._make_loads()
        for name in self.programs:
            self.start(name)
        self.settle(PATIENCE)

    # Making things.

    def ctl(self, *words):
        # With its address: a hub that was started on a full disk cannot leave it in its folder for a while.
        return run(self.bin / "hubctl", "--data", self.data, "--address", f"{links.HUB}:443", *words)

    def _program(self, name, command, space=None, env=None):
        self.programs[name] = Program(name, command, self.logs / f"{name}.log", space, env)

    def _make_hub(self):
        run(self.bin / "selvage-hub", "init", "--data", self.data, "--hostname", links.HUB)
        settings = self.data / "hub.toml"
        text = re.sub(r"(?m)^partitions = .*", "partitions = 2", settings.read_text())
        settings.write_text(re.sub(r"(?m)^retention_bytes = .*", f"retention_bytes = {32 << 20}", text))
        self._program("selvage-hub", [self.bin / "selvage-hub", "serve", "--data", self.data, "--listen", links.HUB])
        self.start("selvage-hub")
        policy = wait_until("the hub's start", lambda: self._try(lambda: self.ctl("connection-string")), 30)
        # Clients trust these also while the hub's disk is away.
        self.hub_ca = self.root / "hub-ca.pem"
        shutil.copy(self.data / "certs/ca.pem", self.hub_ca)
        self.secret(policy)
        self.api = ServiceApi(links.HUB, self.hub_ca, policy)
        self.ledger = Ledger(self.api)
        wait_until("the hub's answer", lambda: self._try(self.api.partitions), 30)

    @staticmethod
    def _try(call):
        try:
            return call()
        except (Unavailable, Failure):
            return None

    def secret(self, connection_string):
        self.secrets.append(re.search(r"SharedAccessKey=(.*)", connection_string.strip()).group(1).encode())

    def _make_edge(self):
        self.ctl("identity", "create", "-d", EDGE_DEVICE, "--edge-enabled")
        key = base64.b64encode(f"chaos-{self.seed}".encode().ljust(32, b".")).decode()
        path = f"/devices/{EDGE_DEVICE}/modules/$edgeHub"
        module = self.api.call("GET", path)[1]
        module["authentication"] = {"type": "sas", "symmetricKey": {"primaryKey": key, "secondaryKey": key}}
        self.api.call("PUT", path, module, {"If-Match": '"*"'})
        self.api.call("POST", f"/devices/{EDGE_DEVICE}/applyConfigurationContent", {"modulesContent": {
            "$edgeAgent": {"properties.desired": {
                "schemaVersion": "1.1", "runtime": {"type": "docker", "settings": {}}, "modules": {},
                "systemModules": {
                    "edgeAgent": {"type": "docker", "settings": {"image": "a"}},
                    "edgeHub": {"type": "docker", "status": "running", "restartPolicy": "always", "settings": {"image": "h"}}}}},
            "$edgeHub": {"properties.desired": {"schemaVersion": "1.1", "routes": {"all": "FROM /messages/* INTO $upstream"},
                                                "storeAndForwardConfiguration": {"timeToLiveSecs": 7200}}}}})
        connection_string = f"HostName={links.HUB};DeviceId={EDGE_DEVICE};ModuleId=$edgeHub;SharedAccessKey={key}"
        self.secret(connection_string)
        certificate, private_key = self.root / "edge-cert.pem", self.root / "edge-key.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=edge", "-addext", f"subjectAltName=IP:{links.EDGE}", "-keyout", private_key, "-out", certificate)
        self._program("edge-hub", [self.bin / "edge-hub"], "edge", {
            "IotHubConnectionString": connection_string, "EdgeDeviceHostName": links.EDGE,
            "EdgeHubDevServerCertificateFile": str(certificate), "EdgeHubDevServerPrivateKeyFile": str(private_key),
            "EdgeHubDevTrustBundleFile": str(self.hub_ca), "StorageFolder": str(self.disks["edge"].folder),
            "StorageLimitBytes": str(EDGE_STORE_BYTES), "MqttSettings__Address": links.EDGE, "UpstreamReconnectMaxSecs": "2",
            "DeviceScopeCacheRefreshDelaySecs": "2"})

    def _make_loads(self):
        trusted = self.root / "trusted.pem"
        trusted.write_text(self.hub_ca.read_text() + (self.root / "edge-cert.pem").read_text())
        for name, (space, identities) in LOADS.items():
            lines = [self._register(identity) for identity in identities]
            file, journal = self.root / f"{name}.identities", self.root / f"{name}.journal"
            file.touch(0o600)
            file.write_text("\n".join(lines) + "\n")
            self.ledger.add(journal, identities)
            self._program(name, [self.bin / "selvage-chaos-device", "--identities", file, "--ca", trusted, "--journal",
                                 journal, "--interval-ms", INTERVAL_MS], space)

    def _register(self, identity):
        device, _, module = identity.partition("/")
        words = ["--device", device] + (["--module", module] if module else [])
        self.ctl("identity", "create", *words, *(["--parent", EDGE_DEVICE] if identity in LEAVES else []))
        text = self.ctl("connection-string", *words).strip()
        self.secret(text)
        return text if identity in DIRECT else f"{text};GatewayHostName={links.EDGE}"

    # Using them.

    def start(self, name):
        if not self.programs[name].running():
            self.programs[name].start()

    def with_engine(self):
        """The device with a Docker engine, made when first asked for."""
        if self.whole is None:
            self.whole = Whole(self)
            self.whole.up()
        return self.whole

    def kill(self, name):
        self.programs[name].kill()
        if name == "selvage-hub":
            self.api.close()

    def tick(self):
        if self.stop_file.exists():
            raise Stopped()
        self.ledger.read()
        for program in self.programs.values():
            if program.wanted and not program.running():
                raise Failure(next(program.check(BYTES_BOUND, DESCRIPTORS_BOUND)))

    def work_for(self, seconds):
        """Lets the load run."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.stop_file.exists():
                raise Stopped()
            self.ledger.read()
            time.sleep(0.05)

    def ask_for_changes(self, random):
        """New desired properties for some, C2D messages for some: what a back end does. Before, and also during a fault."""
        accounts = self.ledger.accounts
        self.number += 1
        for identity in random.sample(sorted(accounts), 3):
            accounts[identity].pending = self.number
        for device in random.sample(DIRECT + LEAVES, 2):
            account = accounts[device]
            text = f"c2d-{self.number}-{len(account.c2d_sent)}"
            account.c2d_sent.append(text)
            try:
                self.api.send_c2d(device, text)
            except Unavailable as error:
                if error.refused:
                    account.c2d_sent.remove(text)
                else:
                    account.c2d_maybe.add(text)
        self.flush_changes()

    def flush_changes(self):
        """A change whose answer did not come is asked for again: the same value, so nothing is lost by it."""
        for identity, account in self.ledger.accounts.items():
            if account.pending is not None:
                try:
                    self.api.desire(identity, account.pending)
                except Unavailable:
                    return
                account.wanted, account.pending = account.pending, None

    def settle(self, patience=PATIENCE):
        """Waits until everything is well again; the seconds that it took. Failure says what is not."""
        began = time.monotonic()
        ledger = self.ledger
        ledger.read()
        since = {identity: account.acknowledgements for identity, account in ledger.accounts.items()}
        state = {"open": ["nothing was looked at"], "marks": None}

        def well():
            self.flush_changes()
            state["open"] = ledger.not_sending(since)
            if state["open"]:
                return False
            state["marks"] = state["marks"] or ledger.marks()
            state["open"] = ledger.missing(state["marks"]) + ledger.twins_apart() + ledger.c2d_missing()
            return not state["open"]

        try:
            wait_until("recovery", well, patience, self.tick, 0.03)
        except Failure as failure:
            raise Failure(f"{failure}: " + "; ".join(state["open"][:6])) from None
        return time.monotonic() - began

    def check(self):
        """Everything that can be looked at while it runs; raises Failure with all findings."""
        findings = list(self.ledger.findings)
        self.ledger.findings.clear()
        for program in [*self.programs.values(), *(self.whole.programs if self.whole else [])]:
            program.measure()
            findings += program.check(BYTES_BOUND, DESCRIPTORS_BOUND)
        findings += self._secrets_in_logs()
        for identity, account in self.ledger.accounts.items():
            reported = None
            if account.wanted:
                reported = self.api.twin(identity)["properties"]["reported"].get("seen")
            if reported is not None and reported < account.reported:
                findings.append(f"{identity}: the hub's twin reports seen={reported}, acknowledged was {account.reported}")
        if findings:
            raise Failure("; ".join(findings))

    def _secrets_in_logs(self):
        for path in self.logs.iterdir():
            at = self.log_read.get(path, 0)
            with open(path, "rb") as file:
                file.seek(max(0, at - 200))
                text = file.read()
                self.log_read[path] = file.tell()
            if any(secret in text for secret in self.secrets) or TOKEN.search(text):
                yield f"a secret is in {path.name}"
        for program in self.programs.values():
            if program.running():
                line = pathlib.Path(f"/proc/{program.child.pid}/cmdline").read_bytes()
                if any(secret in line for secret in self.secrets):
                    yield f"a secret is in the command line of {program.name}"

    def down(self):
        if self.whole:
            self.whole.down()
        for program in reversed(self.programs.values()):
            program.wanted = False
            if program.running():
                program.child.kill()
                program.child.wait()
        for disk in self.disks.values():
            disk.remove()
        self.links.remove()
