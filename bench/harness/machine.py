"""The machine that measures: what it is, whether it is quiet, how fast its disk syncs."""
import os
import pathlib
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = int(next(line for line in open("/proc/meminfo")).split()[1]) // 1024
    system = next((line.split("=")[1].strip().strip('"') for line in open("/etc/os-release") if line.startswith("PRETTY_NAME")), "?")
    return {"processors": os.cpu_count(), "model": model, "memory_mib": memory, "system": system,
            "kernel": os.uname().release, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def shortcomings():
    found = []
    if (os.cpu_count() or 1) < 2:
        found.append("one processor: server and generator share it, and no figure here says much")
    if os.sysconf("SC_OPEN_MAX") < 12_000:
        found.append(f"at most {os.sysconf('SC_OPEN_MAX')} open files: the fleet of 10,000 needs more (ulimit -n 65536)")
    return found


def install(package_file):
    """Empty when all is there now, else why not."""
    if os.getuid() != 0:
        return "this is not root"
    packages = [word for line in open(package_file) for word in line.split("#")[0].split()]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    done = subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *packages],
                          env=environment, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def busy_seconds():
    """Processor time of everyone since the machine began, without interrupts."""
    user, nice, system = map(int, open("/proc/stat").readline().split()[1:4])
    return (user + nice + system) / TICKS


def process_seconds(pid):
    """Processor time of a process and of its children that it has waited for."""
    try:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


class Strangers:
    """How much of a processor others used while the block ran: server and generator are children that ended in it."""

    def __enter__(self):
        self.begin, self.busy = time.monotonic(), busy_seconds()
        self.own = process_seconds(os.getpid())
        return self

    def __exit__(self, *_):
        self.elapsed = time.monotonic() - self.begin

    def share(self):
        own = process_seconds(os.getpid()) - self.own
        return max(0.0, busy_seconds() - self.busy - own) / self.elapsed


def fdatasync_times(folder, count=400):
    """p50 and p99 in milliseconds of appending 4 KiB to a file and syncing it."""
    path, block, times = pathlib.Path(folder) / "fdatasync-probe", b"x" * 4096, []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(count):
            begin = time.perf_counter()
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            times.append((time.perf_counter() - begin) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    times.sort()
    return {"fdatasync_p50_ms": times[count // 2], "fdatasync_p99_ms": times[count * 99 // 100]}
