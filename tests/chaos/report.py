"""What was tried and what came of it: the table at the end, and the same as JSON."""
import json
import os
import pathlib
import platform
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def machine():
    model = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) >> 20
    return f"{os.cpu_count()} x {model}, {memory} GiB, Linux {platform.release()}"


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False).stdout.strip()
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain", "src") else "")


class Report:
    def __init__(self, options):
        self.options = options
        self.began = time.time()
        self.rows = {}
        self.failures = []
        self.totals = {"sent": 0, "attempts": 0, "acknowledged": 0, "arrived": 0, "repeats": 0, "c2d_sent": 0, "c2d_arrived": 0,
                       "c2d_repeats": 0}
        self.programs = {}
        self.notes = []

    def add(self, kind, survived, recovery, seconds, iteration):
        row = self.rows.setdefault(kind, {"tried": 0, "survived": 0, "recovery": [], "slowest_iteration": None, "seconds": 0.0})
        row["tried"] += 1
        row["seconds"] += seconds
        if survived:
            row["survived"] += 1
            if recovery >= max(row["recovery"], default=0):
                row["slowest_iteration"] = iteration
            row["recovery"].append(round(recovery, 3))

    def add_world(self, totals, programs):
        for name, count in totals.items():
            self.totals[name] += count
        for program in programs:
            seen = self.programs.setdefault(program.name, {"starts": 0, "mib_max": 0, "files_max": 0})
            seen["starts"] += program.starts
            seen["mib_max"] = max(seen["mib_max"], round(program.bytes_max / (1 << 20), 1))
            seen["files_max"] = max(seen["files_max"], program.descriptors_max)

    def document(self):
        return {"seed": self.options["seed"], "iterations": sum(row["tried"] for row in self.rows.values()),
                "survived": sum(row["survived"] for row in self.rows.values()), "seconds": round(time.time() - self.began),
                "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)), "machine": machine(),
                "commit": self.options["commit"], "kinds": self.rows, "messages": self.totals, "programs": self.programs,
                "failures": self.failures, "notes": self.notes}

    def write(self, path):
        new = pathlib.Path(f"{path}.new")
        new.write_text(json.dumps(self.document(), indent=1) + "\n")
        new.replace(path)

    def table(self):
        lines = [f"{'kind':<16} {'tried':>6} {'survived':>9} {'recovery: median':>17} {'slowest':>9}"]
        for name, row in sorted(self.rows.items()):
            times = sorted(row["recovery"])
            median = f"{times[len(times) // 2]:.1f} s" if times else "-"
            slowest = f"{times[-1]:.1f} s" if times else "-"
            lines.append(f"{name:<16} {row['tried']:>6} {row['survived']:>9} {median:>17} {slowest:>9}")
        document = self.document()
        counted = self.totals
        lines += [f"{'all':<16} {document['iterations']:>6} {document['survived']:>9}",
                  f"telemetry: {counted['sent']:,} numbers sent ({counted['attempts']:,} with repetitions), "
                  f"{counted['acknowledged']:,} acknowledged, {counted['arrived']:,} arrived in order, "
                  f"{counted['repeats']:,} arrived again",
                  f"C2D: {counted['c2d_sent']:,} taken by the hub, {counted['c2d_arrived']:,} arrived, "
                  f"{counted['c2d_repeats']:,} arrived again"]
        lines += [f"{name}: {seen['starts']} starts, at most {seen['mib_max']} MiB and {seen['files_max']} open files"
                  for name, seen in sorted(self.programs.items()) if name.startswith(("selvage", "edge", "load"))]
        lines += [f"seed {document['seed']}, {document['seconds']} s, commit {document['commit']}, {document['machine']}"]
        return "\n".join(lines + self.notes)
