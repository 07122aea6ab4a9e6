"""The roll-up: what is read from a stream, what is kept of it, how the record is written, and the artifact itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from example_rollup import artifact
from example_rollup.board import ATTEMPTS, Contended, roll_up
from example_rollup.games import game, typed
from example_rollup.scores import BEST_KEY, MOST_KEPT, Game, Rules, best, finished_games, from_item, merge, to_item

NOW = 1_428_075_000
RULES = Rules(places=3, seconds=3600)
ITEM = game("EdScissorHands", 924, 1_428_071_547, seconds=55)


def change(item: dict[str, Any], written: Any = 1_428_071_602.0, name: str = "INSERT") -> dict[str, Any]:
    """A record of the stream, as Lambda delivers it."""
    keys: dict[str, Any] = {key: item[key] for key in ("event_key", "start_timestamp") if key in item}
    return {
        "eventID": "1",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": written,
            "Keys": typed(keys),
            "NewImage": typed(item),
            "SequenceNumber": "111",
            "StreamViewType": "NEW_IMAGE",
        },
    }


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ITEM.items() if key != name}


def played(handle: str, score: int, minutes_ago: float) -> Game:
    finished = Decimal(str(NOW - 60 * minutes_ago))
    return Game(Decimal(score), finished, handle, f"uid-of-{handle}", finished - 55)


READ = Game(Decimal(924), Decimal(1_428_071_602), "EdScissorHands", "uid-of-edscissorhands", Decimal(1_428_071_547))


@pytest.mark.parametrize(
    ("record", "games", "unreadable"),
    [
        pytest.param(change(ITEM), [READ], [], id="a finished game is read"),
        pytest.param(change(ITEM, name="MODIFY"), [READ], [], id="a game that is finished later is read then"),
        pytest.param(change(ITEM, "1428071602.0"), [READ], [], id="the time of writing may be a text"),
        pytest.param(
            change({**ITEM, "score": Decimal("0.5")}),
            [READ._replace(score=Decimal("0.5"))],
            [],
            id="half a point is one",
        ),
        pytest.param(
            change(ITEM, 1_428_071_590.0),
            [READ._replace(finished=Decimal(1_428_071_590))],
            [],
            id="no game ends after it was written, whatever the player's clock says",
        ),
        pytest.param(
            change({**ITEM, "handle": "x" * 100_000}), [READ._replace(handle="x" * 64)], [], id="a long handle is cut"
        ),
        pytest.param(change({**ITEM, "completed": False}), [], [], id="a game that was given up is none"),
        pytest.param(change(to_item([READ], 7)), [], [], id="the record of the best is not a game"),
        pytest.param(
            change({**ITEM, "event_key": BEST_KEY["event_key"]}), [], [], id="nothing under its key is a game, either"
        ),
        pytest.param(
            {"eventName": "REMOVE", "dynamodb": {"Keys": typed({"event_key": "uid"}), "SequenceNumber": "111"}},
            [],
            [],
            id="a deleted item is not a game",
        ),
        *(
            pytest.param(change(without(name)), [], ["111"], id=f"an item without {name} is reported")
            for name in ("event_key", "start_timestamp", "length_seconds", "completed", "score", "handle")
        ),
        pytest.param(change({**ITEM, "score": "924"}), [], ["111"], id="a score that is a string is reported"),
        pytest.param(change({**ITEM, "completed": "yes"}), [], ["111"], id="a string for completed is reported"),
        pytest.param(change({**ITEM, "handle": None}), [], ["111"], id="a handle that is null is reported"),
    ],
)
def test_of_a_record_in_the_stream(record: dict[str, Any], games: list[Game], unreadable: list[str]) -> None:
    assert finished_games([record]) == (games, unreadable)


def test_what_cannot_be_read_holds_up_no_other_game() -> None:
    records = [change(without("score")), change(ITEM), change(without("handle"))]

    assert finished_games(records) == ([READ], ["111", "111"])


@pytest.mark.parametrize(
    ("known", "games", "handles"),
    [
        pytest.param([], [("a", 10, 5), ("b", 30, 5), ("c", 20, 5)], "bca", id="the first games are listed best first"),
        pytest.param([("a", 10, 5)], [("b", 30, 4), ("c", 20, 3)], "bca", id="several of one batch come onto it"),
        pytest.param(
            [("a", 10, 5)], [("b", 30, 59.9), ("c", 40, 60.1)], "ba", id="an hour after its end a game is out"
        ),
        pytest.param([("a", 10, 61)], [("b", 5, 5)], "b", id="what is known grows too old as well"),
        pytest.param(
            [("a", 10, 9), ("b", 20, 9), ("c", 30, 9)], [("d", 5, 9)], "cba", id="a lower one that ends as early is out"
        ),
        pytest.param(
            [("a", 10, 5)], [("a", 10, 5), ("a", 10, 5)], "a", id="a game that is delivered again is one game"
        ),
        pytest.param([("a", 10, 5), ("b", 10, 4)], [("c", 10, 3)], "cba", id="of equals the latest is first"),
    ],
)
def test_the_list(known: list[tuple[str, int, float]], games: list[tuple[str, int, float]], handles: str) -> None:
    kept = merge([played(*each) for each in known], [played(*each) for each in games], RULES, NOW)

    assert "".join(each.handle for each in best(kept, RULES, NOW)) == handles


def test_what_follows_a_game_that_grew_too_old_comes_onto_the_list() -> None:
    games = [played("a", 40, 59), played("b", 30, 58), played("c", 20, 57), played("d", 10, 30), played("e", 5, 31)]
    kept = merge([], games, RULES, NOW)

    assert [each.handle for each in best(kept, RULES, NOW)] == ["a", "b", "c"]
    assert [each.handle for each in best(kept, RULES, NOW + 150)] == ["c", "d", "e"]


def test_a_game_that_was_corrected_counts_as_it_is_now() -> None:
    known = [played("a", 40, 5), played("b", 30, 5)]

    assert [each.handle for each in merge(known, [played("a", 20, 5)], RULES, NOW)] == ["b", "a"]


def test_games_whose_scores_fall_and_fall_do_not_fill_the_record() -> None:
    games = [played(str(number), 10_000 - number, 50 - number / 100) for number in range(3 * MOST_KEPT)]

    kept = merge([], games, RULES, NOW)

    assert [each.score for each in kept] == [10_000 - number for number in range(MOST_KEPT)]


GAMES = st.builds(
    lambda uid, score, finished: Game(
        Decimal(score), Decimal(finished), "handle", f"uid-{uid}", Decimal(finished) - 60 * uid
    ),
    st.integers(0, 5),
    st.integers(0, 8),
    st.integers(0, 60),
)


@given(st.lists(st.tuples(st.lists(GAMES, max_size=6), st.integers(0, 20))), st.integers(0, 60), st.integers(1, 4))
def test_the_list_is_at_every_time_that_of_all_games_however_they_came(
    batches: list[tuple[list[Game], int]], later: int, places: int
) -> None:
    rules, now = Rules(places, seconds=30), 0
    known: list[Game] = []
    delivered: dict[Any, Game] = {}
    for games, pause in batches:
        now += pause
        # A game is one score: the same key with another one would be a correction.
        first = [delivered.setdefault(each.key, each) for each in games]
        known = from_item(to_item(merge(known, first, rules, now), version=1))
        again = merge(known, first, rules, now)
        assert again == known
    for moment in (now, now + later):
        everything = sorted((each for each in delivered.values() if each.finished > moment - 30), reverse=True)
        assert best(known, rules, moment) == everything[:places]


@pytest.fixture
def table(moto_server: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A table of its own, as the template makes it, in an imitation of DynamoDB."""
    dynamodb = boto3.resource(
        "dynamodb",
        endpoint_url=moto_server,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    made = dynamodb.create_table(
        TableName="games",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "event_key", "AttributeType": "S"},
            {"AttributeName": "start_timestamp", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "event_key", "KeyType": "HASH"},
            {"AttributeName": "start_timestamp", "KeyType": "RANGE"},
        ],
    )
    yield made
    made.delete()


def stored(table: Any) -> dict[str, Any]:
    item: dict[str, Any] = table.get_item(Key=dict(BEST_KEY)).get("Item", {})
    return item


def handles(table: Any) -> list[str]:
    return [each.handle for each in from_item(stored(table))]


def never(seconds: float) -> None:
    pytest.fail("nobody else writes")


def rolled_up(table: Any, *games: Game, sleep: Callable[[float], None] = never) -> bool:
    return roll_up(table, games, RULES, now=NOW, sleep=sleep)


class Interrupted:
    """A table in which others are faster: ``before`` runs between each of our reads and the write that follows."""

    def __init__(self, table: Any, before: Callable[[], object]) -> None:
        self.table, self.before = table, before
        self.meta, self.get_item = table.meta, table.get_item

    def put_item(self, **arguments: Any) -> None:
        self.before()
        self.table.put_item(**arguments)


def test_the_first_games_make_the_record_and_later_ones_change_it(table: Any) -> None:
    assert rolled_up(table, played("a", 10, 5))
    assert rolled_up(table, played("b", 20, 5))

    assert stored(table) == to_item([played("b", 20, 5), played("a", 10, 5)], version=2)


@pytest.mark.parametrize(
    "games",
    [
        pytest.param(
            [played("a", 10, 5), played("b", 20, 5), played("c", 30, 5)], id="a batch that is delivered again"
        ),
        pytest.param([played("b", 20, 5)], id="a part of it"),
        pytest.param([played("d", 9, 5)], id="a game that no list will show"),
        pytest.param([played("d", 99, 61)], id="a game of the hour before"),
        pytest.param([], id="no game at all"),
    ],
)
def test_the_record_is_not_written_for(table: Any, games: list[Game]) -> None:
    rolled_up(table, played("a", 10, 5), played("b", 20, 5), played("c", 30, 5))

    assert not rolled_up(table, *games)
    assert stored(table)["version"] == 1


def test_without_a_game_of_the_past_hour_the_table_is_not_asked() -> None:
    assert not rolled_up(None, played("a", 10, 61))


@pytest.mark.parametrize("first", [[], [played("old", 5, 5)]], ids=["no record yet", "a record"])
def test_of_two_that_write_at_once_neither_is_lost(table: Any, first: list[Game]) -> None:
    rolled_up(table, *first)
    others = iter([played("other", 20, 5)])
    slept: list[float] = []

    def once() -> None:
        for other in others:
            rolled_up(table, other)

    assert rolled_up(Interrupted(table, once), played("ours", 10, 5), sleep=slept.append)

    assert handles(table) == ["other", "ours", *(each.handle for each in first)]
    assert len(slept) == 1


def test_if_others_write_the_same_games_there_is_nothing_left_to_write(table: Any) -> None:
    slept: list[float] = []
    interrupted = Interrupted(table, lambda: rolled_up(table, played("a", 10, 5)))

    assert not rolled_up(interrupted, played("a", 10, 5), sleep=slept.append)

    assert (stored(table)["version"], len(slept)) == (1, 1)


def test_who_is_never_fast_enough_gives_up_within_seconds_and_has_changed_nothing(table: Any) -> None:
    others = iter(range(100))
    slept: list[float] = []
    interrupted = Interrupted(
        table, lambda: rolled_up(table, played(f"other{next(others)}", 20, 5 - next(others) / 60))
    )

    with pytest.raises(Contended):
        rolled_up(interrupted, played("ours", 99, 5), sleep=slept.append)

    assert (stored(table)["version"], len(slept)) == (ATTEMPTS, ATTEMPTS - 1)
    assert sum(slept) < 15
    assert "ours" not in handles(table)


# Runs the unpacked artifact against moto's DynamoDB: takes batches, prints the items and the output.
DRIVER = """
import contextlib, io, json, os, sys
import boto3
from moto import mock_aws

task = json.load(sys.stdin)
with mock_aws():
    table = boto3.resource("dynamodb").create_table(
        TableName="games-of-dev",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "event_key", "AttributeType": "S"},
            {"AttributeName": "start_timestamp", "AttributeType": "N"},
        ],
        KeySchema=[
            {"AttributeName": "event_key", "KeyType": "HASH"},
            {"AttributeName": "start_timestamp", "KeyType": "RANGE"},
        ],
    )
    from example_rollup import rollup

    os.unlink(".env")
    rollup.time.time = lambda: task["now"]
    calls, printed = [], io.StringIO()
    rollup.TABLE.meta.client.meta.events.register("before-call", lambda model, **_: calls.append(model.name))
    with contextlib.redirect_stdout(printed):
        answers = [rollup.handler({"Records": records}, None) for records in task["batches"]]
    seen = {
        "answers": answers,
        "calls": calls,
        "printed": printed.getvalue(),
        "items": table.scan()["Items"],
        "modules": [sys.modules[name].__file__ for name in ("wrapper", "example_rollup.rollup")],
    }
json.dump(seen, sys.stdout, default=int)
"""


def run_artifact(folder: Path, env: str, *batches: list[dict[str, Any]]) -> dict[str, Any]:
    """Unpack the artifact, write its ``.env``, and call the handler once for each batch."""
    with zipfile.ZipFile(io.BytesIO(artifact.build())) as archive:
        archive.extractall(folder)
    (folder / ".env").write_text(env, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps({"now": NOW, "batches": batches}),
        cwd=folder,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LAMBDA_TASK_ROOT": str(folder),
            "PYTHONPATH": str(folder),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        },
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_artifact_keeps_the_record_in_the_table_and_by_the_rules_of_the_env_file(tmp_path: Path) -> None:
    games = [change(game(name, score, NOW - 100), NOW) for name, score in (("A", 10), ("B", 30), ("C", 20))]
    old = change(game("D", 99, NOW - 1000), NOW)

    result = run_artifact(
        tmp_path,
        "table='games-of-dev'\nbest_count=2\nwindow_seconds=600\n",
        [old, *games, change(without("score"))],
        games[:2],
    )

    (item,) = result["items"]
    assert (item["event_key"], item["start_timestamp"], item["version"]) == ("recent-best", 0, 1)
    assert [each["handle"] for each in item["scores"]] == ["B", "C"]
    assert result["calls"] == ["GetItem", "PutItem", "GetItem"]
    assert result["answers"] == [None, None]
    assert [json.loads(line) for line in result["printed"].splitlines()] == [
        {"games": 4, "changed": True, "unreadable": ["111"]},
        {"games": 2, "changed": False, "unreadable": []},
    ]
    assert {Path(file).parents[1] for file in result["modules"]} == {tmp_path}


def test_the_artifact_holds_the_function_and_the_reader_and_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(artifact.build())) as archive:
        names = archive.namelist()

    assert names == [
        *(f"example_rollup/{name}.py" for name in ("__init__", "board", "rollup", "scores")),
        *(f"wrapper/{name}.py" for name in ("__init__", "dotenv")),
    ]
    assert artifact.build() == artifact.build()
