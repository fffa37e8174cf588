"""Faults of every kind in the middle of imports: afterwards every file is accounted for exactly once.

In its short form each fault happens once, while a batch of some hundred files is being imported. With `--faults` the
same goes on over 100,000 files with a fault every few seconds; a table says what happened.
"""

import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from indexer.status import StatusUnavailableError
from tests.faults.accounting import all_done, faults_of
from tests.faults.deliveries import Deliveries
from tests.faults.stack import FAKETIME, FaultyStack, faulty_stack
from tests.processes import wait_for

Fault = Callable[[FaultyStack, random.Random], object]


def planned(*answers: int | str) -> Fault:
    return lambda stack, chance: stack.proxy.faults.extend(answers)


FAULTS: Mapping[str, Fault] = {
    "worker killed": lambda stack, chance: stack.kill_worker(chance.randrange(2)),
    "worker told to end": lambda stack, chance: stack.kill_worker(chance.randrange(2), signal.SIGTERM),
    "process of a worker killed": lambda stack, chance: stack.kill_child_of_worker(chance.randrange(2)),
    "worker frozen beyond its lease": lambda stack, chance: stack.freeze_worker(chance.randrange(2), 5),
    "watcher killed": lambda stack, chance: stack.kill_watcher(),
    "Redis killed": lambda stack, chance: stack.kill_redis(away=1),
    "Redis killed and its last second lost": lambda stack, chance: stack.lose_last_second(),
    "queue lost": lambda stack, chance: stack.forget_queue(),
    "tasks delivered twice": lambda stack, chance: stack.repeat_queue(),
    "Elasticsearch killed": lambda stack, chance: stack.kill_elasticsearch(away=1),
    "index read-only": lambda stack, chance: stack.block_writes(3),
    "Elasticsearch overloaded": planned(429, 429, 429),
    "Elasticsearch answers 503": planned(503, 502, 504),
    "connections closed": planned("close", "close"),
    "answers lost": planned("lose", "lose"),
    "Elasticsearch slow": planned("slow", "slow"),
    "request too large": planned(413),
    "clock a day ahead": lambda stack, chance: stack.set_clock("+1d"),
    "clock an hour behind": lambda stack, chance: stack.set_clock("-1h"),
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that Elasticsearch's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="dicomsearch-faults-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def faults() -> dict[str, Fault]:
    """Those that can be caused on this machine."""
    return {name: fault for name, fault in FAULTS.items() if FAKETIME.exists() or not name.startswith("clock")}


def work_goes_on(stack: FaultyStack) -> bool:
    """Whether images are being indexed right now."""
    try:
        return any(batch.counts.processing for batch in stack.store.batches(0, 1_000).results)
    except StatusUnavailableError:
        return False


def settled(stack: FaultyStack, deliveries: Deliveries) -> Callable[[], bool]:
    def check() -> bool:
        stack.keep_running()
        try:
            return all_done(stack, deliveries.delivered)
        except StatusUnavailableError:
            return False

    return check


@pytest.mark.timeout(900)
def test_every_file_is_accounted_for_once_after_each_kind_of_fault(home: Path) -> None:
    chance = random.Random(20)
    with faulty_stack(home) as stack:
        deliveries = Deliveries(stack.settings.incoming_folder)
        # Redis forgets a whole batch, its tasks included.
        stack.remember_redis()
        deliveries.deliver("FORGOTTEN", 150)
        wait_for(lambda: work_goes_on(stack), 60)
        stack.kill_redis(away=0.5, as_remembered=True)
        assert stack.store.batch("FORGOTTEN") is None
        names = sorted(faults())
        chance.shuffle(names)
        for number, name in enumerate(names):
            deliveries.deliver(f"CASE-{number:02}", 150)
            wait_for(lambda: work_goes_on(stack), 60)
            stack.keep_running()
            stack.set_clock("")
            faults()[name](stack, chance)
        wait_for(settled(stack, deliveries), 300)
        assert "\n".join(faults_of(stack, deliveries.delivered)) == ""


@pytest.mark.timeout(7_200)
def test_100_000_files_are_accounted_for_once_with_a_fault_every_few_seconds(
    home: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    if not request.config.getoption("--faults"):
        pytest.skip("run with --faults: 100,000 files take some ten minutes")
    chance = random.Random(time.time_ns())
    happened: Counter[str] = Counter()
    with faulty_stack(home) as stack:
        deliveries = Deliveries(stack.settings.incoming_folder)
        began = time.monotonic()
        for number in range(50):
            deliveries.deliver(f"CASE-{number:02}", 1_995)
        while not settled(stack, deliveries)():
            name = chance.choice(sorted(faults()))
            stack.keep_running()
            stack.set_clock("")
            faults()[name](stack, chance)
            happened[name] += 1
            time.sleep(chance.uniform(1, 4))
            if time.monotonic() - began > 3_000:
                break  # from here on without faults
        wait_for(settled(stack, deliveries), 1_800)
        seconds = time.monotonic() - began
        found = faults_of(stack, deliveries.delivered)
    table = [f"{times:5}  {name}" for name, times in sorted(happened.items())]
    table.append(f"{deliveries.delivered.files:,} files, {sum(happened.values())} faults, {seconds:,.0f} s")
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(table) + "\n")
    assert found == []
