"""
The command line: `vigil VERB`.

Exit codes: 0 all well, 1 failed at work, 2 bad configuration or usage, 3 no broker, 4 not found, 70 a worker that ended
itself. What went wrong is one line on standard error that begins with the file, variable or topic to look at.
"""
# ruff: noqa: PLC0415  # Kafka, NumPy and Faust take a second to load: each verb loads what it needs, --help nothing

import contextlib
import json
import logging
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from schemas.errors import BadConfiguration, Unavailable, VigilError
from stream import __version__
from stream.settings import PREFIX, Settings, load_settings, unknown_variables

FAILED: Final = 1
MISCONFIGURED: Final = 2
NO_BROKER: Final = 3
NOT_FOUND: Final = 4
FIRST_DAY: Final = datetime(2026, 3, 2)  # noqa: DTZ001 - a day, whose midnight is that of Shanghai

app = typer.Typer(
    name="vigil",
    help="Watch the location pings of people under supervision, and say when a human should look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
topics_app = typer.Typer(no_args_is_help=True, help="Create and show the topics.", rich_markup_mode=None)
orders_app = typer.Typer(no_args_is_help=True, help="Send orders.", rich_markup_mode=None)
app.add_typer(topics_app, name="topics")
app.add_typer(orders_app, name="orders")

AsJson = Annotated[bool, typer.Option("--json", help="JSON in place of text.")]


def main() -> None:
    """Run the command line and end with its exit code."""
    try:
        app()
    except BadConfiguration as error:
        _fail(error, MISCONFIGURED)
    except Unavailable as error:
        _fail(error, NO_BROKER)
    except VigilError as error:
        _fail(error, FAILED)


@app.callback(invoke_without_command=True)
def about(version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False) -> None:  # noqa: FBT002 - typer reads options as booleans
    """Watch the location pings of people under supervision, and say when a human should look."""
    if version:
        _say(f"vigil {__version__}")
        raise typer.Exit


@app.command()
def run() -> None:
    """Run a worker until it is told to end (SIGTERM, Ctrl-C). Settings come from VIGIL_ variables."""
    settings = load_settings()
    from stream import logs
    from stream.run import run as work

    logs.configure(settings.log_level, sys.stdout)
    for name in unknown_variables(os.environ):
        logging.getLogger(__name__).warning("%s sets nothing: `vigil config` lists the settings", name)
    work(settings)


@app.command()
def config(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer reads options as booleans
    """Show the effective settings and where each comes from."""
    settings = load_settings()
    values = settings.model_dump(mode="json")
    with contextlib.suppress(BadConfiguration):
        values["kafka_bootstrap"] = settings.bootstrap
    if as_json:
        _say(json.dumps(values, indent=2, ensure_ascii=False))
        return
    width = max(map(len, values)) + len(PREFIX)
    for name, value in values.items():
        variable = f"{PREFIX}{name}".upper()
        origin = "set" if name in settings.model_fields_set else "default"
        shown = "-" if value is None else str(value)
        _say(f"{variable:<{width}}  {shown:<32}  {origin:<7}  {Settings.model_fields[name].description}")
    for name in unknown_variables(os.environ):
        _say(f"{name} sets nothing", err=True)


@topics_app.command("apply")
def topics_apply(
    partitions: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Partitions of every topic; only where none exists yet.")
    ] = None,
) -> None:
    """Create the topics that are missing and set the configs that differ."""
    settings = _quiet(load_settings())
    from stream import topics

    steps = topics.apply(settings.bootstrap, partitions or settings.partitions, settings.replication)
    for step in steps or ["all topics are as they should be"]:
        _say(step)


@topics_app.command("list")
def topics_list(as_json: AsJson = False) -> None:  # noqa: FBT002 - typer reads options as booleans
    """Show each topic of the table and whether the broker has it."""
    settings = _quiet(load_settings())
    from schemas.topics import TOPICS
    from stream import topics

    existing = topics.existing(settings.bootstrap)
    found = {topic.name: existing[topic.name].partitions if topic.name in existing else 0 for topic in TOPICS}
    if as_json:
        _say(json.dumps(found, indent=2))
        return
    for topic in TOPICS:
        state = f"{found[topic.name]} partitions" if found[topic.name] else "missing"
        _say(f"{topic.name:<26}  {topic.direction:<8}  {state:<14}  {topic.content}")


@orders_app.command("load")
def orders_load(file: Annotated[Path, typer.Argument(help="JSON lines, or one JSON array.")]) -> None:
    """Send the orders of a file: all of them, or none when one is bad."""
    settings = _quiet(load_settings())
    from stream import load
    from stream.progress import progress

    orders = load.read_orders(file)
    with progress("orders", len(orders)) as bar:
        load.load(settings.bootstrap, orders, bar.step)
    ended = sum(order.value is None for order in orders)
    _say(f"sent {len(orders) - ended} orders, ended {ended}")


@app.command()
def simulate(
    out: Annotated[Path | None, typer.Option(help="A folder for the files; without it the feed goes to Kafka.")] = None,
    story: Annotated[str | None, typer.Option(help="Tell a story of deploy/demo/stories in place of a county.")] = None,
    people: Annotated[int, typer.Option(min=1, max=1_000_000, help="Supervisees.")] = 200,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days, from the start's midnight in Shanghai.")] = 7,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day.")] = FIRST_DAY,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    interval: Annotated[list[float], typer.Option(min=0.5, max=240, help="Minutes between pings; repeatable.")] = [5.0],  # noqa: B006 - typer never changes it
    stickiness: Annotated[float, typer.Option(min=0, max=0.99, help="How often a resting phone repeats itself.")] = 0.7,
    outages: Annotated[int, typer.Option(min=0, max=100, help="Cells that fail for two hours.")] = 0,
    speed: Annotated[float | None, typer.Option(min=0.1, help="Simulated seconds in a real one; else at once.")] = None,
) -> None:
    """Send a county of people who do not exist, with the truth about them where it goes to files."""
    settings = _quiet(load_settings())
    from stream import county
    from stream.progress import progress
    from stream.simulate.sinks import run_to_files, run_to_kafka

    feed = county.told(story) if story else county.drawn(people, days, start, seed, interval, stickiness, outages)
    with progress("pings", len(feed)) as bar:
        if out is not None:
            run_to_files(feed, out, bar.at)
        else:
            run_to_kafka(feed, settings.bootstrap, bar.at, speed=speed)
    _say(f"{len(feed.orders)} orders and {len(feed)} pings {'sent' if out is None else f'in {out}'}")


@app.command()
def tail(
    as_json: AsJson = False,  # noqa: FBT002 - typer reads options as booleans
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest alert kept.")] = False,  # noqa: FBT002 - as above
    until_idle: Annotated[float | None, typer.Option(min=0.1, metavar="S", help="End after S quiet seconds.")] = None,
    group: Annotated[str | None, typer.Option(help="Keep the position under this consumer group.")] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the sentences.")] = "en",
) -> None:
    """Show alerts as they come, each event once, committed ones only."""
    settings = _quiet(load_settings())
    from stream.tail import follow, line

    for body in follow(settings.bootstrap, group, from_beginning=from_beginning, until_idle_s=until_idle):
        _say(_json(body) if as_json else line(body, language))


@app.command()
def replay(
    paths: Annotated[list[Path], typer.Argument(help="A folder, or its files: orders, pings, checkins, dispositions.")],
    rules: Annotated[Path | None, typer.Option(help="Another rules file than VIGIL_RULES_FILE.")] = None,
    against: Annotated[Path | None, typer.Option(help="A second rules file: show what it would change.")] = None,
    until: Annotated[str | None, typer.Option(help="Let time run on to this moment (RFC 3339, with a zone).")] = None,
    refused: Annotated[Path | None, typer.Option(help="Write each refused record's place and reason here.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer reads options as booleans
) -> None:
    """Run the rules over files, without Kafka, and show the episodes, or with --json every alert."""
    settings = load_settings()
    from stream import comparison
    from stream.progress import progress
    from stream.report import Report

    until_ms = None if until is None else _moment(until)
    report = Report(settings, rules or settings.rules_file)
    other = None if against is None else Report(settings, against)
    with progress("pings") as bar:
        for run in filter(None, (report, other)):
            run.run(paths, until_ms, bar.step)
    if refused is not None:
        lines = [f"{_json(refusal._asdict())}\n" for refusal in report.replay.refused]
        refused.write_text("".join(lines), encoding="utf-8")
    if other is not None:
        found = comparison.changes(report.replay.events, other.replay.events)
        for line in (comparison.as_json if as_json else comparison.lines)(found, report, other):
            _say(line)
        _say(comparison.summary(found, report, other), err=True)
        return
    for line in report.alerts() if as_json else report.episodes():
        _say(line)
    for line in report.summary():
        _say(line, err=True)


@app.command()
def evaluate(
    corpus: Annotated[Path | None, typer.Option(help="Recorded lives: traces.parquet and subjects.csv.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Below 100 for choosing thresholds, else for measuring.")] = 100,
    people: Annotated[int, typer.Option(min=1, max=10_000, help="Supervisees of the simulated county.")] = 200,
    days: Annotated[int, typer.Option(min=3, max=90, help="Days of the simulated county.")] = 14,
    interval: Annotated[list[float], typer.Option(min=1, max=60, help="Minutes between pings.")] = [5.0, 15.0, 30.0],  # noqa: B006 - typer never changes it
    rules: Annotated[Path | None, typer.Option(help="Another rules file than VIGIL_RULES_FILE.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw them here, as SVG.")] = None,
) -> None:
    """Measure how good the alerts are, with the rules as they run, on labelled corpora."""
    settings = load_settings()
    from stream.evaluate.command import run as measured
    from stream.evaluate.quality import Plan

    for line in measured(settings, Plan(seed, people, days, tuple(interval), corpus), rules, json_file, picture):
        _say(line)


@app.command()
def explain(
    episode: Annotated[str, typer.Argument(help="The episode's id.")],
    file: Annotated[Path | None, typer.Option(help="Alerts as JSON lines, in place of vigil.alerts.")] = None,
    stored: Annotated[Path | None, typer.Option(help="A folder with orders and pings, in place of the topics.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 - typer reads options as booleans
) -> None:
    """Say why an episode was opened, and find it again: from the alert alone, and from pings that are still kept."""
    settings = _quiet(load_settings())
    from stream.explain import bodies_in, find, retraced
    from stream.explain import explain as said
    from stream.tail import stored as told

    events = find(told(settings.bootstrap) if file is None else bodies_in(file), episode)
    if not events:
        _say(f"vigil: no episode {episode} in {file or 'vigil.alerts (kept for 90 days)'}", err=True)
        raise typer.Exit(NOT_FOUND)
    _say("\n".join(map(_json, events)) if as_json else said(events))
    verdicts, same = retraced(settings, events, stored, on_topics=file is None)
    _say("\n".join(verdicts), err=as_json)
    if not same:
        raise typer.Exit(FAILED)


def _quiet(settings: Settings) -> Settings:
    """Keep the clients' own chatter off the screen; what matters of it comes back as one of our errors."""
    logging.getLogger("kafka").setLevel(logging.DEBUG if settings.log_level == "debug" else logging.CRITICAL)
    return settings


def _moment(text: str) -> int:
    """Read a moment as epoch milliseconds; one without a zone would depend on the machine, so it is refused."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadConfiguration("--until", f"{text!r} is no RFC 3339 time, such as 2020-02-22T17:45:00+08:00") from error
    if moment.tzinfo is None:
        raise BadConfiguration("--until", f"{text!r} has no zone, such as Z or +08:00")
    return round(moment.timestamp() * 1000)


def _json(body: object) -> str:
    return json.dumps(body, ensure_ascii=False)


def _say(line: str, *, err: bool = False) -> None:
    typer.echo(line, err=err)


def _fail(error: VigilError, code: int) -> None:
    _say(f"vigil: {error}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
