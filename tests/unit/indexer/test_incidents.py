"""When a service counts as in trouble: decided from what is seen, with a clock of our own."""

from indexer.notifying.incidents import Change, Incidents


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_trouble_is_told_once_when_it_has_lasted_and_so_is_its_end() -> None:
    clock = Clock()
    incidents = Incidents(30, clock)
    told = []
    for seconds, reason in [(0, None), (10, "away"), (30, "away"), (45, "away"), (60, "red"), (70, None), (110, None)]:
        clock.seconds = seconds
        told += [(seconds, change) for change in incidents.look({"elasticsearch": reason})]
    assert told == [(45, Change("elasticsearch", "away")), (110, Change("elasticsearch", None))]


def test_a_hiccup_is_not_told_in_either_direction() -> None:
    clock = Clock()
    incidents = Incidents(30, clock)
    seen = ["away", None, "away", None]
    for reason in seen:
        clock.seconds += 20
        assert incidents.look({"redis": reason}) == []
    for _ in range(3):
        clock.seconds += 20
        changes = incidents.look({"redis": "away"})
    assert changes == [Change("redis", "away")]
    for reason in (None, "away", None, "away"):
        clock.seconds += 20
        assert incidents.look({"redis": reason}) == []


def test_services_are_told_of_by_themselves_and_one_that_cannot_be_asked_stays_as_it_was() -> None:
    clock = Clock()
    incidents = Incidents(0, clock)
    assert incidents.look({"redis": "away", "worker": "silent"}) == [
        Change("redis", "away"),
        Change("worker", "silent"),
    ]
    assert incidents.look({"redis": "away"}) == []
    assert incidents.look({"redis": None, "worker": "silent"}) == [Change("redis", None)]
