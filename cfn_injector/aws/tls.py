"""One TLS context for all of the process's connections to AWS, which loads the root certificates once.

Takes boto3 clients. Returns whether a client uses the context, and the context, which the answer to CloudFormation
uses too.

urllib3 loads the roots again for each connection, which takes more CPU time than everything else in an event, and
botocore has no setting for it: https://github.com/urllib3/urllib3/issues/3623,
https://github.com/boto/botocore/issues/3171. So this module, and no other, reaches into a client: it replaces the
context of the client's connection pools. A client that is built in another way than expected stays as it is.

Nothing else changes. The roots are those that the client would use: botocore's, or the bundle of ``AWS_CA_BUNDLE``,
``REQUESTS_CA_BUNDLE`` or ``ca_bundle``. Certificates and host names are verified, and the context refuses to be told
otherwise. A client that does not verify certificates, that has a certificate of its own, or that uses a proxy does not
get the context.
"""

from __future__ import annotations

import os
import ssl
from typing import Any

_VERIFIED = {"verify_mode": ssl.CERT_REQUIRED, "check_hostname": True}


class _Context(ssl.SSLContext):
    """A context that keeps the root certificates that it loads first, and always verifies."""

    _loaded: tuple[Any, Any, Any] | None = None

    def load_verify_locations(self, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        wanted = (cafile, capath, cadata)
        if self._loaded is None:
            super().load_verify_locations(*wanted)
            self._loaded = wanted
        elif wanted != self._loaded:
            raise ValueError("a shared TLS context does not load other root certificates")

    def __setattr__(self, name: str, value: Any) -> None:
        if _VERIFIED.get(name, value) != value:
            raise ValueError(f"a shared TLS context does not change {name}")
        super().__setattr__(name, value)


_contexts: dict[str, _Context] = {}


def _context(bundle: str) -> _Context:
    """The context with the roots of this file. Raises OSError if the file cannot be loaded."""
    if bundle not in _contexts:
        context = _Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and takes TLS 1.2 and later
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET  # as botocore's
        context.load_verify_locations(bundle, None, None)
        _contexts[bundle] = context
    return _contexts[bundle]


def _pool_settings(client: Any) -> dict[str, Any]:
    """What each connection pool of the client is made with."""
    settings: dict[str, Any] = client._endpoint.http_session._manager.connection_pool_kw
    return settings


def share_roots(client: Any) -> bool:
    """Makes the client use the process's context, before it has connected. Returns whether it does."""
    from botocore.httpsession import get_cert_path

    try:
        settings, verify = _pool_settings(client), client._endpoint.http_session._verify
        if not isinstance(settings["ssl_context"], ssl.SSLContext) or settings["cert_file"] or not verify:
            return False
        settings["ssl_context"] = _context(os.fspath(get_cert_path(verify)))
    except (AttributeError, KeyError, TypeError, OSError):
        # botocore was changed, or the bundle cannot be loaded, which the client reports when it connects.
        return False
    return True


def shared() -> ssl.SSLContext | None:
    """The context, if a client uses it."""
    return next(iter(_contexts.values()), None)
