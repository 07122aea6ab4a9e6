"""Streambot's example: how batches are handled, and the artifact under Node.js with the real SDK."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local.command import ApplicationError
from example_streambot import artifact
from example_streambot.records import PAYLOADS, differences, put, stored
from tests.support.node_js import needs_node, needs_packages, run_node

SHARDS = ("shardId-000000000000", "shardId-000000000001")
SECRET = b"never-to-be-logged"

# Calls the handler with one event after the other; `put` keeps objects, and fails as often as `failing` says.
DRIVER = """
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { archiving } from "./archive.mjs";

const { events, failing } = JSON.parse(readFileSync(0, "utf8"));
const seen = { objects: {}, written: [], outcomes: [], logged: [], most: 0 };
const print = console.log;
console.log = (line) => seen.logged.push(JSON.parse(line));
let running = 0;

async function put(key, bytes) {
  seen.most = Math.max(seen.most, ++running);
  await setImmediate();
  running--;
  if (failing[key]-- > 0) throw Object.assign(new Error("Reduce your request rate."), { name: "SlowDown" });
  seen.written.push(key);
  seen.objects[key] = bytes.toString("base64");
}

const handler = archiving(put, "records/");
for (const event of events) {
  seen.outcomes.push(await handler(event).then((answer) => answer ?? null, (error) => error.message));
}
print(JSON.stringify(seen));
"""


def record(number: int, payload: bytes, shard: str = SHARDS[0]) -> dict[str, Any]:
    """A record of an event, as Lambda delivers it."""
    sequence_number = f"{49_590_338_271_490_256_608_559_692_538_361_571_095_921_575_989_136_588_898 + number}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": sequence_number,
            "data": base64.b64encode(payload).decode("ascii"),
            "approximateArrivalTimestamp": 1545084650.987,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence_number}",
        "eventName": "aws:kinesis:record",
        "awsRegion": "us-east-1",
    }


def key(record: dict[str, Any]) -> str:
    return f"records/{record['eventID'].replace(':', '/')}"


def handled(batches: Sequence[Sequence[dict[str, Any]]], failing: dict[str, int] | None = None) -> dict[str, Any]:
    """What there is when the batches were delivered one after the other; ``failing``: key -> how often it fails."""
    task = {"events": [{"Records": batch} for batch in batches], "failing": failing or {}}
    printed = run_node("--input-type=module", "--eval", DRIVER, stdin=json.dumps(task), cwd=artifact.FUNCTION)
    seen: dict[str, Any] = json.loads(printed)
    seen["objects"] = {name: base64.b64decode(content) for name, content in seen["objects"].items()}
    return seen


@needs_node
def test_every_record_is_an_object_with_its_bytes_named_by_shard_and_sequence_number() -> None:
    records = [record(number, payload, SHARDS[number % 2]) for number, payload in enumerate(PAYLOADS)]

    seen = handled([records])

    assert seen["objects"] == {key(each): payload for each, payload in zip(records, PAYLOADS, strict=True)}
    assert seen["outcomes"] == [None]
    assert seen["logged"] == [{"written": len(PAYLOADS), "failed": 0}]


@needs_node
def test_a_batch_that_is_delivered_again_and_cut_differently_gives_the_same_objects() -> None:
    records = [record(number, bytes([number])) for number in range(6)]

    once = handled([records])
    again = handled([records, records[:2], records[2:], records])

    assert again["objects"] == once["objects"]
    assert len(again["written"]) == 3 * len(once["written"])


@needs_node
@pytest.mark.parametrize(
    ("failing", "message"),
    [
        pytest.param([0], "1 of 40 records could not be written, among them ", id="the first"),
        pytest.param([39], "1 of 40 records could not be written, among them ", id="the last"),
        pytest.param([3, 20, 21], "3 of 40 records could not be written, among them ", id="several"),
        pytest.param(range(40), "40 of 40 records could not be written, among them ", id="all"),
    ],
)
def test_if_some_records_cannot_be_written_the_others_are_and_the_batch_fails(
    failing: Sequence[int], message: str
) -> None:
    records = [record(number, SECRET + bytes([number])) for number in range(40)]
    failed = {key(records[number]): 1 for number in failing}

    seen = handled([records, records], failed)

    first, second = seen["outcomes"]
    assert first.startswith(message)
    assert first.removeprefix(message).removesuffix(": SlowDown: Reduce your request rate.") in failed
    assert second is None
    assert seen["logged"] == [
        {"written": 40 - len(failed), "failed": len(failed)},
        {"written": 40, "failed": 0},
    ]
    assert len(seen["written"]) == 80 - len(failed)
    assert len(seen["objects"]) == 40
    assert SECRET.decode() not in json.dumps([seen["outcomes"], seen["logged"]])


@needs_node
def test_a_large_batch_is_written_twenty_at_a_time() -> None:
    seen = handled([[record(number, b"x") for number in range(500)]])

    assert (len(seen["objects"]), seen["most"]) == (500, 20)


# Calls the function of the unpacked artifact, whose SDK finds an imitation of S3 by its environment.
CALL = """
import { readFileSync } from "node:fs";
import { handler } from "./index.mjs";

await handler(JSON.parse(readFileSync(0, "utf8")));
"""


@pytest.fixture(scope="module")
def built() -> bytes:
    return artifact.build()


@needs_packages
def test_the_artifact_writes_into_the_bucket_and_below_the_prefix_of_the_env_file(
    built: bytes, moto_server: str, moto_s3: Any, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(built)) as archive:
        archive.extractall(tmp_path)
    (tmp_path / ".env").write_text("bucket='archive-of-dev'\nprefix=by-shard/\n", "utf-8")
    moto_s3.create_bucket(Bucket="archive-of-dev")
    records = [record(number, payload) for number, payload in enumerate(PAYLOADS)]

    run_node(
        *("--input-type=module", "--eval", CALL),
        stdin=json.dumps({"Records": records}),
        cwd=tmp_path,
        LAMBDA_TASK_ROOT=str(tmp_path),
        AWS_ENDPOINT_URL=moto_server,
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
    )

    expected = {key(each).replace("records/", "by-shard/"): data for each, data in zip(records, PAYLOADS, strict=True)}
    assert stored(moto_s3, "archive-of-dev") == expected


@needs_packages
def test_the_artifact_holds_function_reader_and_sdk_and_no_env_file(built: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(built)) as archive:
        names = archive.namelist()

    own = {name for name in names if not name.startswith("node_modules/")}
    assert own == {
        *("index.mjs", "archive.mjs", "package.json", "package-lock.json"),
        *(f"wrapper/{path.name}" for path in artifact.READER.iterdir()),
    }
    assert "node_modules/@aws-sdk/client-s3/dist-cjs/index.js" in names
    assert len(built) < 2_000_000


class Stream:
    """As much of Kinesis as takes records, but for so many as are ``refused``."""

    def __init__(self, refused: int = 0) -> None:
        self.refused = refused

    def put_records(self, *, StreamName: str, Records: Sequence[dict[str, Any]]) -> dict[str, Any]:
        answers = [{"ShardId": SHARDS[number % 2], "SequenceNumber": str(number)} for number in range(len(Records))]
        return {"FailedRecordCount": self.refused, "Records": answers}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param({"a": b"1", "b": b"2"}, [], id="nothing if everything is there"),
        pytest.param({"a": b"1"}, ["b is missing"], id="what is missing"),
        pytest.param({"a": b"1", "b": b"3"}, ["b differs"], id="what differs"),
        pytest.param(
            {"a": b"1", "b": b"2", "c": b""}, ["c does not belong to a record"], id="an object without a record"
        ),
    ],
)
def test_the_example_reports(found: dict[str, bytes], expected: list[str]) -> None:
    assert differences({"a": b"1", "b": b"2"}, found) == expected


def test_the_example_expects_each_record_where_the_stream_took_it() -> None:
    assert put(Stream(), "records", [b"1", b"2"]) == {f"{SHARDS[0]}/0": b"1", f"{SHARDS[1]}/1": b"2"}


def test_the_example_fails_where_the_stream_refuses_a_record() -> None:
    with pytest.raises(ApplicationError, match="1 records were refused by records"):
        put(Stream(refused=1), "records", [b"1", b"2"])
