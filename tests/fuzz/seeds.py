"""Small archives to start from: one of each form that is accepted."""

from __future__ import annotations

from tests.support.zips import (
    EMPTY,
    FOLDER,
    LINK,
    UTF8,
    Member,
    built,
    extra,
    signing_block,
    streamed,
    unicode_path,
    written,
)

A, ENV = Member(b"a", b"a" * 9, deflated=True), Member(b".env", b"A=1\nSTAGE=none\n")
SYNTAX = b"""\xef\xbb\xbf# a\r\n \t\nexport A = 'b\n' # c\nSTAGE="a\\n\\"$\\\\"\nB=x y # z\nHOSTS='"' \nHOSTS=\r"""
SEEDS: dict[str, bytes] = {
    "nothing": b"",
    "empty": EMPTY,
    "empty in ZIP64": built([], zip64=True),
    "zipfile": written({"a": b"a" * 9, ".env": b"A=1\n", "b/": b""}),
    "zipfile, streamed": streamed({"a": b"a" * 9, ".env": b"A=1\n"}),
    "comment": built([A, ENV], comment=b"c" * 9),
    "an end of central directory record in the comment": built([A], comment=EMPTY + b"!"),
    "no .env": built([A, Member(b"b/c")]),
    "a folder named ./": built([Member(b"./", attributes=FOLDER), Member(b"./.env", b"A=1"), Member(b"./a")]),
    "all syntax": built([Member(b".env", SYNTAX)]),
    "deflated": built([Member(b".env", SYNTAX, deflated=True), A]),
    "ZIP64": built([A, ENV], zip64=True),
    "ZIP64 with data": built([ENV, A], zip64=True, zip64_data=b"x" * 9),
    "ZIP64 fields": built([ENV, Member(b"a", b"a", wide=("size", "packed", "offset"), local_wide=True)], zip64=True),
    "ZIP64 disk": built([ENV, Member(b"a", wide=("disk",))]),
    "ZIP64 .env": built([Member(b".env", b"A=1", wide=("size", "packed"), local_wide=True), A]),
    "descriptor": built([Member(b".env", b"A=1", descriptor="signed"), A]),
    "bare descriptor": built([A, Member(b".env", b"A=1", descriptor="bare")]),
    "wide descriptor": built([Member(b".env", b"A=1", descriptor="wide", local_wide=True), A]),
    "prefix": built([A, ENV], prefix=b"#!/bin/sh\n"),
    "relative prefix": built([A, ENV], prefix=b"#!/bin/sh\n", relative=True),
    "signing block": built([A, ENV], before_directory=signing_block(b"s")),
    "another order": built([A, ENV, Member(b"b")], order=[2, 0, 1]),
    "dead bytes": built([Member(b"a", behind=b"dead" * 3), Member(b".env", b"A=1", behind=b"dead")]),
    "extras": built([ENV, Member(b"a", extra=extra(0x5455, b"\1" + bytes(4)) + b"\0\0", local_extra=b"\0\0\0")]),
    "Unicode path": built([Member(b"a", extra=unicode_path(b"a", "é")), ENV]),
    "backslashes": built([Member(b"a\\b"), Member(b"a/c"), ENV]),
    "link": built([Member(b"a", b"b", attributes=LINK), Member(b"\xc3\xa9", flags=UTF8), ENV]),
    "DOS": built([Member(b"a", made=20, attributes=0x20), Member(b".env", b"A=1", made=20, attributes=0x20)]),
    "signed": built([Member(b"META-INF/aws_signer_signature_v1.0.SF"), ENV]),
}
