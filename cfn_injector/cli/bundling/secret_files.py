"""Recognizes files of a developer that a function does not need, and that hold secrets.

Takes the folder of a function's source. Returns whether to leave out a file, and the names of what was left out.

This is for the source only: an installed package has its certificates for a reason. ``.env`` is not among these files,
because a bundle has the defaults of every stage in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cfn_injector.cli.bundling.npm_manifests import LOCKS, OTHER_LOCKS
from cfn_injector.cli.bundling.source_files import Exclusions, unreadable
from cfn_injector.cli.display import has_credentials, some, visible

SETTINGS = (
    *(".pnpmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pip.conf", "pip.ini", "uv.toml"),
    *("_netrc", ".git-credentials", ".envrc"),
)
"""Settings of tools, which may hold credentials for registries. ``CREDENTIALS`` are always left out."""

_FOLDERS = frozenset((".aws", ".ssh", ".gnupg", ".kube", ".azure", ".docker", ".gcloud", ".terraform"))
_KEYS = re.compile(r"id_(rsa|dsa|ecdsa|ed25519)(_sk)?([-_.].*)?")
_CODE = re.compile(r".*\.(py|[cm]?[jt]sx?|json)")
_ENV = re.compile(r"\.env[._-].+|.+\.env|\.dev\.vars(\..+)?|\.secrets?")
"""``.dev.vars``: https://developers.cloudflare.com/workers/configuration/secrets/; ``.secrets``: https://nektosact.com."""
_EXAMPLE = "(.+[._-])?(example|sample|template|dist|defaults|schema)"
_ENV_WITHOUT_SECRETS = re.compile(rf"(\.env|\.dev\.vars)[._-]{_EXAMPLE}|{_EXAMPLE}\.env")
"""https://www.npmjs.com/package/dotenv-safe reads such a file at run time."""
_PEM = re.compile(r".*\.(pem|key)")
_STORES = re.compile(r".*\.(p12|pfx|p8|ppk|jks|keystore|kdbx|tfvars|tfstate(\..+)?)|\.(pgpass|vault-token|s3cfg|boto)")

_PUBLIC, _PRIVATE = (b"-----BEGIN CERTIFICATE", b"-----BEGIN PUBLIC KEY"), b"PRIVATE KEY"
_NAMED = 10


def _holds_private_key(path: Path) -> bool:
    """Whether a file in PEM may hold more than certificates and public keys, such as the authorities of a database."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise unreadable(str(path), error) from error
    return _PRIVATE in body or not any(begin in body for begin in _PUBLIC)


def _is_secret(path: Path) -> bool:
    name = path.name.lower()
    if _PEM.fullmatch(name):
        return _holds_private_key(path)
    is_env = _ENV.fullmatch(name) and not _ENV_WITHOUT_SECRETS.fullmatch(name)
    is_key = _KEYS.fullmatch(name) and not _CODE.fullmatch(name)
    return bool(is_env or is_key or _STORES.fullmatch(name))


def _with_folders(name: str) -> Iterator[str]:
    yield name
    yield from (parent.as_posix() for parent in PurePosixPath(name).parents if parent.name)


@dataclass(frozen=True)
class Inclusions:
    """The patterns of ``--include``, with the rules of ``--exclude``. Including a folder includes everything in it."""

    patterns: Exclusions

    def __call__(self, name: str) -> bool:
        found = [self.patterns(each) for each in _with_folders(name.rstrip("/"))]  # all, for ``matched``
        return True in found


@dataclass(frozen=True)
class Secrets:
    """What to leave out of the source in ``root``. ``left_out`` collects the names of files and folders."""

    root: Path
    keep: Inclusions
    left_out: dict[str, None] = field(default_factory=dict)

    def __call__(self, name: str) -> bool:
        if name.endswith("/") and self.keep.patterns.patterns:
            return False  # a file in the folder may be included
        folder = next((each for each in _with_folders(name.rstrip("/")) if PurePosixPath(each).name in _FOLDERS), None)
        if name.endswith("/") and folder is None:
            return False
        is_secret = folder is not None or PurePosixPath(name).name in SETTINGS or _is_secret(self.root / name)
        if not is_secret or self.keep(name):
            return False
        if PurePosixPath(name).name not in SETTINGS:
            self.left_out[name if folder is None else f"{folder}/"] = None
        return True

    def is_lock_file(self, name: str) -> bool:
        """Whether to leave out a lock file, because its URLs have credentials. Only an installer needs it."""
        path = self.root / name
        if path.name not in (*LOCKS, *OTHER_LOCKS) or self.keep(name) or not path.is_file():
            return False
        if not has_credentials(path.read_text("utf-8", "replace")):
            return False
        self.left_out[name] = None
        return True

    def notes(self) -> Iterator[str]:
        """Name what was left out."""
        if self.left_out:
            listed = some([*map(visible, sorted(self.left_out))], _NAMED)
            yield f"left out, because they may hold secrets: {listed}; --include what the function needs"
