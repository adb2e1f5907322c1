"""Runs one scenario: pairs of fresh processes, taking turns, until each server has its runs."""
import json
import subprocess
import sys

from . import machine
from .servers import SERVER_PROCESSOR

GENERATOR_PROCESSOR = 1
STRANGERS_MAX = 0.15     # of a processor; a run beside which others used more is repeated
REPEATS_MAX = 2


class Runner:
    def __init__(self, servers, binaries, work, runs, seconds, quick):
        self.servers, self.binaries, self.work = servers, binaries, work
        self.runs, self.seconds, self.quick = runs, seconds, quick

    def measure(self, name, scenario):
        peer = scenario.get("peer", "mosquitto")
        own = scenario.get("server", "selvage")
        servers = [server for server in self.servers if server.name in (own, peer)]
        result = {"name": name, "what": scenario["what"], "peer": peer, "bars": scenario["bars"], "runs": {}, "errors": []}
        runs = min(self.runs, scenario.get("runs_max", self.runs))
        for number in range(runs):
            for server in servers:
                print(f"\r{name}: run {number + 1} of {runs}, {server.name}          ", end="", file=sys.stderr, flush=True)
                try:
                    figures = self.quiet_run(server, scenario)
                except (RuntimeError, subprocess.SubprocessError, OSError) as error:
                    words = getattr(error, "stderr", None) or str(error)
                    result["errors"].append(f"{server.name}: {words.strip()}")
                    continue
                result["runs"].setdefault("selvage" if server.name == own else server.name, []).append(figures)
        print("\r" + " " * 70 + "\r", end="", file=sys.stderr)
        return result

    def quiet_run(self, server, scenario):
        for attempt in range(REPEATS_MAX + 1):
            with machine.Strangers() as strangers:
                figures = self.run(server, scenario)
            figures["strangers"] = round(strangers.share(), 2)
            if figures["strangers"] <= STRANGERS_MAX or attempt == REPEATS_MAX:
                return figures

    def options(self, scenario):
        options = dict(scenario["options"])
        if self.quick:
            options.update(scenario.get("quick_options", {}))
        if scenario["command"] in ("publish", "send", "churn") and "messages" not in options:
            options["seconds"] = self.seconds
        return options

    def run(self, server, scenario):
        options = self.options(scenario)
        before = machine.fdatasync_times(self.work) if scenario.get("fdatasync") else {}
        program = scenario.get("program", "mqtt")
        arguments = [scenario["command"]]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        server.settings = scenario.get("settings", {})
        if scenario["command"] == "start-up":
            if "store" in scenario:
                server.fill(scenario["store"] // 10 if self.quick else scenario["store"])
            else:
                server.make_ready()
            if scenario.get("killed"):
                server.kill_under_load()
            arguments += server.connection_options(program) + ["--processor", SERVER_PROCESSOR, "--output", server.output]
            figures = self.generate(server, arguments + ["--", *server.command()], program)
        else:
            figures = self.run_beside(server, arguments, options["count"], program)
        return {**before, **figures}

    def run_beside(self, server, arguments, connections, program):
        server.start()
        try:
            pid = server.process.pid
            if arguments[0] in ("publish", "send"):
                arguments = arguments + server.load_options.get(program, [])
            figures = self.generate(server, arguments + server.connection_options(program) + ["--server-pid", pid], program)
        finally:
            server.stop()
        if "sent_in_all" in figures:
            figures.update(server.check(connections, figures["sent_in_all"]))
        return figures

    def generate(self, server, arguments, program):
        command = ["taskset", "-c", str(GENERATOR_PROCESSOR), *server.bench(*arguments, program=program)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
        return json.loads(done.stdout)
