"""The ledger must find what it is there to find."""
import base64
import pathlib
import tempfile
import unittest

from ledger import Ledger, expected_body


class FakeHub:
    """A hub's event log that a test writes."""

    def __init__(self):
        self.log = []

    def add(self, identity, number, body=None):
        system = dict(zip(("iothub-connection-device-id", "iothub-connection-module-id"), identity.split("/")))
        self.log.append({"partition": 0, "offset": len(self.log), "properties": {}, "systemProperties": system,
                         "body": base64.b64encode(body or expected_body(identity, number)).decode()})

    def partitions(self):
        return [{"partition": 0, "first": 0, "end": len(self.log)}]

    def events(self, _, offset):
        return self.log[offset:], len(self.log)


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.journal = pathlib.Path(self.folder.name) / "journal"
        self.hub = FakeHub()
        self.ledger = Ledger(self.hub)
        self.ledger.add(self.journal, ["d", "e/m"])

    def say(self, *lines):
        with open(self.journal, "a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)

    def found_after(self, *events):
        for event in events:
            self.hub.add(*event)
        self.ledger.read()
        return self.ledger.findings

    def test_a_sound_run_has_no_findings(self):
        self.say("L d 1", "S d 1", "A d 1", "S d 2", "S d 2", "A d 2", "S e/m 1", "A e/m 1")
        self.assertEqual(self.found_after(("d", 1), ("d", 1), ("e/m", 1), ("d", 2)), [])
        self.assertEqual(self.ledger.missing(self.ledger.marks()), [])
        self.assertEqual(self.ledger.totals()["repeats"], 1)

    def test_what_was_acknowledged_and_has_not_come_is_missing(self):
        self.say("S d 1", "S d 2", "A d 1", "A d 2")
        self.assertEqual(self.found_after(("d", 1)), [])
        self.assertEqual(self.ledger.missing(self.ledger.marks()), ["d: acknowledged 2, arrived 1"])

    def test_a_gap_is_found(self):
        self.say("S d 1", "S d 2", "S d 3")
        self.assertIn("1 missing or out of order", self.found_after(("d", 1), ("d", 3), ("d", 2))[0])

    def test_an_event_that_nobody_sent_is_found(self):
        self.say("S d 1")
        self.assertIn("was never sent", self.found_after(("d", 2))[0])

    def test_a_body_that_nobody_sent_is_found(self):
        self.say("S d 1")
        self.assertIn("was never sent", self.found_after(("d", 1, b'{"id":"d","n":1,"padding":"y"}'))[0])

    def test_an_event_log_that_became_shorter_is_found(self):
        self.say("S d 1", "S d 2")
        self.assertEqual(self.found_after(("d", 1), ("d", 2)), [])
        del self.hub.log[1:]
        self.ledger.read()
        self.assertIn("had been shown", self.ledger.findings[0])

    def test_another_event_under_an_old_offset_is_found(self):
        self.say("S d 1", "S e/m 1")
        self.found_after(("d", 1), ("e/m", 1))
        self.hub.log[0], self.hub.log[1] = ({**self.hub.log[1], "offset": 0}, {**self.hub.log[0], "offset": 1})
        self.hub.events = lambda _, offset, most=0: (self.hub.log[offset:], 2)
        self.ledger.check_again(10)
        self.assertEqual(len(self.ledger.findings), 2)

    def test_c2d_messages_come_in_order_and_none_is_invented(self):
        account = self.ledger.accounts["d"]
        account.c2d_sent += ["a", "perhaps", "b", "c"]
        account.c2d_maybe.add("perhaps")
        self.say("C d a", "C d a", "C d b")
        self.ledger.read_journals()
        self.assertEqual(self.ledger.findings, [])
        self.assertEqual((account.c2d_repeats, self.ledger.c2d_missing()), (1, ["d: C2D c has not come"]))
        self.say("C d never")
        self.ledger.read_journals()
        self.assertIn("not its turn", self.ledger.findings[0])

    def test_twins_are_apart_until_the_device_knows_and_has_reported(self):
        self.ledger.accounts["d"].wanted = 4
        self.say("D d 4")
        self.ledger.read_journals()
        self.assertEqual(len(self.ledger.twins_apart()), 1)
        self.say("P d 4")
        self.ledger.read_journals()
        self.assertEqual(self.ledger.twins_apart(), [])


if __name__ == "__main__":
    unittest.main()
