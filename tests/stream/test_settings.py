"""Settings: defaults, bounds, and what an operator reads when a value is wrong."""

import pytest

from schemas.errors import BadConfiguration
from stream import settings as module
from stream.settings import Settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"VIGIL_{name}".upper(), raising=False)


def test_empty_environment_is_enough() -> None:
    """Every setting has a default, so that a first run needs none."""
    settings = load_settings()

    assert "wall" == settings.clock
    assert 16 == settings.partitions
    assert "127.0.0.1" == settings.http_host


def test_variable_sets_the_field_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """`VIGIL_` and the field's name in capitals is the variable."""
    monkeypatch.setenv("VIGIL_HTTP_PORT", "0")
    monkeypatch.setenv("VIGIL_CLOCK", "feed")

    assert (0, "feed") == (load_settings().http_port, load_settings().clock)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIGIL_HTTP_PORT", "70000"),
        ("VIGIL_CLOCK", "sundial"),
        ("VIGIL_SETTLE_S", "soon"),
        ("VIGIL_SETTLE_S", "nan"),
        ("VIGIL_PARTITIONS", "0"),
        ("VIGIL_SESSION_TIMEOUT_S", "1"),
        ("VIGIL_GROUP", "two words"),
        ("VIGIL_KAFKA_BOOTSTRAP", "kafka"),
        ("VIGIL_KAFKA_BOOTSTRAP", "kafka:9092, "),
        ("VIGIL_ALERT_SOURCE", "广西"),
        ("VIGIL_STRUCTURED_ALERTS", "perhaps"),
    ],
)
def test_bad_value_names_variable_and_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The message starts with the variable and repeats what stood in it."""
    monkeypatch.setenv(name, value)

    with pytest.raises(BadConfiguration, match=f"^{name}: .*{value}.* is refused: ."):
        load_settings()


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two mistakes are one message, not two attempts."""
    monkeypatch.setenv("VIGIL_HTTP_PORT", "x")
    monkeypatch.setenv("VIGIL_FLUSH_S", "y")

    with pytest.raises(BadConfiguration, match=r"^VIGIL_FLUSH_S: .*; VIGIL_HTTP_PORT: "):
        load_settings()


def test_address_comes_from_the_started_broker(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without a variable, the file that the broker's start script wrote gives the address."""
    written = tmp_path_factory.mktemp("kafka") / "bootstrap"
    written.write_text("127.0.0.1:29092\n", encoding="utf-8")
    monkeypatch.setattr(module, "BOOTSTRAP_FILE", written)

    assert "127.0.0.1:29092" == load_settings().bootstrap


def test_variable_wins_over_the_started_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that somebody set is used, whatever runs beside it."""
    monkeypatch.setenv("VIGIL_KAFKA_BOOTSTRAP", "kafka.example:9092")

    assert "kafka.example:9092" == load_settings().bootstrap


def test_no_address_says_both_ways_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without any address the message names the variable and the command that starts a broker."""
    monkeypatch.setattr(module, "BOOTSTRAP_FILE", tmp_path_factory.mktemp("none") / "bootstrap")

    with pytest.raises(BadConfiguration, match=r"^VIGIL_KAFKA_BOOTSTRAP: .*make kafka-up"):
        _ = load_settings().bootstrap


def test_future_is_judged_against_the_clock_in_use() -> None:
    """Two minutes ahead of the wall clock, a month ahead of the feed's."""
    assert 120_000 == Settings(clock="wall").future_ms
    assert 31 * 86_400_000 == Settings(clock="feed").future_ms


def test_misspelt_variable_is_found() -> None:
    """A `VIGIL_` variable that sets nothing is named; others of the environment are nobody's business."""
    assert ["VIGIL_SETLE_S"] == unknown_variables({"VIGIL_SETLE_S": "1", "VIGIL_SETTLE_S": "1", "HOME": "/root"})
