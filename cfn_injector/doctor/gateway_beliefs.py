"""Beliefs about API Gateway: the tags of an API, and deployments to a stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from botocore.exceptions import ClientError

from cfn_injector.doctor import stacks
from cfn_injector.doctor.beliefs import Answer, compare, judge
from cfn_injector.doctor.cleanup import explained
from cfn_injector.doctor.session import Session
from cfn_injector.resources.api_gateway_resource.paths import CREATED, MAX_TAGS

STAGE = "doctor"


class Api(NamedTuple):
    """A REST API: its ID, and its ARN."""

    id: str
    arn: str


def _make(session: Session) -> Api:
    # A stack creates it, so that it has the tags of AWS that do not count.
    stack = stacks.create(
        session,
        "api",
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": session.name}}},
            "Outputs": {"Id": {"Value": {"Ref": "Api"}}},
        },
    )
    id, meta = stacks.require(stack, "CREATE_COMPLETE").outputs["Id"], session.client("apigateway").meta
    return Api(id, f"arn:{meta.partition}:apigateway:{meta.region_name}::/restapis/{id}")


def _api(session: Session) -> Api:
    return session.once("the REST API", _make)


def check_tags(session: Session) -> Iterator[Answer]:
    gateway, api = session.client("apigateway"), _api(session)
    # As Custom::APIGatewayResource writes them: the ID of a resource, and the name of who created it.
    tags = {f"{CREATED}{number:010x}": f"{session.name}-Method-ABCDEFGHIJKL" for number in range(MAX_TAGS)}
    given = gateway.get_tags(resourceArn=api.arn).get("tags") or {}
    of_aws = sum(key.startswith("aws:") for key in given)
    try:
        gateway.tag_resource(resourceArn=api.arn, tags=tags)
    except ClientError as error:
        yield compare(f"{MAX_TAGS} tags beside {of_aws} of AWS", "accepted", explained(error))
        return
    kept = gateway.get_tags(resourceArn=api.arn).get("tags") or {}
    same = sum(kept.get(key) == value for key, value in tags.items())
    yield compare(f"{MAX_TAGS} tags beside {of_aws} of AWS", f"{MAX_TAGS} kept", f"{same} kept")
    try:
        gateway.tag_resource(resourceArn=api.arn, tags={f"{CREATED}more": "one"})
    except ClientError as error:
        yield judge("one more tag", "refused", f"refused: {explained(error)}", right=True)
    else:
        yield compare("one more tag", "refused", "accepted")
    gateway.untag_resource(resourceArn=api.arn, tagKeys=list(tags))
    left = gateway.get_tags(resourceArn=api.arn).get("tags") or {}
    yield compare("the tags are removed", "0 left", f"{sum(key in left for key in tags)} left")


def check_deployments(session: Session) -> Iterator[Answer]:
    gateway, id = session.client("apigateway"), _api(session).id
    (root,) = [each["id"] for each in gateway.get_resources(restApiId=id)["items"] if each["path"] == "/"]
    method = {"restApiId": id, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})

    def deploy(description: str, **stage: str) -> str:
        arguments = {"restApiId": id, "stageName": STAGE, "description": description, **stage}
        made: str = session.patiently("a deployment", lambda: gateway.create_deployment(**arguments))["id"]
        return made

    def stage() -> str:
        found = gateway.get_stage(restApiId=id, stageName=STAGE)
        names = {first: "first", second: "second"}
        return f"{names.get(found['deploymentId'], 'another')} deployment; {found.get('description')}"

    first, second = deploy("first", stageDescription="described by the first"), ""
    yield compare("the stage after a deployment", "first deployment; described by the first", stage())
    second = deploy("second")
    yield compare("the stage after another one", "second deployment; described by the first", stage())
    summary = gateway.get_deployment(restApiId=id, deploymentId=second, embed=["apisummary"]).get("apiSummary") or {}
    yield compare("its summary has the method", "GET", ", ".join(summary.get("/", {})) or "no method")
