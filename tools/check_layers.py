#!/usr/bin/env python3
"""Checks the arrows between folders: every #include "x/..." under src/ against cmake/layers.txt.

Also the laws of ARCHITECTURE.md that a script can check: files over 500 lines, umbrella headers, `detached`, clocks and
randomness outside base/. Prints one line a breach and exits 1 if there is any.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"


def read_layers():
    layers = {}
    for line in (ROOT / "cmake" / "layers.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, allowed = line.partition(":")
            layers[folder.strip()] = allowed.split()
    return layers


def layer_of(path, layers):
    """The longest folder of layers.txt that `path` (relative to src/) lies in."""
    parts = path.split("/")
    for n in range(len(parts) - 1, 0, -1):
        if "/".join(parts[:n]) in layers:
            return "/".join(parts[:n])
    return None


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def main():
    layers = read_layers()
    breaches = []
    for file in sorted(SRC.rglob("*")):
        if file.suffix not in (".h", ".cpp"):
            continue
        path = file.relative_to(SRC).as_posix()
        if path.startswith("third_party/"):
            continue
        text = file.read_text()
        lines = text.splitlines()
        where = f"src/{path}"
        if len(lines) > 500:
            breaches.append(f"{where}: {len(lines)} lines, at most 500: find the seam")
        layer = layer_of(path, layers)
        if layer is None:
            breaches.append(f"{where}: no folder of cmake/layers.txt holds it")
            continue
        allowed = layers[layer]
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#include "([^"]+)"', line)
            if match:
                target = match.group(1)
                if not (SRC / target).exists():
                    breaches.append(f"{where}:{number}: includes \"{target}\", which is not a path from src/")
                    continue
                in_test = "/tests/" in path
                ok = "*" in allowed or inside(target, layer) or any(inside(target, a) for a in allowed)
                # A test may use the test support of the folders below it.
                if not ok and not (in_test and "/tests/" in target):
                    breaches.append(f"{where}:{number}: {layer} may not include {target}")
            if re.match(r"\s*#include <boost/(asio|beast)\.hpp>", line):
                breaches.append(f"{where}:{number}: umbrella header")
            if "/tests/" in path:
                continue
            if re.search(r"\bdetached\b", line) and not line.lstrip().startswith("//"):
                breaches.append(f"{where}:{number}: a detached coroutine has no owner: use async::TaskGroup")
            if not path.startswith(("async/", "apps/")) and re.search(r"\bco_spawn\s*\(", line):
                breaches.append(f"{where}:{number}: co_spawn outside async/: use async::TaskGroup")
            if not path.startswith(("base/", "apps/")) and re.search(
                    r"(steady|system)_clock::now\(|std::random_device|\bgetenv\(", line):
                breaches.append(f"{where}:{number}: clocks, randomness and the environment are passed in")
    for breach in breaches:
        print(breach)
    print(f"layers: {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
