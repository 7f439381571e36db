"""What the tree promises about itself, read from its sources."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "geofence", "detectors", "stream")
"""Each may import those before it, and no other."""

PURE = ("geofence", "detectors")
IMPURE = {
    "aiokafka",
    "asyncio",
    "faust",
    "io",
    "kafka",
    "logging",
    "os",
    "pathlib",
    "prometheus_client",
    "shutil",
    "socket",
    "structlog",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
}
CLOCKS = {"now", "today", "utcnow"}
FENCE_FILE = "geofence/fences.py"
"""Reads the file it is given, once, before anything runs; it is the only one."""

GUARDS = {
    "stream/agent.py": 2,  # a record or a tick that failed has left rows half done
}
"""The places that catch everything, and how many a file has. Each poisons the worker and lets nothing go on."""

VAGUE = {"base_utils", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[str]:
    """Every Python file below these folders, by its path in the tree."""
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def parsed(path: str) -> ast.Module:
    """The syntax of one file."""
    return ast.parse((ROOT / path).read_text("utf-8"))


def imported(path: str) -> set[str]:
    """Top packages that a file imports, inside functions and for types alone too."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            names.add((node.module or "").partition(".")[0])
    return names


def functions(path: str) -> Iterator[Function]:
    """Every function of a file, nested ones too."""
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public classes and functions, and the public members of such classes; overridden ones of Python left out."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def catches_all(handler: ast.ExceptHandler) -> bool:
    """True for a bare except, and for one that names Exception or BaseException."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)


def raises_again(handler: ast.ExceptHandler) -> bool:
    """True when the handler ends by raising what it caught: it tidies up and stops nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def poisons(handler: ast.ExceptHandler) -> bool:
    """True when the handler calls `poison` with what it caught."""
    calls = [node for node in ast.walk(handler) if isinstance(node, ast.Call)]
    return any(ast.unparse(call).endswith(f".poison({handler.name})") for call in calls)


@pytest.mark.parametrize("path", sources(*PACKAGES))
def test_imports_run_one_way(path: str) -> None:
    """No package imports one that stands after it: schemas, geofence, detectors, stream."""
    package = path.partition("/")[0]
    assert set() == imported(path) & set(PACKAGES[PACKAGES.index(package) + 1 :])
    assert "tests" not in imported(path)


@pytest.mark.parametrize("path", sources(*PURE))
def test_the_kernel_is_pure(path: str) -> None:
    """No Kafka, clock, logger, metric, file, or loop: time and pings are arguments, findings are results."""
    allowed = {"pathlib"} if path == FENCE_FILE else set()
    assert set() == (imported(path) & IMPURE) - allowed


@pytest.mark.parametrize("path", sources(*PURE))
def test_the_kernel_opens_nothing_and_asks_no_clock(path: str) -> None:
    """Neither open() nor print() nor input(), and no now()."""
    called = [node.func for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    names = {func.id for func in called if isinstance(func, ast.Name)}
    methods = {func.attr for func in called if isinstance(func, ast.Attribute)}
    assert set() == names & {"open", "print", "input", "exec", "eval", "__import__"}
    assert set() == methods & CLOCKS


@pytest.mark.parametrize("path", sources(*PACKAGES, "tests"))
def test_no_module_has_a_vague_name(path: str) -> None:
    """A name that fits everything collects everything."""
    assert set() == {part.removesuffix(".py") for part in path.split("/")} & VAGUE


@pytest.mark.parametrize("path", sources(*PACKAGES))
def test_what_catches_everything_poisons_the_worker(path: str) -> None:
    """In the places that are listed, and nowhere else; other handlers name what they catch, or raise it again."""
    handlers = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ExceptHandler) and catches_all(node)]
    guards = [handler for handler in handlers if not raises_again(handler)]
    assert GUARDS.get(path, 0) == len(guards)
    assert [] == [guard.lineno for guard in guards if not poisons(guard)]


@pytest.mark.parametrize("path", sources(*PACKAGES, "tests"))
def test_files_and_functions_can_be_read_at_once(path: str) -> None:
    """At most 400 lines a file, 60 a function."""
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= LONGEST_FILE
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions(path)}
    assert {} == {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


@pytest.mark.parametrize("path", [path for path in sources("tests") if Path(path).name.startswith("test_")])
def test_every_test_says_which_behaviour_it_holds(path: str) -> None:
    """In its docstring."""
    tests = [function for function in functions(path) if function.name.startswith("test_")]
    assert [] == [test.name for test in tests if not ast.get_docstring(test)]


@pytest.mark.parametrize("path", sources(*PACKAGES))
def test_everything_public_is_documented(path: str) -> None:
    """Modules, classes, functions and methods."""
    tree = parsed(path)
    if tree.body:
        assert ast.get_docstring(tree)
    assert [] == [node.name for node in public(tree.body) if not ast.get_docstring(node)]
