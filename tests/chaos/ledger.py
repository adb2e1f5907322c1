"""What was promised and what came: the senders' journals against the hub's event log.

Checked all the time: nothing in the event log that was not sent (id, number and body), first occurrences of a sender are
1, 2, 3, … without a gap (so order holds and nothing is missing in between), an offset of the event log always names the same
event. Checked by wait: everything acknowledged is there, twins agree on both sides, C2D messages arrive in order of sending.

A repeat is a number that had arrived before. At-least-once allows it after a fault: the sender or the edge hub could not know
that it had arrived. Repeats are counted; without a fault there must be none.
"""
import base64
import collections
import json

from service_api import Unavailable

PADDING_MAX, BIG_PADDING_MAX = 700, 60_000
MULTIPLIER = 2_654_435_761
REMEMBERED = 20_000


def expected_body(identity, number):
    most = BIG_PADDING_MAX if identity.endswith("-big") else PADDING_MAX
    padding = "x" * (number * MULTIPLIER % (1 << 64) % most)
    return f'{{"id":"{identity}","n":{number},"padding":"{padding}"}}'.encode()


class Account:
    """One sender."""

    def __init__(self, identity):
        self.identity = identity
        self.sent = 0                  # the highest number that was on its way
        self.attempts = 0
        self.acknowledged = 0          # all up to here
        self.beyond = set()
        self.acknowledgements = 0      # since the run's begin
        self.arrived = 0               # all up to here
        self.repeats = 0
        self.connected = False
        self.desired = 0               # what the device knows, what it has reported, what the back end wants
        self.reported = 0
        self.wanted = 0
        self.pending = None            # wanted, and not yet taken by the hub
        self.c2d_sent = []
        self.c2d_maybe = set()         # the hub's answer did not come: may arrive, need not
        self.c2d_seen = 0              # how many of c2d_sent came, in order
        self.c2d_repeats = 0

    def acknowledge(self, number):
        self.acknowledgements += 1
        if number > self.acknowledged:
            self.beyond.add(number)
            while self.acknowledged + 1 in self.beyond:
                self.acknowledged += 1
                self.beyond.discard(self.acknowledged)

    def highest_acknowledged(self):
        return max(self.beyond, default=self.acknowledged)


class Journal:
    """The tail of one load program's journal."""

    def __init__(self, path, accounts, found):
        self.path, self.accounts, self.found = path, accounts, found
        self.at = 0

    def read(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.at)
                text = file.read()
        except FileNotFoundError:
            return
        end = text.rfind(b"\n") + 1
        self.at += end
        for line in text[:end].decode().splitlines():
            kind, identity, value = line.split(" ", 2)
            self.take(kind, self.accounts[identity], value)

    def take(self, kind, account, value):
        if kind == "S":
            account.attempts += 1
            account.sent = max(account.sent, int(value))
        elif kind == "A":
            account.acknowledge(int(value))
        elif kind == "L":
            account.connected = value == "1"
        elif kind == "D":
            account.desired = int(value)
        elif kind == "P":
            account.reported = int(value)
        elif kind == "C":
            self.take_c2d(account, value)

    def take_c2d(self, account, text):
        sent = account.c2d_sent
        if text in sent[:account.c2d_seen]:
            account.c2d_repeats += 1
            return
        at = account.c2d_seen
        # Those whose sending was not answered need not come; the others come in order.
        while at < len(sent) and sent[at] != text and sent[at] in account.c2d_maybe:
            at += 1
        if at == len(sent) or sent[at] != text:
            self.found(f"{account.identity} got the C2D message {text!r} when it was not its turn, or was never sent")
            return
        account.c2d_seen = at + 1


class Ledger:
    def __init__(self, api):
        self.api = api
        self.accounts = {}
        self.journals = []
        self.findings = []
        self.offsets = collections.defaultdict(int)       # partition: the next event to read
        self.remembered = collections.OrderedDict()       # (partition, offset): (identity, number)
        self.arrivals = 0
        self.sensor = None                                # whole.py puts its book here

    def found(self, text):
        if text not in self.findings:
            self.findings.append(text)

    def add(self, path, identities):
        for identity in identities:
            self.accounts[identity] = Account(identity)
        self.journals.append(Journal(path, self.accounts, self.found))

    def read_journals(self):
        for journal in self.journals:
            journal.read()

    def read(self):
        """What is new on both sides. An absent hub is no finding: the waits notice."""
        try:
            for at in self.api.partitions():
                self.read_partition(at["partition"], at["end"])
        except Unavailable:
            pass
        self.read_journals()

    def read_partition(self, partition, end):
        if end < self.offsets[partition]:
            self.found(f"partition {partition} ends at {end}, but events up to {self.offsets[partition]} had been shown")
            self.offsets[partition] = end
        while self.offsets[partition] < end:
            events, after = self.api.events(partition, self.offsets[partition])
            # The senders wrote their lines before they sent.
            self.read_journals()
            for event in events:
                self.take_event(event)
            if after <= self.offsets[partition]:
                break
            self.offsets[partition] = after

    def take_event(self, event):
        system = event["systemProperties"]
        identity = system["iothub-connection-device-id"]
        if module := system.get("iothub-connection-module-id"):
            identity += "/" + module
        if self.sensor and module == "tempSensor":
            self.sensor.take(event)
        account = self.accounts.get(identity)
        if account is None:
            return
        body = base64.b64decode(event["body"])
        try:
            number = json.loads(body)["n"]
        except (ValueError, KeyError):
            number = -1
        key = (event["partition"], event["offset"])
        before = self.remembered.setdefault(key, (identity, number))
        if before != (identity, number):
            self.found(f"offset {key} was {before} and is now {(identity, number)}")
        if len(self.remembered) > REMEMBERED:
            self.remembered.popitem(last=False)
        self.arrivals += 1
        if not 1 <= number <= account.sent or body != expected_body(identity, number):
            self.found(f"{identity}: an event with number {number} was never sent (highest sent: {account.sent}): {body[:80]!r}")
        elif number > account.arrived + 1:
            self.found(f"{identity}: {number} came after {account.arrived}: {number - account.arrived - 1} missing or out of order")
            account.arrived = number
        elif number <= account.arrived:
            account.repeats += 1
        else:
            account.arrived = number

    def check_again(self, how_many):
        """The last events once more from the hub: after a crash they must be the same."""
        for at in self.api.partitions():
            partition = at["partition"]
            offset = max(at["first"], min(self.offsets[partition], at["end"]) - how_many)
            while offset < self.offsets[partition]:
                events, after = self.api.events(partition, offset)
                for event in events:
                    self.compare(event)
                if after <= offset:
                    break
                offset = after

    def compare(self, event):
        key = (event["partition"], event["offset"])
        system = event["systemProperties"]
        identity = "/".join(filter(None, (system["iothub-connection-device-id"], system.get("iothub-connection-module-id"))))
        before = self.remembered.get(key)
        if before is None or identity not in self.accounts:
            return
        now = (identity, json.loads(base64.b64decode(event["body"]))["n"])
        if now != before:
            self.found(f"offset {key} was {before} and is now {now}")

    # What the run waits for.

    def marks(self):
        """How far acknowledgements are."""
        return {identity: account.highest_acknowledged() for identity, account in self.accounts.items()}

    def missing(self, marks):
        """Sentences about what has not come yet of what was acknowledged."""
        return [f"{identity}: acknowledged {mark}, arrived {self.accounts[identity].arrived}" for identity, mark in marks.items()
                if self.accounts[identity].arrived < mark]

    def not_sending(self, since):
        return [f"{identity}: nothing acknowledged since the fault ended (connected: {account.connected})"
                for identity, account in self.accounts.items() if account.acknowledgements <= since[identity]]

    def twins_apart(self):
        return [f"{identity}: wanted n={account.wanted}, knows {account.desired}, reported {account.reported}"
                for identity, account in self.accounts.items()
                if account.wanted and not account.wanted == account.desired == account.reported]

    def c2d_missing(self):
        return [f"{identity}: C2D {text} has not come" for identity, account in self.accounts.items()
                for text in account.c2d_sent[account.c2d_seen:] if text not in account.c2d_maybe]

    def totals(self):
        accounts = self.accounts.values()
        return {"sent": sum(one.sent for one in accounts), "attempts": sum(one.attempts for one in accounts),
                "acknowledged": sum(one.acknowledged + len(one.beyond) for one in accounts),
                "arrived": sum(one.arrived for one in accounts), "repeats": sum(one.repeats for one in accounts),
                "c2d_sent": sum(len(one.c2d_sent) - len(one.c2d_maybe) for one in accounts),
                "c2d_arrived": sum(one.c2d_seen for one in accounts), "c2d_repeats": sum(one.c2d_repeats for one in accounts)}
