"""One emulator with the provider for all tests of real clients.

These tests need programs that `make real-clients` installs, and run only there. Elsewhere they skip, and say so.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local import deployment
from cfn_injector.local.emulator import running
from tests.support.real_clients import ASSETS, SOURCES, Clients


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """An account with the provider, which may read CDK's bucket of assets and a bucket of artifacts."""
    if "REAL_CLIENTS" not in os.environ:
        pytest.skip("takes minutes: make real-clients")
    with running() as emulator:
        client = functools.cache(emulator.client)
        for bucket in ("provider", SOURCES):
            client("s3").create_bucket(Bucket=bucket)
        client("s3").put_object(Bucket="provider", Key="provider.zip", Body=deployment.build_provider(emulator))
        deployment.deploy_provider(emulator, "provider", "provider.zip", f"{ASSETS},{SOURCES}", "*")
        yield Clients(emulator, client, tmp_path_factory.mktemp("home"))


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """Copies a folder of an example, without what its tools wrote, and links what its tools installed."""

    def copy(folder: Path) -> Path:
        target = tmp_path / folder.name
        shutil.copytree(
            folder, target, ignore=shutil.ignore_patterns("node_modules", "build", "cdk.out", ".serverless")
        )
        if (folder / "node_modules").exists():
            (target / "node_modules").symlink_to(folder / "node_modules")
        return target

    return copy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A client may take minutes."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.timeout(3000))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Which versions ran."""
    reports = [
        report for found in terminalreporter.stats.values() for report in found if hasattr(report, "user_properties")
    ]
    for line in sorted({value for report in reports for name, value in report.user_properties if name == "client"}):
        terminalreporter.write_line(f"client: {line}")
