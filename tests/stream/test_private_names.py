"""The names of aiokafka and Faust that delivery leans on, though nobody promised them."""

import ast
import importlib
import inspect
import textwrap
from importlib.metadata import version

import pytest

from stream.private_names import PRIVATE_NAMES

PINNED = {"aiokafka": "0.14.0", "faust-streaming": "0.15.3"}


def attributes(kind: type) -> set[str]:
    """Give the names that objects of a class set on themselves or declare, those of its bases included."""
    found: set[str] = set()
    for base in kind.__mro__[:-1]:
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                found.add(node.attr)
    return found


@pytest.mark.parametrize("name", PRIVATE_NAMES)
def test_is_still_there(name: str) -> None:
    """Expected: the name exists; when it does not, `stream/transport.py` or `stream/columns.py` must be read again."""
    module, _, rest = name.partition(":")
    owner, mark, attribute = rest.partition("#") if "#" in rest else rest.partition(".")
    kind = getattr(importlib.import_module(module), owner)
    there = attribute in attributes(kind) if mark == "#" else hasattr(kind, attribute)
    assert there, f"{name} is gone: delivery leans on it, see stream/transport.py and stream/columns.py"


@pytest.mark.parametrize("package", PINNED)
def test_is_the_pinned_version(package: str) -> None:
    """Expected: the versions that delivery was written against; another one needs its private names read again."""
    assert PINNED[package] == version(package)
