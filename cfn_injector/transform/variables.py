"""Which variables of a function's ``Environment`` have to stay there: takes a name, returns whether it stays.

A loader sets variables when the function's process has started, and only in that process. So variables stay that
something else reads: Lambda, the runtime or the interpreter while it starts, or an extension, which is another process.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
https://docs.aws.amazon.com/lambda/latest/dg/lambda-extensions.html
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from cfn_injector.env_properties import LOADER_VARIABLES, RESERVED_VARIABLES

STAY = (
    *sorted(LOADER_VARIABLES | RESERVED_VARIABLES),
    # Lambda, its runtimes, and X-Ray's daemon. Lambda presets TZ and LANG.
    *("AWS_LAMBDA_*", "AWS_XRAY_*", "LAMBDA_*", "LANG", "LC_*", "TZ", "_LAMBDA_*"),
    # Linux and the interpreters, while they start.
    *("GLIBC_TUNABLES", "LD_*", "MALLOC_*", "SSL_CERT_*", "UV_*"),
    *("PYTHON*", "NODE_EXTRA_CA_CERTS", "NODE_ICU_DATA", "NODE_NO_WARNINGS", "NODE_PENDING_*", "NODE_V8_COVERAGE"),
    *("JAVA_*", "JDK_*", "_JAVA_OPTIONS", "CLASSPATH", "RUBY*", "GEM_*", "BUNDLE_*", "DOTNET_*", "CORECLR_*"),
    # Extensions: of AWS for parameters, secrets and AppConfig, the web adapter, and of those that observe functions.
    *("AWS_APPCONFIG_EXTENSION_*", "AWS_LWA_*", "PARAMETERS_SECRETS_EXTENSION_*", "SSM_PARAMETER_STORE_TIMEOUT_*"),
    *("SECRETS_MANAGER_TIMEOUT_*", "DD_*", "DT_*", "ELASTIC_APM_*", "LUMIGO_*", "NEW_RELIC_*", "OPENTELEMETRY_*"),
    *("OTEL_*", "SPLUNK_*", "SUMO_*"),
)
"""Names and patterns of names, in which ``*`` stands for any text."""


def stays(name: str, keep: Iterable[str] = ()) -> bool:
    """Whether a variable stays in ``Environment``. ``keep`` are the template's own names and patterns."""
    return any(fnmatchcase(name, pattern) for pattern in (*STAY, *keep))
