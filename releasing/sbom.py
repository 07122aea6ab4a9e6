"""The software bill of materials of the provider's zip, in CycloneDX's JSON.

Takes the zip. Returns a document whose components are the distributions that the zip contains, as cyclonedx-py
describes them, with what was changed in them. It has no date, and its serial number is made from the zip's digest: the
same zip gives the same document. https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
import venv
import zipfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from cfn_injector.errors import InjectorError

SCHEMA = SchemaVersion.V1_6
PROVIDER = "cfn-injector-provider"

# The files that `cfn-injector build-provider` leaves out.
_CUT = {
    "boto3": "The data and examples are left out.",
    "cfn-injector": "The command line, its checks, the emulator and the templates are left out.",
}


def _described(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What cyclonedx-py says of an environment that holds the zip's files and nothing else."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv", symlinks=True)
        (packages,) = folder.glob("venv/lib/python3*/site-packages")
        archive.extractall(packages)
        command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON"]
        asked = [*command, "--sv", SCHEMA.to_version(), str(folder / "venv")]
        done = subprocess.run(asked, cwd=folder, env={}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InjectorError(f"cyclonedx-py failed:\n{done.stderr}".rstrip())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _changes(names: Iterable[str]) -> Mapping[str, str]:
    """Distribution -> how its files in the zip differ from those of its package."""
    parts = [name.split("/") for name in names]
    services = sorted({part[2] for part in parts if part[:2] == ["botocore", "data"] and len(part) > 3})
    models = "Only the models and endpoints of these services are kept, cut to the operations that are called:"
    return {**_CUT, "botocore": f"{models} {', '.join(services)}."}


def bill_of_materials(path: Path, version: str, built_with: Mapping[str, str]) -> dict[str, Any]:
    """The document for the zip at ``path``. ``built_with`` are further properties of the zip, by name."""
    with zipfile.ZipFile(path) as archive:
        document = _described(archive)
        changes = _changes(archive.namelist())
    digest = sha256(path.read_bytes()).hexdigest()
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_OID, digest).urn
    components = {each["name"]: each for each in document["components"]}
    for name, notes in changes.items():
        components[name]["pedigree"] = {"notes": notes}
    document["metadata"]["component"] = {
        "bom-ref": PROVIDER,
        "type": "application",
        "name": PROVIDER,
        "version": version,
        "description": "The code of the provider's Lambda function. It also holds bytecode of its sources.",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "properties": [{"name": f"cfn-injector:{name}", "value": value} for name, value in sorted(built_with.items())],
    }
    document["dependencies"].insert(0, {"ref": PROVIDER, "dependsOn": [components["cfn-injector"]["bom-ref"]]})
    problem = JsonStrictValidator(SCHEMA).validate_str(json.dumps(document))
    if problem:
        raise InjectorError(f"the bill of materials is not valid: {problem}")
    return document
