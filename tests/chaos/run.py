"""A run inside namespaces of its own; ./chaos starts it there. Worlds live for some iterations; a failure ends its world."""
import json
import pathlib
import random
import shutil
import signal
import sys
import time
import traceback

import faults
from processes import Failure, Stopped
from report import Report
from service_api import Unavailable
from world import World

ITERATIONS_A_WORLD = 250


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def choose(options, iteration):
    """What happens in an iteration follows from the seed and its number alone."""
    drawn = random.Random(f"{options['seed']}/{iteration}")
    names = [name for name in faults.KINDS if name in options["kinds"]]
    return drawn.choices(names, [faults.KINDS[name][0] for name in names])[0], drawn


class Run:
    def __init__(self, options):
        self.options = options
        self.root = pathlib.Path(options["folder"])
        self.stop_file = self.root / "stop"
        self.report = Report(options)
        self.world = None
        self.worlds = 0

    def make_world(self, iteration):
        self.worlds += 1
        began = time.monotonic()
        self.world = World(self.root / f"world-{self.worlds}", self.root / "bin", self.options["seed"] + iteration,
                           self.stop_file)
        self.world.up()
        say(f"world {self.worlds} is up after {time.monotonic() - began:.1f} s")

    def end_world(self):
        world, self.world = self.world, None
        if world is None:
            return
        if world.ledger:
            self.report.add_world(world.ledger.totals(), world.programs.values())
        world.down()
        if not self.options["keep"]:
            shutil.rmtree(world.root, ignore_errors=True)

    def iterate(self, iteration):
        name, drawn = choose(self.options, iteration)
        if self.world is None:
            self.make_world(iteration)
        world = self.world
        began = time.monotonic()
        recovery, note = 0.0, None
        repeats, starts = world.ledger.totals()["repeats"], world.programs["selvage-hub"].starts
        try:
            world.ask_for_changes(drawn)
            world.work_for(drawn.uniform(0, 0.3))
            if name in faults.WITH_ENGINE:
                world.with_engine().recovery = 0
            elif world.whole:
                world.whole.recovery = 0
            note = faults.KINDS[name][1](world, drawn)
            recovery = world.settle() + (world.whole.recovery if world.whole else 0)
            if name == "quiet" and world.ledger.totals()["repeats"] != repeats:
                raise Failure("a message was repeated although nothing had gone wrong")
            # A crash of the hub is when history could change.
            world.ledger.check_again(500 if world.programs["selvage-hub"].starts != starts else 20)
            world.check()
        except (Failure, Unavailable) as failure:
            self.failed(iteration, name, note, str(failure), time.monotonic() - began)
            return
        self.report.add(name, True, recovery, time.monotonic() - began, iteration)
        say(f"{iteration:>5} {name:<15} survived, recovery {recovery:5.2f} s" + (f"  ({note})" if note else ""))

    def failed(self, iteration, name, note, text, seconds):
        self.report.add(name, False, 0, seconds, iteration)
        # Findings of before the failure are often its reason.
        also = [] if self.world is None or self.world.ledger is None else self.world.ledger.findings
        text = "; ".join([text, *also])
        kept = pathlib.Path(self.options["failures"]) / f"{self.options['seed']}-{iteration}"
        replay = f"./chaos --seed {self.options['seed']} --first {iteration} --iterations 1"
        if self.options["only"]:
            replay += f" --only {','.join(self.options['only'])}"
        if self.options["no_engine"]:
            replay += " --no-engine"
        self.report.failures.append({"iteration": iteration, "kind": name, "note": note, "what": text, "logs": str(kept),
                                     "replay": replay})
        say(f"{iteration:>5} {name:<15} FAILED ({note}): {text}\n      replay: {replay}\n      logs: {kept}")
        if self.world is not None:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            if self.world.whole and self.world.whole.engine.running():
                self.world.whole.keep_logs()
            for path in [*self.world.logs.iterdir(), *self.world.root.glob("*.journal")]:
                shutil.copy(path, kept)
            (kept / "finding.txt").write_text(f"{name} {note}\n{text}\n{replay}\n")
            for disk in self.world.disks.values():
                shutil.copytree(disk.folder, kept / f"disk-{disk.name}", dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns("lost+found", "ballast", "secrets"))
        self.end_world()

    def wait_while_paused(self):
        pause = self.options["pause_file"]
        if pause and pathlib.Path(pause).exists():
            say(f"paused: {pause} is there")
            # Not idle in the meantime but gone: a measurement must not share the machine with the load.
            self.end_world()
            while pathlib.Path(pause).exists() and not self.stop_file.exists():
                time.sleep(1)

    def all(self):
        first, count = self.options["first"], self.options["iterations"]
        end = time.monotonic() + self.options["minutes"] * 60 if self.options["minutes"] else None
        try:
            for iteration in range(first, first + count):
                self.wait_while_paused()
                if self.stop_file.exists() or (end and time.monotonic() > end):
                    break
                try:
                    self.iterate(iteration)
                except Stopped:
                    break
                except Exception:      # pylint: disable=broad-except
                    self.failed(iteration, choose(self.options, iteration)[0], None, traceback.format_exc(), 0)
                if self.world and (iteration - first + 1) % ITERATIONS_A_WORLD == 0:
                    self.end_world()
                self.report.write(self.options["json"])
        finally:
            self.end_world()
            self.report.write(self.options["json"])
        print("\n" + self.report.table(), flush=True)
        for failure in self.report.failures:
            print(f"FAILED {failure['kind']} (iteration {failure['iteration']}): {failure['what'][:300]}\n"
                  f"  replay: {failure['replay']}\n  logs: {failure['logs']}", flush=True)
        return 1 if self.report.failures or not self.report.rows else 0


def main():
    # The starter hears Ctrl-C and leaves a file; work under way ends in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return Run(json.loads(pathlib.Path(sys.argv[1]).read_text())).all()


if __name__ == "__main__":
    sys.exit(main())
