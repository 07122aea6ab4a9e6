"""``Connect`` in templates: variables, one policy on the role, dependencies, and what is refused by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cfn_injector.errors import PropertiesError
from cfn_injector.transform import Options, transform
from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.connections import default_prefix
from cfn_injector.transform.connector import ACCESS
from cfn_injector.transform.connectors import CONNECTORS
from cfn_injector.transform.edits import applied
from tests.support.connected import NATIVE, OURS, ROLE, SAM_FUNCTION, connected

TABLE = {"Type": "AWS::DynamoDB::Table", "Properties": {}}
QUEUE = {"Type": "AWS::SQS::Queue"}
BUCKET = {"Type": "AWS::S3::Bucket"}
CODE = {
    "Type": "Custom::LambdaCode",
    "Properties": {"ServiceToken": "x", "Code": {"S3Bucket": "b", "S3Key": "k"}, "Connect": {"Table": "Read"}},
}
USES_CODE = {name: {"Fn::GetAtt": ["Code", name]} for name in ("S3Bucket", "S3Key")}
KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def result(template: Mapping[str, Any]) -> dict[str, Any]:
    """The resources after the edits."""
    found: dict[str, Any] = applied(template, connect_edits(template))["Resources"]
    return found


def env(resources: Mapping[str, Any], name: str = "Fn") -> Any:
    return resources[name]["Metadata"]["CfnInjector"]["Env"]


def statements(resources: Mapping[str, Any], policy: str = "FnConnect") -> Any:
    return resources[policy]["Properties"]["PolicyDocument"]["Statement"]


def refused(template: Mapping[str, Any]) -> str:
    with pytest.raises(PropertiesError) as caught:
        connect_edits(template)
    return str(caught.value)


def changed(resource: Mapping[str, Any], **properties: Any) -> dict[str, Any]:
    return {**resource, "Properties": {**resource.get("Properties", {}), **properties}}


def test_names_and_arns_come_into_env_and_four_actions_into_a_policy_that_the_function_waits_for() -> None:
    template = connected(NATIVE, {"Table": "Write", "JobQueue": {"Access": "Read", "Prefix": "JOBS"}})
    template["Resources"] |= {"Table": TABLE, "JobQueue": QUEUE}
    found = result(template)
    assert env(found) == {
        "TABLE_NAME": {"Ref": "Table"},
        "TABLE_ARN": {"Fn::GetAtt": ["Table", "Arn"]},
        "JOBS_URL": {"Ref": "JobQueue"},
        "JOBS_ARN": {"Fn::GetAtt": ["JobQueue", "Arn"]},
        "JOBS_NAME": {"Fn::GetAtt": ["JobQueue", "QueueName"]},
    }
    assert "Connect" not in found["Fn"]["Metadata"]["CfnInjector"]
    assert found["Fn"]["DependsOn"] == "FnConnect"
    assert found["FnConnect"] == {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "FnConnect",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements(found)},
            "Roles": [{"Ref": "Role"}],
        },
    }
    table, queue = statements(found)
    assert table == {
        "Sid": "TableWrite",
        "Effect": "Allow",
        "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
        "Resource": [{"Fn::GetAtt": ["Table", "Arn"]}],
    }
    assert queue["Action"] == ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"]


def test_a_template_without_connect_is_left_alone_and_so_is_a_result() -> None:
    assert connect_edits({}) == []
    template = connected(NATIVE, {"Table": ["Read", "Write"]}, Table=TABLE)
    assert connect_edits(applied(template, connect_edits(template))) == []
    other = {"Resources": {"X": {"Type": "AWS::Other::Thing", "Properties": {"Connect": {"Table": "Read"}}}}}
    assert connect_edits(other) == []


def test_env_that_is_there_stays_and_further_dependencies_follow_those_that_are_there() -> None:
    function = {**NATIVE, "DependsOn": ["Queue"]}
    template = connected(function, {"Table": "Read"}, Table=TABLE, Queue=QUEUE)
    template["Resources"]["Fn"]["Metadata"]["CfnInjector"]["Env"] = {"A": "1"}
    found = result(template)
    assert list(env(found)) == ["A", "TABLE_NAME", "TABLE_ARN"]
    assert found["Fn"]["DependsOn"] == ["Queue", "FnConnect"]


def test_our_functions_have_connect_and_env_among_their_properties() -> None:
    found = result(connected(OURS, {"Table": "Read"}, Table=TABLE))
    assert list(found["Fn"]["Properties"]["Env"]) == ["TABLE_NAME", "TABLE_ARN"]
    assert "Connect" not in found["Fn"]["Properties"]
    assert found["FnConnect"]["Properties"]["Roles"] == [{"Ref": "Role"}]


def test_a_function_of_sam_without_a_role_has_the_one_that_sam_makes() -> None:
    found = result(connected(SAM_FUNCTION, {"Table": "Read"}, Table=TABLE))
    assert found["FnConnect"]["Properties"]["Roles"] == [{"Ref": "FnRole"}]


def test_code_that_functions_share_gives_its_policy_to_all_their_roles() -> None:
    functions = {
        "One": changed(NATIVE, Code=USES_CODE, Role={"Fn::GetAtt": "RoleOne.Arn"}),
        "Two": changed(NATIVE, Code=USES_CODE, Role={"Fn::Sub": "${RoleTwo.Arn}"}),
        "Other": NATIVE,
    }
    roles = {"Role": ROLE, "RoleOne": ROLE, "RoleTwo": ROLE}
    found = result({"Resources": {"Code": CODE, "Table": TABLE, **functions, **roles}})
    assert list(found["Code"]["Properties"]["Env"]) == ["TABLE_NAME", "TABLE_ARN"]
    assert found["CodeConnect"]["Properties"]["Roles"] == [{"Ref": "RoleOne"}, {"Ref": "RoleTwo"}]
    assert found["One"]["DependsOn"] == found["Two"]["DependsOn"] == "CodeConnect"
    assert "DependsOn" not in found["Code"]
    assert found["Other"] == NATIVE


def test_functions_of_one_code_may_share_a_role() -> None:
    one = changed(NATIVE, Code=USES_CODE)
    found = result({"Resources": {"Code": CODE, "Table": TABLE, "One": one, "Two": one, "Role": ROLE}})
    assert found["CodeConnect"]["Properties"]["Roles"] == [{"Ref": "Role"}]


def test_a_function_waits_for_its_own_policy_and_for_that_of_its_code() -> None:
    template = connected(changed(NATIVE, Code=USES_CODE), {"Queue": "Write"}, Code=CODE, Table=TABLE, Queue=QUEUE)
    assert result(template)["Fn"]["DependsOn"] == ["FnConnect", "CodeConnect"]


def test_a_policy_exists_if_its_function_does() -> None:
    template = connected({**NATIVE, "Condition": "IsProd"}, {"Table": "Read"}, Table={**TABLE, "Condition": "IsProd"})
    assert result(template)["FnConnect"]["Condition"] == "IsProd"


@pytest.mark.parametrize(
    ("target", "stated", "names"),
    [
        ({"Type": "AWS::DynamoDB::Table"}, "Read", ["X_NAME", "X_ARN"]),
        (changed(TABLE, StreamSpecification={}), "Read", ["X_NAME", "X_ARN", "X_STREAM_ARN"]),
        ({"Type": "AWS::RDS::DBCluster"}, {}, ["X_ARN", "X_HOST", "X_PORT", "X_READER_HOST"]),
        ({"Type": "AWS::RDS::DBInstance"}, {"Prefix": "DB"}, ["DB_HOST", "DB_PORT"]),
        (
            {"Type": "AWS::RDS::DBInstance", "Properties": {"DBName": "shop", "ManageMasterUserPassword": "true"}},
            {},
            ["X_HOST", "X_PORT", "X_NAME", "X_SECRET_ARN"],
        ),
        ({"Type": "AWS::ElastiCache::ReplicationGroup"}, {}, ["X_HOST", "X_PORT", "X_READER_HOST"]),
        ({"Type": "AWS::ElastiCache::ReplicationGroup", "Properties": {"NumNodeGroups": 2}}, {}, ["X_HOST", "X_PORT"]),
        ({"Type": "AWS::Cognito::UserPool"}, "Read", ["X_ID", "X_ARN", "X_PROVIDER_URL"]),
    ],
)
def test_which_variables_there_are_depends_on_the_target(target: dict[str, Any], stated: Any, names: list[str]) -> None:
    assert list(env(result(connected(NATIVE, {"X": stated}, X=target)))) == names


def test_the_endpoint_is_that_of_the_engine_and_of_the_cluster_mode() -> None:
    def host(kind: str, **properties: Any) -> Any:
        target = {"Type": f"AWS::ElastiCache::{kind}", "Properties": properties}
        return env(result(connected(NATIVE, {"X": {}}, X=target)))["X_HOST"]["Fn::GetAtt"][1]

    assert host("CacheCluster", Engine="memcached") == "ConfigurationEndpoint.Address"
    assert host("CacheCluster", Engine="redis") == "RedisEndpoint.Address"
    assert host("ReplicationGroup", ClusterMode="enabled") == "ConfigurationEndPoint.Address"
    assert (
        host("ReplicationGroup", CacheParameterGroupName="default.valkey8.cluster.on")
        == "ConfigurationEndPoint.Address"
    )
    assert host("ReplicationGroup", NumNodeGroups={"Ref": "Shards"}) == "PrimaryEndPoint.Address"


def test_a_database_gives_variables_and_needs_neither_a_policy_nor_a_role_in_the_template() -> None:
    function = changed(NATIVE, Role="arn:aws:iam::111122223333:role/x")
    found = result(connected(function, {"X": {}}, X={"Type": "AWS::RDS::DBProxy"}))
    assert found.keys() == {"Fn", "Role", "X"}
    assert "DependsOn" not in found["Fn"]


def test_the_stream_of_a_table_can_be_read_and_no_other_one() -> None:
    table = changed(TABLE, StreamSpecification={"StreamViewType": "NEW_IMAGE"})
    stream = statements(result(connected(NATIVE, {"Table": "Read"}, Table=table)))[1]
    assert stream["Sid"] == "TableRead2"
    assert stream["Resource"] == [{"Fn::GetAtt": ["Table", "StreamArn"]}]


@pytest.mark.parametrize(
    ("logical_id", "prefix"),
    [("Table", "TABLE"), ("JobQueue", "JOB_QUEUE"), ("DBCluster", "DB_CLUSTER"), ("Queue2", "QUEUE2"), ("s3", "S3")],
)
def test_a_prefix_is_the_logical_id_in_upper_case_with_an_underscore_between_words(
    logical_id: str, prefix: str
) -> None:
    assert default_prefix(logical_id) == prefix


def circles() -> Iterator[Any]:
    lambda_configuration = {"LambdaConfigurations": [{"Event": "s3:*", "Function": {"Fn::GetAtt": ["Fn", "Arn"]}}]}
    bucket = changed(BUCKET, NotificationConfiguration=lambda_configuration)
    yield pytest.param(NATIVE, "Write", {"X": bucket}, "Fn -> X -> Fn", id="a bucket that notifies the function")
    permission = {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": {"Ref": "Fn"}}}
    waiting = {"X": {**BUCKET, "DependsOn": "Permission"}, "Permission": permission}
    yield pytest.param(
        NATIVE, "Write", waiting, "Fn -> X -> Permission -> Fn", id="a bucket that waits for a permission"
    )
    event = {"Type": "S3", "Properties": {"Bucket": {"Ref": "X"}, "Events": "s3:ObjectCreated:*"}}
    notified = changed(SAM_FUNCTION, Events={"New": event})
    yield pytest.param(
        notified, "Read", {"X": BUCKET}, "Fn -> X -> Fn", id="a bucket that SAM lets notify the function"
    )
    pool = {"Type": "Cognito", "Properties": {"UserPool": {"Ref": "X"}, "Trigger": "PreSignUp"}}
    signing = changed(SAM_FUNCTION, Events={"New": pool})
    cognito = {"X": {"Type": "AWS::Cognito::UserPool"}}
    yield pytest.param(signing, "Read", cognito, "Fn -> X -> Fn", id="a user pool that SAM lets call the function")
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": {"Fn::Sub": "${Fn.Arn}"}}}
    yield pytest.param(NATIVE, "Write", {"X": machine}, "Fn -> X -> Fn", id="a state machine that calls the function")
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"Resource": {"Fn::Sub": ["${F}", {"F": {"Ref": "Fn"}}]}}}
    role = {"X": {"Type": "AWS::StepFunctions::StateMachine", "DependsOn": ["Allowed"]}, "Allowed": policy}
    yield pytest.param(NATIVE, "Read", role, "Fn -> X -> Allowed -> Fn", id="a machine that waits for its permission")


@pytest.mark.parametrize(("function", "access", "resources", "circle"), list(circles()))
def test_a_circular_dependency_is_told_with_all_that_are_in_it(
    function: dict[str, Any], access: str, resources: dict[str, Any], circle: str
) -> None:
    told = refused(connected(function, {"X": access}, **resources))
    assert f"Fn.Metadata.CfnInjector.Connect.X makes a circular dependency: {circle}; leave X out" in told


def test_two_functions_that_call_each_other_and_one_that_calls_itself_are_circles() -> None:
    template = connected(NATIVE, {"Other": "Write"})
    template["Resources"]["Other"] = {
        **changed(NATIVE, Role={"Fn::GetAtt": ["OtherRole", "Arn"]}),
        "Metadata": {"CfnInjector": {"Connect": {"Fn": "Write"}}},
    }
    template["Resources"]["OtherRole"] = ROLE
    assert refused(template).count("circular dependency") == 2
    assert "Fn -> Fn" in refused(connected(NATIVE, {"Fn": "Write"}))


def test_a_queue_whose_policy_names_the_function_is_no_circle() -> None:
    policy = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "By": {"Ref": "Fn"}}}
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "FunctionName": {"Ref": "Fn"}},
    }
    assert result(connected(NATIVE, {"Queue": ["Read", "Write"]}, Queue=QUEUE, Policy=policy, Mapping=mapping))


@pytest.mark.parametrize(
    "role",
    [
        "arn:aws:iam::111122223333:role/x",
        {"Fn::ImportValue": "role"},
        {"Ref": "RoleArn"},
        {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/x"},
        {"Fn::If": ["IsProd", {"Fn::GetAtt": ["Role", "Arn"]}, {"Ref": "AWS::NoValue"}]},
        {"Fn::GetAtt": ["Table", "Arn"]},
    ],
    ids=str,
)
def test_a_role_that_is_not_in_the_template_is_refused(role: Any) -> None:
    told = refused(connected(changed(NATIVE, Role=role), {"Table": "Read"}, Table=TABLE))
    assert "Fn.Properties.Role is not a role of this template; refer to an AWS::IAM::Role with Fn::GetAtt" in told


def test_the_role_of_globals_is_the_functions() -> None:
    template = connected(SAM_FUNCTION, {"Table": "Read"}, Table=TABLE, Role=ROLE)
    template["Globals"] = {"Function": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}}
    assert result(template)["FnConnect"]["Properties"]["Roles"] == [{"Ref": "Role"}]
    template["Resources"]["Second"] = SAM_FUNCTION
    assert "would give its permissions to Second too, by the shared role Role" in refused(template)


@pytest.mark.parametrize(
    "other",
    [
        NATIVE,
        OURS,
        {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}}},
        {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"RoleArn": {"Fn::Sub": "${Role.Arn}"}}]}},
        {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}},
    ],
    ids=lambda other: str(other["Type"]),
)
def test_a_role_that_something_else_has_is_refused(other: dict[str, Any]) -> None:
    told = refused(connected(NATIVE, {"Table": "Read"}, Table=TABLE, Other=other))
    assert "Connect would give its permissions to Other too, by the shared role Role; give Fn a role of its own" in told


def test_a_role_of_sam_that_another_function_has_is_refused() -> None:
    other = changed(NATIVE, Role={"Fn::GetAtt": ["FnRole", "Arn"]})
    assert "to Other too" in refused(connected(SAM_FUNCTION, {"Table": "Read"}, Table=TABLE, Other=other))


def test_policies_and_permissions_do_not_share_a_role() -> None:
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "Role"}]}}
    bucket = {"Type": "AWS::S3::BucketPolicy", "Properties": {"Principal": {"AWS": {"Fn::GetAtt": ["Role", "Arn"]}}}}
    assert result(connected(NATIVE, {"Table": "Read"}, Table=TABLE, Logs=policy, Bucket=bucket))


@pytest.mark.parametrize(
    ("kind", "properties", "access", "told"),
    [
        (
            "AWS::S3::Bucket",
            {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"KMSMasterKeyID": KEY}}]
                }
            },
            "Read",
            "kms:Decrypt on",
        ),
        ("AWS::DynamoDB::Table", {"SSESpecification": {"KMSMasterKeyId": KEY}}, "Read", "kms:Decrypt on"),
        (
            "AWS::DynamoDB::GlobalTable",
            {"Replicas": [{"SSESpecification": {"KMSMasterKeyId": KEY}}]},
            "Write",
            "kms:GenerateDataKey and kms:Decrypt on",
        ),
        ("AWS::SQS::Queue", {"KmsMasterKeyId": "alias/mine"}, "Write", "kms:GenerateDataKey and kms:Decrypt on"),
        ("AWS::SNS::Topic", {"KmsMasterKeyId": {"Ref": "Key"}}, "Write", "kms:GenerateDataKey and kms:Decrypt on"),
        ("AWS::Kinesis::Stream", {"StreamEncryption": {"KeyId": KEY}}, "Read", "kms:Decrypt on"),
        ("AWS::SecretsManager::Secret", {"KmsKeyId": KEY}, "Read", "kms:Decrypt on"),
        ("AWS::StepFunctions::StateMachine", {"EncryptionConfiguration": {"KmsKeyId": KEY}}, "Read", "kms:Decrypt on"),
    ],
)
def test_a_key_of_the_customers_is_refused_unless_the_template_says_that_it_is_granted(
    kind: str, properties: dict[str, Any], access: str, told: str
) -> None:
    target = {"Type": kind, "Properties": properties}
    found = refused(connected(NATIVE, {"X": access}, X=target))
    assert "Connect.X is encrypted with a KMS key of your own" in found
    assert f"allow the role {told} that key, and add KeyGranted: true" in found
    assert result(connected(NATIVE, {"X": {"Access": access, "KeyGranted": True}}, X=target))


@pytest.mark.parametrize("key", ["alias/aws/sqs", {"Ref": "AWS::NoValue"}, ""])
def test_a_key_of_aws_needs_no_permission(key: Any) -> None:
    assert result(connected(NATIVE, {"X": "Read"}, X=changed(QUEUE, KmsMasterKeyId=key)))


def test_a_target_that_does_not_exist_with_its_function_is_refused() -> None:
    conditional = {**TABLE, "Condition": "IsProd"}
    told = refused(connected(NATIVE, {"Table": "Read"}, Table=conditional))
    assert "Connect.Table exists only if IsProd holds, and the function does not depend on that" in told
    assert "IsProd" in refused(connected({**NATIVE, "Condition": "IsDev"}, {"Table": "Read"}, Table=conditional))
    database = {"Type": "AWS::RDS::DBProxy", "Condition": "IsProd"}
    assert "IsProd" in refused(connected(NATIVE, {"Proxy": {}}, Proxy=database))


def test_a_role_or_a_function_that_does_not_exist_with_connect_is_refused() -> None:
    template = connected({**NATIVE, "Condition": "IsProd"}, {"Table": "Read"}, Table=TABLE)
    template["Resources"]["Role"] = {**ROLE, "Condition": "IsDev"}
    assert "Connect needs Role, and the Conditions of both differ; give Fn and Role the same" in refused(template)
    users = {"Code": {**CODE, "Condition": "IsProd"}, "Table": TABLE, "One": changed(NATIVE, Code=USES_CODE)}
    assert "Connect needs One, and the Conditions of both differ" in refused({"Resources": {**users, "Role": ROLE}})


OTHERS = {
    "Table": TABLE,
    "Queue": QUEUE,
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Database": {"Type": "AWS::RDS::DBCluster"},
    "BucketPolicy": {"Type": "AWS::S3::BucketPolicy"},
}


@pytest.mark.parametrize(
    ("connect", "told"),
    [
        (
            {"Tables": "Read"},
            "Tables is not a resource of this template; use the logical ID of a resource, such as Table",
        ),
        ({"BucketPolicy": "Read"}, "BucketPolicy is of type AWS::S3::BucketPolicy, which Connect does not know; write"),
        ({"BucketPolicy": "Read"}, "Env and the policy yourself; the types are AWS::S3::Bucket"),
        (
            {"Table": "Admin"},
            "Table has an access that AWS::DynamoDB::Table does not offer; use Read or Write, or both",
        ),
        ({"Table": "ReadWrite"}, "Table has an access that"),
        ({"Table": ["Read", "Admin"]}, "Table has an access that"),
        ({"Table": {"Access": {"Ref": "Parameter"}}}, "Table has an access that"),
        ({"Table": {"Fn::If": ["IsProd", "Read", "Write"]}}, "Table.Fn::If is not a member of Connect"),
        ({"Topic": "Read"}, "Topic has an access that AWS::SNS::Topic does not offer; use Write"),
        ({"Table": {}}, "Table does not say which access; use Read or Write"),
        ({"Table": []}, "Table does not say which access; use Read or Write"),
        ({"Database": "Read"}, "Database asks for access, and AWS::RDS::DBCluster gives variables only; use {}"),
        ({"Table": {"Rights": "Read"}}, "Table.Rights is not a member of Connect; use Access, Prefix, KeyGranted"),
        ({"Table": {"Access": "Read", "Prefix": []}}, "Table.Prefix is not text"),
        (
            {"Table": {"Access": "Read", "Prefix": "1"}},
            "Table (1_NAME) is not a valid variable name; set another Prefix",
        ),
        ({"Queue": {"Access": "Read", "Prefix": "AWS_LAMBDA_FUNCTION"}}, "(AWS_LAMBDA_FUNCTION_NAME) is reserved by"),
        ({"Table": {"Access": "Read", "Prefix": "OWN"}}, "Table (OWN_ARN) is the name of a variable that the function"),
        ({"Table": {"Access": "Read", "Prefix": "A"}, "Queue": {"Access": "Read", "Prefix": "A"}}, "Queue (A_ARN) is"),
        (["Table"], "is not a map with entries; use a map from logical IDs to Read, Write or a map with Access"),
        ({}, "is not a map with entries"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(connect: Any, told: str) -> None:
    function = changed(NATIVE, Environment={"Variables": {"OWN_ARN": "x"}})
    found = refused(connected(function, connect, **OTHERS))
    assert found.startswith("Fn.Metadata.CfnInjector.Connect")
    assert told in found


def test_a_function_without_a_role_is_told_and_so_is_a_logical_id_that_is_taken() -> None:
    bare = {"Type": "AWS::Lambda::Function", "Properties": {}}
    assert "Fn.Properties.Role is missing" in refused(connected(bare, {"Table": "Read"}, Table=TABLE))
    taken = connected(NATIVE, {"Table": "Read"}, Table=TABLE, FnConnect=QUEUE)
    assert "FnConnect has the logical ID of Fn's policy; rename it" in refused(taken)


def test_variables_of_globals_are_taken_too() -> None:
    template = connected(SAM_FUNCTION, {"Table": "Read"}, Table=TABLE)
    template["Globals"] = {"Function": {"Environment": {"Variables": {"TABLE_NAME": "x"}}}}
    assert "(TABLE_NAME) is the name of a variable that the function has already" in refused(template)


def test_connect_in_the_wrong_place_is_told() -> None:
    in_properties = {"Fn": changed(NATIVE, Connect={"Table": "Read"}), "Role": ROLE, "Table": TABLE}
    told = "is in the wrong place for"
    assert f"Fn.Properties.Connect {told} AWS::Lambda::Function" in refused({"Resources": in_properties})
    metadata = {"CfnInjector": {"Connect": {"Table": "Read"}}}
    ours = {"Fn": {**OURS, "Metadata": metadata}, "Role": ROLE, "Table": TABLE}
    assert f"Fn.Metadata.CfnInjector.Connect {told} Custom::LambdaFunction" in refused({"Resources": ours})
    assert f"{told} AWS::SQS::Queue" in refused({"Resources": {"Q": {**QUEUE, "Metadata": metadata}}})


def test_connect_in_a_loop_is_told() -> None:
    body = {"${Name}": {**NATIVE, "Metadata": {"CfnInjector": {"Connect": {"Table": "Read"}}}}}
    template = {"Resources": {"Fn::ForEach::All": ["Name", ["A", "B"], body], "Table": TABLE, "Role": ROLE}}
    assert "Connect is in a loop; write Env and the policy into the loop yourself" in refused(template)


def loop(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {f"Fn::ForEach::{name}": ["Name", ["A", "B"], {"${Name}": body}]}


def test_a_loop_whose_functions_have_the_role_shares_it() -> None:
    template = connected(NATIVE, {"Table": "Read"}, Table=TABLE)
    template["Resources"] |= loop("All", NATIVE)
    assert "its permissions to ${Name} in Fn::ForEach::All too, by the shared role Role" in refused(template)


def test_code_that_a_loop_uses_cannot_be_connected() -> None:
    resources = {"Code": CODE, "Table": TABLE, "Role": ROLE, **loop("All", changed(NATIVE, Code=USES_CODE))}
    assert "is for code that ${Name} in Fn::ForEach::All uses; write Env and" in refused({"Resources": resources})


def test_code_that_no_function_uses_cannot_be_connected() -> None:
    assert "Code.Properties.Connect is for code that no function" in refused(
        {"Resources": {"Code": CODE, "Table": TABLE}}
    )


def test_all_problems_are_told_at_once() -> None:
    template = connected(changed(NATIVE, Role="x"), {"Tables": "Read", "Table": "Admin", "Queue": "Read"})
    template["Resources"] |= {"Table": TABLE, "Queue": QUEUE}
    with pytest.raises(PropertiesError) as caught:
        connect_edits(template)
    assert [problem.name.rpartition(".")[2] for problem in caught.value.problems] == ["Tables", "Table", "Role"]


def test_no_error_quotes_a_value_of_env() -> None:
    template = connected(NATIVE, {"Table": "Read"}, Table=TABLE)
    template["Resources"]["Fn"]["Metadata"]["CfnInjector"]["Env"] = {"TABLE_NAME": "canary-77"}
    assert "canary-77" not in refused(template)


@pytest.mark.parametrize(("kind", "connector"), CONNECTORS.items())
def test_every_variable_and_statement_refers_to_the_target_alone(kind: str, connector: Any) -> None:
    access = [each for each in ACCESS if each in connector.access]
    target = {"Type": kind, "Properties": {}}
    found = result(connected(NATIVE, {"Xy": access or {}}, Xy=target))
    for value in env(found).values():
        assert "Xy" in str(value)
        assert "target" not in str(value)
    for statement in statements(found) if access else ():
        assert all("Xy" in str(resource) and "target" not in str(resource) for resource in statement["Resource"])


def test_the_transform_connects_first_and_then_moves_the_variables() -> None:
    template = connected(changed(SAM_FUNCTION, CodeUri="s3://b/k"), {"Table": "Write"}, Table=TABLE)
    del template["Resources"]["Fn"]["Properties"]["InlineCode"]
    found = applied(template, transform(template, Options()))["Resources"]
    (code,) = (each for each in found.values() if each["Type"] == "Custom::LambdaCode")
    assert code["Properties"]["Env"] == {"TABLE_NAME": {"Ref": "Table"}, "TABLE_ARN": {"Fn::GetAtt": ["Table", "Arn"]}}
    assert found["Fn"]["DependsOn"] == "FnConnect"
    assert found["FnConnect"]["Properties"]["Roles"] == [{"Ref": "FnRole"}]
