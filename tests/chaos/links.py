"""Three namespaces and the links between them. The runner's own namespace is the cloud's.

    cloud ──uplink── edge ──local── device ──direct── cloud
"""
import pathlib
import time

from processes import Program, run

HUB = "10.80.0.1"
EDGE = "10.80.2.1"
EDGE_UPLINK = ["10.80.1.2", "10.80.1.3"]
LINKS = {"uplink": ("-", "cloud0", "edge", "edge0"), "local": ("edge", "edge1", "device", "device0"),
         "direct": ("-", "cloud1", "device", "device1")}
FINE = {"delay": 0, "jitter": 0, "loss": 0, "duplicate": 0}


def ip(space, *words):
    return run("ip", *(["-n", space] if space != "-" else []), *words)


class Links:
    def __init__(self, seed, bin_folder, log_folder):
        parts = [":".join((name, *ends)) for name, ends in LINKS.items()]
        self.program = Program("wire", [bin_folder / "selvage-chaos-wire", seed, *parts], log_folder / "wire.log",
                               commanded=True)
        self.edge_address = 0

    def make(self):
        pathlib.Path("/run/netns").mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        for space in ("edge", "device"):
            run("ip", "netns", "add", space)
        for space in ("-", "edge", "device"):
            ip(space, "link", "set", "lo", "up")
        self.program.start()
        ip("-", "address", "replace", f"{HUB}/32", "dev", "lo")
        for space, device, address in (("-", "cloud0", "10.80.1.1"), ("-", "cloud1", "10.80.3.1"), ("edge", "edge1", EDGE),
                                       ("device", "device0", "10.80.2.2"), ("device", "device1", "10.80.3.2")):
            ip(space, "address", "add", f"{address}/24", "dev", device)
            ip(space, "link", "set", device, "up")
        ip("device", "route", "add", f"{HUB}/32", "dev", "device1")
        ip("edge", "link", "set", "edge0", "up")
        self._take_address()

    def _take_address(self):
        address = EDGE_UPLINK[self.edge_address]
        ip("edge", "address", "add", f"{address}/24", "dev", "edge0")
        ip("edge", "route", "replace", f"{HUB}/32", "dev", "edge0", "src", address)

    def change_edge_address(self):
        """As after another lease: the old address is gone, and nobody told the connections."""
        ip("edge", "address", "flush", "dev", "edge0")
        time.sleep(0.2)
        self.edge_address = 1 - self.edge_address
        self._take_address()

    def set(self, link, direction="both", **weather):
        with_all = {**FINE, **weather}
        self.program.ask(f"set {link} {direction} " + " ".join(str(with_all[name]) for name in FINE))

    def cut(self, link, direction="both"):
        self.set(link, direction, loss=100)

    def mend(self):
        for link in LINKS:
            self.set(link)

    def remove(self):
        if self.program.running():
            self.program.child.stdin.close()
            self.program.kill()
        for space in ("edge", "device"):
            run("ip", "netns", "del", space, check=False)
        run("umount", "-l", "/run/netns", check=False)


def missing_in_kernel():
    """What this machine lacks; nothing can be tried without it."""
    for feature, path in (("TUN devices", "/dev/net/tun"), ("FUSE", "/dev/fuse"), ("loop devices", "/dev/loop-control")):
        try:
            open(path, "rb").close()
        except OSError as error:
            yield f"{feature} ({path}: {error.strerror})"
