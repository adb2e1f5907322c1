"""Programs of the run: started in a network namespace, killed, started again; and what they may take of the machine."""
import os
import pathlib
import signal
import subprocess
import time


class Failure(Exception):
    """A promise that was not kept, or a wait that was too long. The text is for people."""


class Stopped(Exception):
    """Someone asked the run to end."""


def run(*command, check=True, timeout=60):
    """A command that ends by itself; its output. Failure names the command and what it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=timeout, check=False)
    if check and done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stdout.strip()[-800:]}")
    return done.stdout


def process_bytes(pid):
    """Resident memory without what files back."""
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Program:
    """One long-running program. `wanted`: it should run now; an end that nobody asked for is a finding."""

    def __init__(self, name, command, log, space=None, env=None, commanded=False):
        prefix = ["nsenter", f"--net=/run/netns/{space}"] if space else []
        self.name = name
        self.command = prefix + [str(word) for word in command]
        self.log = log
        self.env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **(env or {})}
        self.commanded = commanded           # it takes commands on its standard input and answers each with a line
        self.child = None
        self.wanted = False
        self.bytes_max = 0
        self.descriptors_max = 0
        self.starts = 0

    def start(self):
        pipe = subprocess.PIPE if self.commanded else None
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(self.command, env=self.env, stdin=pipe or subprocess.DEVNULL,
                                          stdout=pipe or out, stderr=out, start_new_session=True)
        self.wanted = True
        self.starts += 1
        if self.commanded and self.child.stdout.readline().strip() != b"ready":
            raise Failure(f"{self.name} did not start: see {self.log}")

    def ask(self, command):
        self.child.stdin.write(command.encode() + b"\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().decode().strip()
        if not answer or answer.startswith("unknown"):
            raise Failure(f"{self.name} answered {answer!r} to {command!r}")
        return answer

    def running(self):
        return self.child is not None and self.child.poll() is None

    def kill(self, number=signal.SIGKILL, patience=20):
        self.wanted = False
        if not self.running():
            return
        self.child.send_signal(number)
        try:
            self.child.wait(patience)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failure(f"{self.name} did not end within {patience} s of signal {number}") from None

    def measure(self):
        if self.running():
            self.bytes_max = max(self.bytes_max, process_bytes(self.child.pid))
            try:
                self.descriptors_max = max(self.descriptors_max, len(os.listdir(f"/proc/{self.child.pid}/fd")))
            except OSError:
                pass

    def check(self, bytes_bound, descriptors_bound):
        """Findings about this program, as sentences."""
        if self.wanted and not self.running():
            yield f"{self.name} ended by itself with {self.child.returncode}: {last_lines(self.log)}"
        if self.bytes_max > bytes_bound:
            yield f"{self.name} took {self.bytes_max >> 20} MiB of memory, more than {bytes_bound >> 20}"
        if self.descriptors_max > descriptors_bound:
            yield f"{self.name} had {self.descriptors_max} open files, more than {descriptors_bound}"


def last_lines(path, count=6):
    try:
        return " | ".join(pathlib.Path(path).read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return "no log"


def wait_until(what, condition, seconds, tick=None, pause=0.05):
    """Polls; `tick` is called between looks. Failure names `what`; what condition() raises last is part of it."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what} did not happen within {seconds} s")
        if tick:
            tick()
        time.sleep(pause)
