"""The properties of ``Custom::LambdaFunction``: what each of them does.

Data alone: docs/reference/lambda-function.md shows it, and a test checks that ``spec`` knows the same names.
"""

from __future__ import annotations

from collections.abc import Mapping

from cfn_injector import env_from, env_loader, env_properties

OWN: Mapping[str, tuple[str, str]] = {
    **env_properties.PROPERTIES,
    **env_from.PROPERTIES,
    **env_loader.PROPERTIES,
    "Publish": ("Boolean", "publish a version after every change of code, `Env` or configuration"),
    "KeepVersions": (
        "Integer",
        "with `Publish`: how many old versions to keep, at least one. Versions that an alias uses always stay, and a "
        "rollback deletes none. Default: all",
    ),
    "Edge": (
        "Boolean",
        "refuse everything that Lambda@Edge does not support, before anything changes. It implies `Publish`. The stack "
        "must be in us-east-1",
    ),
    "Adopt": ("Boolean", "take over the existing function that `FunctionName` names"),
}
"""Properties that ``AWS::Lambda::Function`` does not have: type and meaning."""

NATIVE: Mapping[str, str] = {
    "Architectures": "the instruction set: `x86_64` (default) or `arm64`",
    "CapacityProviderConfig": "the capacity provider of a function on Lambda Managed Instances",
    "Code": "the artifact: `S3Bucket`, `S3Key` and `S3ObjectVersion`; or source in `ZipFile`, for Python and "
    "Node.js. `SourceKMSKeyArn` restricts who can read the code. `ImageUri` is refused, and so is "
    "`S3ObjectStorageMode: REFERENCE`",
    "CodeSigningConfigArn": "the code signing configuration. One that enforces signatures is refused: an injected "
    "archive has none",
    "DeadLetterConfig": "the queue or topic that gets events of asynchronous invocations which failed",
    "Description": "a description of the function",
    "DurableConfig": "timeout and retention period of a durable function",
    "Environment": "variables in the function's configuration. A name cannot be in `Env`, too",
    "EphemeralStorage": "the size of `/tmp` in MB: 512 (default) to 10,240",
    "FileSystemConfigs": "file systems of Amazon EFS or Amazon S3 Files, and where they are mounted",
    "FunctionName": "the name. It must begin with `FunctionNamePrefix` of the provider's stack. Default: the stack's "
    "name, the logical ID and a hash",
    "FunctionScalingConfig": "with `Publish`, on Lambda Managed Instances: the execution environments of a version",
    "Handler": "the function's own handler, such as `app.handler`. With the loader `handler`, Lambda gets the loader's",
    "ImageConfig": "refused: no file can be injected into a container image",
    "KmsKeyArn": "the KMS key that encrypts the variables in `Environment` and the snapshots of SnapStart",
    "Layers": "the ARNs of versions of layers",
    "LoggingConfig": "the log group, the format of the log and its levels. Default: text, in `/aws/lambda/` and the "
    "function's name",
    "MemorySize": "the memory in MB. Default: 128",
    "PackageType": "`Zip`. Container images are refused",
    "PublishToLatestPublished": "on Lambda Managed Instances: publish to the version `$LATEST.PUBLISHED`. It implies "
    "`Publish`",
    "RecursiveLoop": "whether Lambda stops the function in a recursive loop: `Terminate` (default) or `Allow`",
    "ReservedConcurrentExecutions": "the concurrency that is reserved for the function, which is also its maximum",
    "Role": "the ARN of the function's role. It must be below `RolePath` of the provider's stack",
    "Runtime": "the runtime, such as `python3.13`. `EnvLoader` depends on it",
    "RuntimeManagementConfig": "when Lambda updates the runtime. Default: `Auto`",
    "SnapStart": "whether published versions start from a snapshot",
    "Tags": "tags, as a list of `Key` and `Value`. Those of the stack are added; together at most 43",
    "TenancyConfig": "whether Lambda isolates the tenants of the function from each other",
    "Timeout": "how many seconds the function may run. Default: 3",
    "TracingConfig": "whether AWS X-Ray traces requests: `PassThrough` (default) or `Active`",
    "VpcConfig": "the subnets and security groups of a function in a VPC",
}
"""Properties that ``AWS::Lambda::Function`` has, too."""

ANY = "a change"
REPLACING: Mapping[str, str] = {
    "CapacityProviderConfig": "its removal",
    "DurableConfig": "adding or removing it",
    "FunctionName": ANY,
    "TenancyConfig": ANY,
}
"""What only a new function can have: which change of the property replaces the function."""

FIXED = frozenset({env_properties.CONNECT, "ImageConfig", "PackageType"})
"""What never changes, because it is refused, or has one value only."""
