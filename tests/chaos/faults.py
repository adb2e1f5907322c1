"""What goes wrong. Each kind does its harm while the load runs and mends it before it returns; the run then waits for recovery.

KINDS: name → (weight, function(world, random) → a note for the log, what it is). Everything drawn comes from `random`, so that
an iteration's number and the seed say what is done; when exactly the programs are hit is the machine's matter.
"""
import signal
import time

from world import LOADS
from links import LINKS

KINDS = {}


def kind(name, weight, text):
    def add(function):
        KINDS[name] = (weight, function, text)
        return function
    return add


def a_while(random, most=1.2):
    return random.uniform(0.15, most)


def kill_and_start(world, random, *names):
    for name in names:
        world.kill(name)
    world.work_for(a_while(random))
    for name in names:
        world.start(name)


@kind("quiet", 3, "nothing: the control, in which a repeated message is a finding")
def quiet(world, random):
    world.work_for(a_while(random))


@kind("kill-hub", 10, "kill -9 of selvage-hub")
def kill_hub(world, random):
    kill_and_start(world, random, "selvage-hub")


@kind("kill-edge-hub", 10, "kill -9 of edge-hub")
def kill_edge_hub(world, random):
    kill_and_start(world, random, "edge-hub")


@kind("kill-again", 3, "kill -9 of selvage-hub or edge-hub, and again while it starts")
def kill_again(world, random):
    name = random.choice(["selvage-hub", "edge-hub"])
    for _ in range(random.randint(2, 4)):
        world.kill(name)
        world.start(name)
        world.work_for(random.uniform(0, 0.4))
    return name


@kind("kill-load", 6, "kill -9 of a device client")
def kill_load(world, random):
    name = random.choice(sorted(LOADS))
    kill_and_start(world, random, name)
    return name


@kind("kill-both", 4, "kill -9 of selvage-hub and edge-hub together")
def kill_both(world, random):
    kill_and_start(world, random, "selvage-hub", "edge-hub")


@kind("offline-kill", 5, "uplink cut, edge-hub killed while it stores, uplink back")
def offline_kill(world, random):
    world.links.cut("uplink")
    world.work_for(a_while(random, 0.8))
    kill_and_start(world, random, "edge-hub")
    world.work_for(a_while(random, 0.8))
    world.links.mend()


@kind("loss", 6, "5 to 40 % of a link's packets lost")
def loss(world, random):
    link, percent = random.choice(sorted(LINKS)), random.uniform(5, 40)
    world.links.set(link, loss=percent)
    world.work_for(a_while(random, 2.5))
    world.links.mend()
    return f"{link} {percent:.0f} %"


@kind("delay", 6, "delay up to 0.4 s, packets that overtake each other, duplicates")
def delay(world, random):
    link, milliseconds = random.choice(sorted(LINKS)), random.uniform(30, 400)
    world.links.set(link, delay=milliseconds, jitter=random.uniform(0, milliseconds), duplicate=random.uniform(0, 20),
                    loss=random.choice([0, 0, 3]))
    world.work_for(a_while(random, 2.5))
    world.links.mend()
    return f"{link} {milliseconds:.0f} ms"


@kind("cut", 7, "a link cut in both directions, without a word to either side")
def cut(world, random):
    link = random.choice(sorted(LINKS))
    world.links.cut(link)
    world.work_for(a_while(random, 2.5))
    world.links.mend()
    return link


@kind("one-way", 4, "a link cut in one direction")
def one_way(world, random):
    link, direction = random.choice(sorted(LINKS)), random.choice(["ab", "ba"])
    world.links.cut(link, direction)
    world.work_for(a_while(random, 2.5))
    world.links.mend()
    return f"{link} {direction}"


@kind("half-open", 5, "the far end killed and started while the link is cut: it knows nothing of the connections any more")
def half_open(world, random):
    link, name = random.choice([("uplink", "selvage-hub"), ("direct", "selvage-hub"), ("local", "edge-hub"),
                                ("uplink", "edge-hub")])
    world.links.cut(link)
    world.work_for(a_while(random, 0.4))
    kill_and_start(world, random, name)
    world.work_for(a_while(random, 0.8))
    world.links.mend()
    return f"{link} {name}"


@kind("address-change", 3, "the edge device's address changes; its connections stay, dead")
def address_change(world, random):
    world.links.change_edge_address()
    world.work_for(a_while(random))


@kind("disk-full-hub", 4, "the hub's file system full, then space again")
def disk_full_hub(world, random):
    return fill(world, random, "hub", "selvage-hub")


@kind("disk-full-edge", 4, "the edge hub's file system full, then space again")
def disk_full_edge(world, random):
    return fill(world, random, "edge", "edge-hub")


def fill(world, random, disk, name):
    variant = random.choice(["", "", "killed", "killed and started"])
    world.disks[disk].fill()
    world.work_for(a_while(random, 2))
    if variant:
        world.kill(name)
    if variant == "killed and started":
        # It may refuse to start on a full disk; it must not damage anything.
        world.start(name)
        world.work_for(a_while(random, 2))
    world.disks[disk].free()
    world.start(name)
    return variant


@kind("power-hub", 8, "power cut of the hub's machine: the disk keeps any part of what was not flushed")
def power_hub(world, random):
    return cut_power(world, random, "hub", "selvage-hub")


@kind("power-edge", 8, "power cut of the edge device: the disk keeps any part of what was not flushed")
def power_edge(world, random):
    return cut_power(world, random, "edge", "edge-hub")


def cut_power(world, random, disk, name):
    # A disk that takes its time has more under way when the power goes.
    world.disks[disk].slow(random.choice([0, 5, 20, 60, 300]))
    world.work_for(random.uniform(0.05, 0.5))
    what = world.disks[disk].cut(random.getrandbits(32))
    world.kill(name)
    world.disks[disk].slow(0)
    world.disks[disk].come_back()
    world.work_for(a_while(random, 0.5))
    world.start(name)
    return what


@kind("offline-power", 8, "uplink cut, power cut of the edge device while only its store has the messages, uplink back")
def offline_power(world, random):
    world.links.cut("uplink")
    world.work_for(a_while(random, 0.8))
    what = cut_power(world, random, "edge", "edge-hub")
    world.work_for(a_while(random, 0.5))
    world.links.mend()
    return what


@kind("power-full", 2, "power cut of either machine while its disk is full")
def power_full(world, random):
    disk, name = random.choice([("hub", "selvage-hub"), ("edge", "edge-hub")])
    world.disks[disk].fill()
    what = cut_power(world, random, disk, name) if random.random() < 0.5 else None
    if what is None:
        world.work_for(a_while(random))
        what = world.disks[disk].cut(random.getrandbits(32))
        world.kill(name)
        world.disks[disk].come_back()
    world.kill(name)
    world.disks[disk].free()
    world.start(name)
    return f"{disk} {what}"


@kind("slow-disk", 3, "each flush of a disk takes 50 to 300 ms longer")
def slow_disk(world, random):
    disk, milliseconds = random.choice(sorted(world.disks)), random.randint(50, 300)
    world.disks[disk].slow(milliseconds)
    world.work_for(a_while(random, 2))
    world.disks[disk].slow(0)
    return f"{disk} {milliseconds} ms"


@kind("stall", 4, "a process stopped for a while (SIGSTOP), then going on")
def stall(world, random):
    name = random.choice(["selvage-hub", "edge-hub", *sorted(LOADS)])
    child = world.programs[name].child
    child.send_signal(signal.SIGSTOP)
    try:
        # Not even the run may ask a stopped hub for events: it would wait with it.
        time.sleep(a_while(random, 2))
    finally:
        child.send_signal(signal.SIGCONT)
    return name


@kind("engine-kill", 1, "kill -9 of the Docker engine, started again (with an engine)")
def engine_kill(world, random):
    whole = world.with_engine()
    whole.engine.kill()
    world.work_for(a_while(random))
    whole.start_engine()
    whole.settle()


@kind("daemon-kill", 1, "kill -9 of selvaged, started again (with an engine)")
def daemon_kill(world, random):
    whole = world.with_engine()
    whole.daemon.kill()
    world.work_for(a_while(random))
    whole.daemon.start()
    whole.settle()


@kind("container-kill", 2, "kill -9 of edgeAgent, edgeHub or a module in its container (with an engine)")
def container_kill(world, random):
    whole = world.with_engine()
    name = random.choice(["edgeAgent", "edgeHub", "tempSensor"])
    whole.kill_container(name)
    whole.settle()
    return name


@kind("device-kill", 1, "kill -9 of the engine, selvaged and the agent together (with an engine)")
def device_kill(world, random):
    whole = world.with_engine()
    whole.kill_container("edgeAgent")
    whole.daemon.kill()
    whole.engine.kill()
    world.work_for(a_while(random))
    whole.start_engine()
    whole.daemon.start()
    whole.settle()


# Kinds that need a Docker engine and some time.
WITH_ENGINE = ["engine-kill", "daemon-kill", "container-kill", "device-kill"]


@kind("storm", 5, "a lossy uplink, and kill -9 of two at random")
def storm(world, random):
    world.links.set("uplink", delay=random.uniform(0, 100), jitter=50, loss=random.uniform(0, 25))
    for _ in range(2):
        kill_and_start(world, random, random.choice(sorted(world.programs)))
    world.links.mend()
