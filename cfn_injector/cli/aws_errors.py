"""Explains errors of AWS and of botocore to a person who has credentials of their own.

Takes an exception. Returns what is wrong and what to do, without botocore's texts, which may contain a URL.

Many errors have nothing to do with the object: credentials are missing or have expired, or no Region is configured.
Then a message about the object's permissions or KMS key would mislead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from cfn_injector.cli.display import s3_object, shown, visible
from cfn_injector.errors import InjectorError, StorageError, code_of


class Explanation(NamedTuple):
    """``problem`` and ``remedy`` of a message, "PROBLEM; REMEDY", and its ``code``."""

    problem: str
    remedy: str
    code: str


_SIGN_IN = "sign in again, for example with: aws sso login"
_EXPIRED = Explanation("the AWS credentials have expired", _SIGN_IN, "CI732")
_REJECTED = Explanation(
    "AWS does not accept the credentials", "check --profile, or AWS_PROFILE and AWS_ACCESS_KEY_ID", "CI731"
)
_CHECK_FILE = "correct the file that AWS_CONFIG_FILE names, or ~/.aws/config"
_SETTINGS = {
    "InvalidChecksumConfigError": "{config_key}",
    "InvalidDefaultsMode": "AWS_DEFAULTS_MODE or defaults_mode",
    "InvalidIMDSEndpointError": "AWS_EC2_METADATA_SERVICE_ENDPOINT or ec2_metadata_service_endpoint",
    "InvalidIMDSEndpointModeError": "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE or ec2_metadata_service_endpoint_mode",
    "InvalidMaxRetryAttemptsError": "AWS_MAX_ATTEMPTS or max_attempts",
    "InvalidS3AddressingStyleError": "addressing_style",
    "InvalidS3UsEast1RegionalEndpointConfigError": "s3_us_east_1_regional_endpoint",
    "InvalidSTSRegionalEndpointsConfigError": "AWS_STS_REGIONAL_ENDPOINTS or sts_regional_endpoints",
}
"""The setting that each of botocore's errors is about."""
_CORRECT_SETTING = "correct the environment variable, or the setting in the AWS configuration"
_CHECK_ENDPOINT = "check the network, --region and --endpoint-url, or AWS_ENDPOINT_URL"

_KINDS: Mapping[str, Explanation] = {
    "NoCredentialsError": Explanation(
        "there are no AWS credentials", "give --profile, set AWS_PROFILE, or run: aws configure", "CI731"
    ),
    "NoAuthTokenError": Explanation("there is no AWS token", _SIGN_IN, "CI732"),
    "PartialCredentialsError": Explanation(
        "the AWS credentials lack {cred_var}", "set both the access key ID and the secret access key", "CI731"
    ),
    "CredentialRetrievalError": Explanation(
        "the AWS credentials could not be retrieved", "check the profile, such as its credential_process", "CI731"
    ),
    "ProfileNotFound": Explanation(
        "the AWS profile {profile} does not exist",
        "correct it, or list them: aws configure list-profiles",
        "CI731",
    ),
    "NoRegionError": Explanation("no AWS Region is configured", "give --region, or set AWS_REGION", "CI733"),
    "InvalidRegionError": Explanation("the AWS Region is not valid", "correct --region or AWS_REGION", "CI733"),
    "SSOError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "LoginError": Explanation(
        "the AWS credentials have expired", "sign in again, for example with: aws login", "CI732"
    ),
    "ConfigParseError": Explanation("the AWS configuration cannot be read", _CHECK_FILE, "CI734"),
    "ConfigNotFound": Explanation("the AWS configuration does not exist", _CHECK_FILE, "CI734"),
    "InvalidConfigError": Explanation("the AWS configuration is not valid", _CHECK_FILE, "CI734"),
    **{
        name: Explanation(f"the value of {setting} is not valid", _CORRECT_SETTING, "CI734")
        for name, setting in _SETTINGS.items()
    },
    "SSLError": Explanation(
        "the certificate of the endpoint is not trusted",
        "set AWS_CA_BUNDLE to the file with its certificate authority",
        "CI735",
    ),
    "ProxyConnectionError": Explanation("no connection to the proxy", "check HTTPS_PROXY", "CI735"),
    "ConnectionError": Explanation("no connection to AWS", _CHECK_ENDPOINT, "CI735"),
    "HTTPClientError": Explanation("the connection to AWS failed", _CHECK_ENDPOINT, "CI735"),
}
"""By the name of botocore's class, because an import of botocore takes longer than many commands. Subclasses count.
``{profile}``, ``{cred_var}`` and ``{config_key}`` are what the error holds under that name.
"""

_EXPIRED_CODES = ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired")
_REJECTED_CODES = (
    *("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken"),
    *("SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", "MissingAuthenticationToken"),
)
_CLOCK = Explanation("the clock of this machine is wrong", "set it, for example by NTP", "CI736")
_CODES: Mapping[str, Explanation] = {
    **dict.fromkeys(_EXPIRED_CODES, _EXPIRED),
    **dict.fromkeys(_REJECTED_CODES, _REJECTED),
    "RequestTimeTooSkewed": _CLOCK,
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
"""

_OBJECT = "check that it exists and does not change, and that your credentials allow this"
_ACCESS = "check that it exists, and that your credentials and its KMS key allow this"


def explanation(error: Exception) -> Explanation | None:
    """What is wrong with credentials, Region or connection; None if the error is about what was asked for."""
    kinds = (each.__name__ for each in type(error).__mro__ if each.__module__.startswith("botocore."))
    found = next((_KINDS[name] for name in kinds if name in _KINDS), None)
    if found is None:
        return _CODES.get(code_of(error))
    return found._replace(problem=visible(found.problem.format_map(getattr(error, "kwargs", {}))))


def reason(error: Exception) -> str:
    """AWS's error code, or botocore's own text in one line."""
    return code_of(error) or visible(" ".join(str(error).split()).rstrip("."))


@contextmanager
def calls_explained(what: str, remedy: str) -> Iterator[None]:
    """Turns errors of AWS and botocore into InjectorErrors: "WHAT: reason; remedy"."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        found = explanation(error) or Explanation(reason(error), remedy, "CI737")
        raise InjectorError(f"{what}: {found.problem}; {found.remedy}", code=found.code) from error


@contextmanager
def object_explained(location: str) -> Iterator[None]:
    """Turns errors about the object at an S3 URL into InjectorErrors."""
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key, _ = s3_object(location)
    try:
        yield
    except (BotoCoreError, ClientError, StorageError) as error:
        cause = error.__cause__ if isinstance(error, StorageError) else error
        if isinstance(error, StorageError) and not str(error).startswith(f"s3://{bucket}/{key} "):
            raise
        if not isinstance(cause, (BotoCoreError, ClientError)):
            raise
        found = explanation(cause)
        if found is None and isinstance(cause, ClientError):
            code = code_of(cause)
            denied = code.startswith("KMS.") or code in ("AccessDenied", "403")
            remedy = _ACCESS if denied else _OBJECT
            found = Explanation(f"{cause.operation_name} failed with {code}", remedy, "CI738")
        found = found or Explanation(reason(cause), _OBJECT, "CI738")
        raise InjectorError(f"{shown(location)}: {found.problem}; {found.remedy}", code=found.code) from cause
