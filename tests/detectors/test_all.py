"""Laws that every rule owes, found in the engine's own list so that none escapes."""

import ast
import doctest
import inspect
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import detectors
from detectors.findings import Finding
from detectors.pings import NEVER, STATUSES, Fixes, make
from detectors.rounds import Rounds
from detectors.window import Detector, Window
from detectors.windows import Windows
from tests.detectors.watched import MINUTE, Ping, answer, blank, fix, lived, on, plans_of, stored
from tests.detectors.watched import detectors as detectors_of
from tests.factories import curfew, order, permit

KERNEL = Path(detectors.__file__).parent
ORDER = order(curfew=curfew(), permits=[permit("leave", on("23:00", 1), on("02:00", 2))])
SEEDS = (2, 3, 7, 10)

DETECTORS = tuple(type(of) for of in detectors_of())

each = pytest.mark.parametrize("rule", DETECTORS, ids=lambda rule: rule.name)
each_made = pytest.mark.parametrize("of", detectors_of(), ids=lambda of: of.name)
lives = pytest.mark.parametrize("seed", SEEDS)


class Course:
    """One row that lives a life, with every rule watching, step by step as the engine takes it."""

    def __init__(self, seed: int) -> None:
        self.rules = detectors_of()
        self.plans = plans_of(ORDER)
        self.rounds = Rounds(self.rules, self.plans)
        self.windows = Windows(self.rules)
        self.windows.add("lz-1")
        self.pings = lived(seed)
        first = np.array([self.pings[0][0]])
        self.window: Window = self.windows.checkout(np.array([0]), self.plans.placed(np.array([0]), first))

    def take(self, ping: Ping) -> list[Finding]:
        """One ping, and all that lies before it."""
        return self.rounds.run(self.window, make([ping]), np.array([0]), np.array([1]))

    def states(self) -> Iterator[Window]:
        """The row after each ping."""
        for ping in self.pings:
            self.take(ping)
            yield self.window

    def repack(self) -> None:
        """Through the bytes of the changelog and back."""
        self.windows.checkin(self.window)
        (_, packed), *_ = self.windows.take_dirty()
        self.rules = detectors_of()
        self.rounds = Rounds(self.rules, self.plans)
        self.windows = Windows(self.rules)
        self.windows.load(["lz-1"], [packed or b""], [])
        self.window = self.windows.checkout(np.array([0]), self.window.plan)


def fixes_of(window: Window, ping: Ping) -> Fixes:
    """One ping as a rule sees it."""
    part = make([ping])
    return Fixes(part, *window.plane(part["lon"], part["lat"]))


def same(one: Window, other: dict[str, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]]) -> bool:
    """True when all that the rules remember is equal, to the last bit."""
    return all(
        array.tobytes() == one[owner][name].tobytes() for owner, own in other.items() for name, array in own.items()
    )


def test_no_rule_escapes() -> None:
    """Every class of the kernel with the three verbs is in the list; only the protocol itself is not."""
    found = set()
    for path in KERNEL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                verbs = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                if verbs >= {"observe", "due", "fire"}:
                    found.add(node.name)
    assert found - {"Detector"} == {rule.__name__ for rule in DETECTORS}


def test_names_are_told_apart() -> None:
    """A rule's name is its owner in the row, its file, and the word on the topic."""
    assert len(DETECTORS) == len({rule.name for rule in DETECTORS})
    assert [rule.name for rule in DETECTORS] == [Path(inspect.getfile(rule)).stem for rule in DETECTORS]


@each
def test_members_stand_in_one_order(rule: type[Detector]) -> None:
    """Name, columns, observe, due, fire: whoever has read one rule finds the way in all."""
    tree = ast.parse(inspect.getsource(rule)).body[0]
    assert isinstance(tree, ast.ClassDef)
    members = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            members.append(node.name)
        elif isinstance(node, ast.Assign):
            members += [target.id for target in node.targets if isinstance(target, ast.Name)]
    wanted = ["name", "columns", "observe", "due", "fire"]
    assert wanted == [member for member in members if member in wanted]


@each
def test_the_docstring_says_what_and_when_and_shows_it(rule: type[Detector]) -> None:
    """What opens and closes, the trap, the delay, and an example that runs."""
    text = inspect.getdoc(rule) or ""
    assert "trap" in text
    assert "delay" in text
    assert doctest.DocTestParser().get_examples(text)


@each
def test_a_rule_is_a_file_of_45_to_140_lines(rule: type[Detector]) -> None:
    """Longer ones hold more than one idea."""
    assert len(Path(inspect.getfile(rule)).read_text("utf-8").splitlines()) in range(45, 141)


@each_made
def test_a_row_begins_as_zeros(of: Detector) -> None:
    """A fresh row is never due, time alone changes nothing of it, and no edge makes it speak."""
    window = blank()
    before = stored(window)
    assert [NEVER] == of.due(window).tolist()
    assert [] == of.fire(window, np.array([on("12:00")]))
    assert same(window, before)
    for flags in (0xFF, 0):
        window.plan["flags"][:], window.plan["turned"][:] = flags, 0xFF
        assert [] == of.fire(window, np.array([on("12:00")]))
        assert [NEVER] == of.due(window).tolist()


@each_made
@lives
def test_what_is_no_ping_of_the_phone_says_nothing(of: Detector, seed: int) -> None:
    """A wristband finds nothing and changes nothing, in whatever state the row is."""
    for window in Course(seed).states():
        before = stored(window)
        band = answer(on("12:00", 9), STATUSES[int(window["core"]["newest_ms"][0]) % len(STATUSES)], phone=128)
        assert [] == of.observe(window, fixes_of(window, band))
        assert [] == of.observe(window, fixes_of(window, fix(on("12:00", 9), 900, phone=129)))
        assert same(window, before)


@each_made
@lives
def test_inputs_are_left_as_they_are(of: Detector, seed: int) -> None:
    """Pings, their times, the rows, the plan and the moment belong to the caller."""
    course = Course(seed)
    for window, ping in zip(course.states(), course.pings, strict=True):
        fixes = fixes_of(window, ping)
        now_ms = of.due(window).clip(max=ping[0])
        given = [fixes.pings, fixes.time_ms, fixes.x_m, fixes.y_m, fixes.contact, window.rows, now_ms]
        given += window.plan.values()
        before = [array.tobytes() for array in given]
        part = window.take(np.array([0]))
        of.observe(part, fixes)
        of.due(part)
        of.fire(part, now_ms)
        assert before == [array.tobytes() for array in given]
        assert [array.tobytes() for array in window.plan.values()] == [a.tobytes() for a in part.plan.values()]


@each_made
@lives
def test_asking_when_it_is_due_changes_nothing(of: Detector, seed: int) -> None:
    """And gives whole ms, one for each row."""
    for window in Course(seed).states():
        before = stored(window)
        due = of.due(window)
        assert ((1,), np.dtype(np.int64)) == (due.shape, due.dtype)
        assert same(window, before)


@lives
def test_a_deadline_that_fired_is_over(seed: int) -> None:
    """After it no rule is due at or before that moment again, so that silence cannot turn in circles."""
    course = Course(seed)
    for window in course.states():
        part = window.take(np.array([0]))
        part.plan["turned"][:] = 0
        for rule in course.rules:
            moment = np.maximum(rule.due(part), part["core"]["newest_ms"])
            while moment[0] != NEVER:
                rule.fire(part, moment)
                later = rule.due(part)
                assert later[0] > moment[0]
                moment = later


@lives
def test_after_time_has_passed_nothing_is_due_before_it(seed: int) -> None:
    """Whatever the row went through, every rule's next deadline lies behind the time that has passed."""
    course = Course(seed)
    for window in course.states():
        until_ms = window["core"]["newest_ms"] + 70 * MINUTE
        part = window.take(np.array([0]))
        course.rounds.pass_time(part, until_ms, silence=True)
        assert until_ms[0] < min([part.plan["change_ms"][0], *(rule.due(part)[0] for rule in course.rules)])


@lives
def test_packing_in_between_changes_nothing(seed: int) -> None:
    """All state is in the columns: through their bytes after every ping, a row finds the same and stays the same."""
    one, other = Course(seed), Course(seed)
    for ping in one.pings:
        assert one.take(ping) == other.take(ping)
        other.repack()
    assert same(one.window, stored(other.window))


@lives
def test_rows_side_by_side_do_not_see_each_other(seed: int) -> None:
    """The same person among strangers finds what it finds alone."""
    alone, among = Course(seed), Rounds(detectors_of(), plans_of(*[ORDER] * 3))
    people = [lived(seed), lived(seed + 100), lived(seed + 200)]
    expected = [step for ping in people[0] for step in alone.take(ping)]
    windows = Windows(among.detectors)
    for number in range(3):
        windows.add(f"lz-{number}")
    people.sort(key=len, reverse=True)
    row, counts = people.index(lived(seed)), np.array([len(pings) for pings in people])
    first = np.array([pings[0][0] for pings in people])
    window = windows.checkout(np.arange(3), among.plans.placed(np.arange(3), first))
    found = among.run(window, make([p for pings in people for p in pings]), np.cumsum(counts) - counts, counts)
    assert expected == [step._replace(row=0) for step in found if step.row == row]


@lives
def test_lives_are_rich_enough(seed: int) -> None:
    """The laws above are about rows to which something happens."""
    course = Course(seed)
    found = [step for ping in course.pings for step in course.take(ping)]
    assert {("gap", "opened"), ("gap", "closed")} <= {(step.rule, step.phase) for step in found}
    assert len(found) > 10


def test_together_the_lives_meet_every_rule_and_class() -> None:
    """Whatever the rules can say was said by one of them."""
    found = {
        (step.rule, step.subject, step.kind)
        for seed in SEEDS
        for course in [Course(seed)]
        for ping in course.pings
        for step in course.take(ping)
    }
    assert {
        ("gap", "contact", "gap"),
        ("gap", "contact", "overdue"),
        ("curfew", "residence", "left"),
        ("curfew", "residence", "late"),
    } <= found
