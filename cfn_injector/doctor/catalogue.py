"""The table of all beliefs, by their letters."""

from __future__ import annotations

from collections.abc import Sequence

from cfn_injector.doctor import (
    archive_beliefs,
    event_beliefs,
    function_beliefs,
    gateway_beliefs,
    mapping_beliefs,
    runtime_beliefs,
    s3_beliefs,
    state_beliefs,
)
from cfn_injector.doctor.beliefs import Belief
from cfn_injector.doctor.costs import (
    GB_SECONDS,
    INVOCATIONS,
    READS,
    SECRET_HOURS,
    SNAPSHOT,
    TRANSFER,
    WRITES,
)

_RECORDED = {INVOCATIONS: 20, GB_SECONDS: 10, WRITES: 30, READS: 30}
"""What a stack with the recorder uses."""

BELIEFS: Sequence[Belief] = (
    Belief(
        "A",
        "S3 completes an upload whose parts have no checksums, and refuses a checksum that was not declared",
        "artifacts over 8 MB cannot be assembled, or the tests' fake of S3 is stricter than S3",
        s3_beliefs.check_parts,
        {WRITES: 6},
    ),
    Belief(
        "B",
        "an artifact in a versioned bucket or in another Region is assembled to the planned bytes",
        "functions get other code than the template says, or none",
        s3_beliefs.check_assembly,
        {WRITES: 40, READS: 20, TRANSFER: 0.05},
    ),
    Belief(
        "C",
        "an API takes 50 tags with the keys and values that record resources, beside the tags of AWS",
        "Custom::APIGatewayResource cannot record what it created, and leaves resources behind",
        gateway_beliefs.check_tags,
    ),
    Belief(
        "D",
        "a deployment to an existing stage moves the stage, and keeps the stage's description",
        "new methods are not served, or the stage loses its owner",
        gateway_beliefs.check_deployments,
    ),
    Belief(
        "E",
        "the provider's role may create, change and delete mappings for an alias of its functions",
        "Custom::EventSourceMapping fails with an alias: the role's conditions have to name versions and aliases",
        mapping_beliefs.check_aliases,
    ),
    Belief(
        "F",
        "ResponseURL is on CloudFormation's own host, and has the date of the event",
        "the provider refuses to answer, or cannot tell a stale event from a new one",
        event_beliefs.check_url,
        _RECORDED,
    ),
    Belief(
        "G",
        "the date of an update is not before that of the creation, nor that of a rollback before its update",
        "a rollback passes for a stale event and changes nothing",
        event_beliefs.check_dates,
        _RECORDED,
    ),
    Belief(
        "H",
        "an event with 300 KB of Env arrives, and an update with the old and the new ones",
        "the documented limit of 450 KB is too high",
        event_beliefs.check_size,
        _RECORDED,
    ),
    Belief(
        "I",
        "events arrive in the states of the table in cfn_injector/aws/verification.py",
        "the provider refuses an event that CloudFormation sent, and a stack cannot roll back or clean up",
        state_beliefs.check_states,
        _RECORDED,
    ),
    Belief(
        "J",
        "the provider's role may not create a mapping for a function outside the prefix",
        "everybody who deploys can feed every function of the account",
        mapping_beliefs.check_conditions,
    ),
    Belief(
        "K",
        "CodeDeployLambdaAliasUpdate can be AWS::NoValue",
        "templates/alias.yaml and alias-native.yaml cannot be deployed without CodeDeploy",
        mapping_beliefs.check_shifts,
    ),
    Belief(
        "L",
        "an Inactive function can be published, and its version becomes Active",
        "Publish fails for functions that were not called for weeks",
        function_beliefs.check_inactive,
    ),
    Belief(
        "M",
        "a failed function or version has a LastUpdateStatus that is not InProgress",
        "the provider waits for a failed function until its time ends",
        function_beliefs.check_failed,
        {SNAPSHOT: 0.125 * 10_800},
    ),
    Belief(
        "N",
        "UpdateFunctionConfiguration takes each value that resets a property",
        "removing that property from a template fails",
        function_beliefs.check_resets,
    ),
    Belief(
        "O",
        "a structure whose members are all AWS::NoValue arrives empty, and the native type removes it",
        "such a property has to be treated differently from a removed one",
        event_beliefs.check_emptied,
        _RECORDED,
    ),
    Belief(
        "P",
        "references to secrets arrive in a custom resource as they are written; references to parameters are resolved",
        "refusing references in Env is not necessary, or refuses too little",
        event_beliefs.check_references,
        {**_RECORDED, SECRET_HOURS: 1},
    ),
    Belief(
        "Q",
        "Lambda unpacks an archive behind a prefix, and keeps the modes of its files",
        "such artifacts fail when they are invoked",
        function_beliefs.check_unpacking,
        {INVOCATIONS: 1, GB_SECONDS: 1},
    ),
    Belief(
        "R",
        "EnvLoader fills the environment in every managed runtime",
        "functions with that runtime and loader start without their variables, or not at all",
        runtime_beliefs.check_runtimes,
        {INVOCATIONS: runtime_beliefs.FUNCTIONS, GB_SECONDS: 5 * runtime_beliefs.FUNCTIONS},
    ),
    Belief(
        "S",
        "Lambda unpacks archives with spare ZIP64 values, padding, bytes behind the end, or ZIP64 behind a prefix",
        "such artifacts are refused when a function is created, or fail when it is invoked",
        archive_beliefs.check_forms,
        {INVOCATIONS: len(archive_beliefs.FORMS), GB_SECONDS: len(archive_beliefs.FORMS)},
    ),
)
LETTERS = "".join(belief.letter for belief in BELIEFS)


def chosen(letters: str) -> list[Belief]:
    """The beliefs with these letters, such as ``A,B``, in the order of the table. Raises ValueError for others."""
    wanted = {each.strip().upper() for each in letters.split(",")}
    if not wanted <= set(LETTERS):
        unknown = ", ".join(sorted(wanted - set(LETTERS)))
        raise ValueError(f"unknown belief: {unknown}; choose from {', '.join(LETTERS)}")
    return [belief for belief in BELIEFS if belief.letter in wanted]
