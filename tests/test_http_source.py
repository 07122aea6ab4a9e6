"""Archives at http URLs: which ranges are read, and what happens if they change."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cfn_injector.cli.http_source import TAIL, HttpSource, open_url
from cfn_injector.cli.sources import opened
from cfn_injector.errors import InjectorError
from tests.support.cli_places import COMPRESSES, IGNORES_RANGES, served


def no_clients(service: str, **_: Any) -> Any:
    raise AssertionError(service)


DATA = Random(5).randbytes(3 * TAIL)


def test_the_end_is_read_in_one_request_with_the_size() -> None:
    with served({"a.zip": DATA}) as site, opened(f"{site.url}/a.zip", no_clients) as source:
        assert source.size == len(DATA)
        assert source.read(len(DATA) - TAIL, len(DATA)) == DATA[-TAIL:]
        assert site.asked == [f"bytes=-{TAIL}"]
        assert source.read(10, len(DATA) - 10) == DATA[10:-10]
        assert site.asked[1:] == [f"bytes=10-{len(DATA) - TAIL - 1}"]


def test_a_small_archive_is_read_in_one_request() -> None:
    with served({"a.zip": DATA[:99]}) as site, opened(f"{site.url}/a.zip", no_clients) as source:
        assert source.read(0, source.size) == DATA[:99]
        assert len(site.asked) == 1


def test_two_states_are_never_mixed() -> None:
    with served({"a.zip": DATA}) as site, opened(f"{site.url}/a.zip", no_clients) as source:
        site.etag = '"2"'
        with pytest.raises(InjectorError, match=re.escape(f"{site.url}/a.zip changed while it was being read")):
            source.read(0, 1)


def test_a_server_that_stops_in_between_is_named_without_the_query_of_the_url() -> None:
    with served({"a.zip": DATA}) as site:
        source = open_url(f"{site.url}/a.zip", f"{site.url}/a.zip?token=canary")
        assert isinstance(source, HttpSource)
    with pytest.raises(InjectorError, match=re.escape(f"{site.url}/a.zip cannot be read: ")) as caught:
        source.read(0, 1)
    assert "canary" not in f"{caught.value}{source}"


def test_an_archive_from_a_server_without_ranges_is_copied_in_one_request() -> None:
    with served({"a.zip": DATA}, IGNORES_RANGES) as site, opened(f"{site.url}/a.zip", no_clients) as source:
        assert source.read(0, source.size) == DATA
        assert len(site.asked) == 1


@pytest.mark.parametrize("stated", ["", "bytes 0-9/*", "items 0-9/10"])
def test_a_range_without_a_size_is_not_taken_for_the_archive(stated: str) -> None:
    with served({"a.zip": DATA}) as site:
        site.stated_range = stated
        with opened(f"{site.url}/a.zip", no_clients) as source:
            assert source.read(0, source.size) == DATA
        assert site.asked == [f"bytes=-{TAIL}", ""]


def test_an_archive_from_a_server_that_compresses_everything_is_the_archive() -> None:
    with served({"a.zip": DATA}, COMPRESSES) as site, opened(f"{site.url}/a.zip", no_clients) as source:
        assert source.read(0, source.size) == DATA


@pytest.mark.parametrize(("query", "sent"), [("?X-Amz-Signature=1", False), ("", True)], ids=["signed", "not signed"])
def test_a_signed_url_gets_no_credentials_of_the_file_netrc(
    query: str, sent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login me password canary\n", "utf-8")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with served({"a.zip": DATA}) as site, opened(f"{site.url}/a.zip{query}", no_clients) as source:
        source.read(0, 1)
        assert [bool(each) for each in site.credentials] == [sent, sent]
