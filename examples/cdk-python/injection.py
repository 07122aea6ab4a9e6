"""Puts variables into the code of native functions, by the provider's resource type Custom::LambdaCode."""

import re

import jsii
from aws_cdk import CustomResource, Duration, Fn, IAnyProducer, IAspect, Lazy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3


class LambdaCode(CustomResource):
    """A copy of an artifact that contains the variables of ``Env``. One copy serves all functions in ``Handlers``."""

    def __init__(self, scope, id, artifact, **properties):
        code = {"S3Bucket": artifact.bucket_name, "S3Key": artifact.object_key}
        super().__init__(
            scope,
            id,
            resource_type="Custom::LambdaCode",
            service_token=Fn.import_value("cfn-injector-ServiceToken"),
            service_timeout=Duration.minutes(20),
            properties={"Code": {**code, "S3ObjectVersion": artifact.object_version}, **properties},
        )

    def function(self, name):
        """Properties of the function whose name in ``Handlers`` is ``name``."""
        bucket = s3.Bucket.from_bucket_name(self, name, self.get_att_string("S3Bucket"))
        return {
            "code": lambda_.Code.from_bucket_v2(bucket, self.get_att_string("S3Key")),
            "handler": self.get_att_string(f"Handler.{name}"),
            "current_version_options": lambda_.VersionOptions(code_sha256=self.get_att_string("CodeSha256")),
        }


@jsii.implements(IAspect)
class InjectEnvironment:
    """Moves the variables of each Python and Node.js function below a construct from ``Environment`` into its code."""

    def visit(self, node):
        function = node.lambda_ if isinstance(node, lambda_.Version) else node
        code = code_of(function) if isinstance(function, lambda_.Function) else None
        if code and isinstance(node, lambda_.Version):
            node.node.default_child.code_sha256 = code.get_att_string("CodeSha256")


# Read by Lambda, by the interpreter while it starts, or by extensions: these variables stay in Environment.
STAYS = re.compile(r"AWS_|DD_|LAMBDA_|LC_|LD_|NEW_RELIC_|NODE_|OTEL_|PYTHON|_|(LANG|PATH|TZ)$")


@jsii.implements(IAnyProducer)
class Variables:
    """Those variables of ``environment`` that stay, or the others, when the template is written."""

    def __init__(self, environment, *, stay):
        self.environment, self.stay = environment, stay

    def produce(self, context):
        found = context.resolve(self.environment)["variables"].items()
        return {name: value for name, value in found if bool(STAYS.match(name)) == self.stay}


def code_of(function):
    """The function's copy of its artifact, made at the first call. None if the function has nothing to move."""
    native, made = function.node.default_child, function.node.try_find_child("LambdaCode")
    properties = native._cfn_properties  # as written: the public attributes lose what is not yet resolved
    artifact, environment = properties["code"], properties["environment"]
    variables = (Stack.of(function).resolve(environment) or {}).get("variables", {})
    movable = "s3Bucket" in artifact and re.match("nodejs|python", properties.get("runtime") or "")
    if made or not movable or all(map(STAYS.match, variables)):
        return made
    location = s3.Location(
        bucket_name=artifact["s3Bucket"],
        object_key=artifact["s3Key"],
        object_version=artifact.get("s3ObjectVersion"),
    )
    env, kept = (Lazy.uncached_any(Variables(environment, stay=stay)) for stay in (False, True))
    made = LambdaCode(function, "LambdaCode", location, Runtime=native.runtime, Handler=native.handler, Env=env)
    native.code = {"s3Bucket": made.get_att_string("S3Bucket"), "s3Key": made.get_att_string("S3Key")}
    native.handler = made.get_att_string("Handler")
    native.environment = {"variables": kept}
    return made
