"""``package``: uploads the local code that a template names, and writes a template that names the uploaded code.

    template -> local code -> a zip per source and platform -> S3, by content -> the template's text, edited

Every byte beside these edits stays as it was. The options are those of ``aws cloudformation package``:
https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cfn_injector.archive import Insert
from cfn_injector.cli.aws_options import Clients, add_aws, clients
from cfn_injector.cli.bundle_options import add_bundling, bundling_options
from cfn_injector.cli.bundling.function_zip import Options, megabytes
from cfn_injector.cli.bundling.lambda_platform import ARCHITECTURES
from cfn_injector.cli.code_zips import CodeZip, code_zip
from cfn_injector.cli.destinations import LocalDestination
from cfn_injector.cli.display import explained, shown, visible
from cfn_injector.cli.local_code import LocalCode, local_code, resolved
from cfn_injector.cli.progress import Progress, progress
from cfn_injector.cli.result import Result
from cfn_injector.cli.standard_output import written
from cfn_injector.cli.template_text import Document, parsed, spliced
from cfn_injector.cli.tools import ToolError
from cfn_injector.cli.transform_options import add_transform, transform_options
from cfn_injector.cli.uploads import Bucket, upload
from cfn_injector.errors import InjectorError
from cfn_injector.injection import EMPTY
from cfn_injector.transform import Edit, applied, transform
from cfn_injector.transform import Options as Changes
from cfn_injector.transform import Path as TemplatePath

HELP = "upload the local code that a template names"


class Uploaded(NamedTuple):
    """Code in S3. ``logical_ids`` are the resources with this code, and ``sent`` whether it was not there before."""

    logical_ids: Sequence[str]
    bucket: str
    key: str
    size: int
    sent: bool

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("template", metavar="TEMPLATE", help="the template: a file in YAML or JSON")
    parser.add_argument("--s3-bucket", required=True, metavar="BUCKET", help="the bucket to upload to")
    parser.add_argument("--s3-prefix", default="", metavar="PREFIX", help="what the keys begin with")
    parser.add_argument(
        "--kms-key-id", metavar="ID", help="the KMS key that encrypts what is uploaded (default: as the bucket says)"
    )
    parser.add_argument(
        "--output-template-file", metavar="FILE", help="the packaged template (default: standard output)"
    )
    parser.add_argument("--force-upload", action="store_true", help="upload also what the bucket has already")
    parser.add_argument("--runtime", metavar="ID", help="of functions whose Runtime is known only to the deployment")
    parser.add_argument(
        "--architecture", choices=ARCHITECTURES, help="of functions whose Architectures only the deployment knows"
    )
    add_bundling(parser)
    add_transform(parser)
    parser.add_argument("--json", action="store_true", help="print what was uploaded as one JSON object")
    add_aws(parser)


def read_template(path: str) -> Document:
    """The template in a file, with its line ends as they are. Raises InjectorError."""
    name = visible(path)
    with explained(f"{name} cannot be read", "give the file of a template in UTF-8", code="CI716"):
        text = Path(path).read_bytes().decode()
    return parsed(text, name)


def _known(document: Document, code: LocalCode, name: str, value: Any, given: str | None) -> str | None:
    """What the template says of a platform, or what is ``given``, or None if neither does.

    Raises InjectorError if only the deployment knows it.
    """
    found = resolved(document.data, value)
    found = found[0] if isinstance(found, list) and len(found) == 1 else found
    if isinstance(found, str) or value is None or given is not None:
        return found if isinstance(found, str) else given
    flag = "--runtime" if name == "Runtime" else "--architecture"
    raise InjectorError(
        f"{document.where(code.path)}: {name} of {code.logical_id} is known only to the deployment; "
        f"give the parameter a default, or give {flag}",
        code="CI640",
    )


def _options(document: Document, code: LocalCode, packager: Packager) -> Options:
    """How to bundle code for its platform."""
    runtime = _known(document, code, "Runtime", code.runtime, packager.runtime)
    architecture = _known(document, code, "Architectures", code.architecture, packager.architecture)
    if architecture not in (None, *ARCHITECTURES):
        raise InjectorError(
            f"{document.where(code.path)}: {architecture} of {code.logical_id} is not an architecture of Lambda; "
            f"use one of {', '.join(ARCHITECTURES)}",
            code="CI641",
        )
    return packager.options._replace(runtime=runtime, architecture=architecture or "x86_64")


@contextmanager
def _located(place: str) -> Iterator[None]:
    """Names the place in the template in errors about the code."""
    try:
        yield
    except ToolError as error:
        raise ToolError(f"{place}: {error}", error.output.splitlines(), code=error.code) from error
    except InjectorError as error:
        raise InjectorError(f"{place}: {error}", code=error.code) from error


def _source(document: Document, code: LocalCode, folder: Path) -> Path:
    source = Path(os.path.normpath(folder / code.location))
    if not source.exists():
        raise InjectorError(
            f"{document.where(code.source)}: {code.kind.property} of {code.logical_id} names {visible(code.location)}, "
            f"and {visible(str(source))} does not exist; correct the path, which starts at the template's folder",
            code="CI642",
        )
    return source


def _edits(bucket: Bucket, found: Sequence[tuple[LocalCode, CodeZip]]) -> Iterator[Edit]:
    """The edits that name the uploaded code. In Globals stands that of the first function without its own."""
    shared: dict[TemplatePath, str] = {}
    for code, made in found:
        key = bucket.key(made.content_hash)
        value = f"s3://{bucket.name}/{key}" if code.kind.is_url else {"S3Bucket": bucket.name, "S3Key": key}
        if code.source != code.path:
            if code.source not in shared:
                yield Edit(code.source, value)
            if shared.setdefault(code.source, key) == key:
                continue
        yield Edit(code.path, value)


class Packager(NamedTuple):
    """What packages a template: where to, how, and with which clients."""

    bucket: Bucket
    options: Options
    clients: Clients
    bar: Progress
    runtime: str | None = None
    architecture: str | None = None
    changes: Changes = Changes()

    def package(self, document: Document, folder: Path) -> tuple[str, Sequence[Uploaded], Sequence[CodeZip]]:
        """The text of the packaged template, what is in S3 now, and the zips that were made.

        ``folder`` is where relative paths start. Nothing is uploaded before everything is built and the template is
        edited. Raises InjectorError.
        """
        with tempfile.TemporaryDirectory(prefix="cfn-injector-") as scratch:
            found = list(self._zips(document, folder, Path(scratch)))
            edits = list(_edits(self.bucket, found))
            edits += transform(applied(document.data, edits), self.changes)
            text = spliced(document, edits)
            made = {each.content_hash: each for _, each in reversed(found)}
            uploaded = [self._uploaded(found, each) for each in reversed(made.values())]
        return text, uploaded, list(made.values())

    def _zips(self, document: Document, folder: Path, scratch: Path) -> Iterator[tuple[LocalCode, CodeZip]]:
        """The zip of each local code; the same one for the same source and platform."""
        zips: dict[Any, CodeZip] = {}
        for code in local_code(document.data):
            source = _source(document, code, folder)
            is_layer = code.kind.is_layer
            options = _options(document, code, self)
            platform = (options.runtime, options.architecture) if source.is_dir() and not is_layer else ()
            same = (source.resolve(), is_layer, platform)
            if same not in zips:
                self.bar.show(f"bundling {code.logical_id}")
                with _located(f"{document.where(code.source)}: {code.kind.property} of {code.logical_id}"):
                    zips[same] = code_zip(source, scratch / f"{len(zips)}.zip", options, self.bar, is_layer=is_layer)
            yield code, zips[same]

    def _uploaded(self, found: Sequence[tuple[LocalCode, CodeZip]], made: CodeZip) -> Uploaded:
        key = self.bucket.key(made.content_hash)
        self.bar.show(f"uploading {key}")
        size = made.path.stat().st_size
        sent = upload(made.path, key, self.bucket, self.clients)
        ids = [code.logical_id for code, other in found if other.content_hash == made.content_hash]
        return Uploaded(ids, self.bucket.name, key, size, sent)


def _as_json(uploaded: Sequence[Uploaded], output: str | None) -> str:
    artifacts = [{**each._asdict(), "logical_ids": list(each.logical_ids)} for each in uploaded]
    return json.dumps({"output_template_file": output, "artifacts": artifacts})


def _as_text(uploaded: Sequence[Uploaded], output: str | None) -> Iterator[str]:
    if not uploaded:
        yield "the template names no local code that this command uploads"
    for each in uploaded:
        state = megabytes(each.size) if each.sent else "is there already"
        yield f"{each.url}  {state}  {', '.join(each.logical_ids)}"
    if output:
        yield f"wrote {shown(output)}; deploy it with: aws cloudformation deploy --template-file {shown(output)}"


def run(arguments: argparse.Namespace) -> str | Result:
    document = read_template(arguments.template)
    bucket = Bucket(arguments.s3_bucket, arguments.s3_prefix, arguments.kms_key_id, arguments.force_upload)
    folder = Path(arguments.template).absolute().parent
    given = bundling_options(arguments)
    try:
        with progress() as bar:
            changes = transform_options(arguments)
            packager = Packager(
                bucket, given, clients(arguments), bar, arguments.runtime, arguments.architecture, changes
            )
            text, uploaded, zips = packager.package(document, folder)
    except ToolError as error:
        print(error.output, file=sys.stderr)
        raise
    for made in zips:
        for kind, sentences in (("warning", made.warnings), ("note", made.notes)):
            for sentence in sentences:
                print(f"cfn-injector: {kind}: {made.name}: {sentence}", file=sys.stderr)
    output = arguments.output_template_file
    told = _as_json(uploaded, output) if arguments.json else "\n".join(_as_text(uploaded, output))
    if output:
        LocalDestination(output).assemble(EMPTY, [Insert(text.encode())])
        return told
    print(told, file=sys.stderr)
    return Result("", written(text.encode()))
