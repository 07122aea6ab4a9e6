"""Deliberate breakages of the provider, each of which has to turn at least one test red: ``make mutants``.

Each mutant is one replacement of text in one file, in a copy of the project, and the tests that should notice. A mutant
that survives, or whose text is not there any more, is reported, and the exit status is 1.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SECONDS = 300
PARTS = (
    "cfn_injector",
    "wrapper",
    "tests",
    "templates",
    "example_hitcounter",
    "example_rollup",
    "example_streambot",
    "benchmarks",
    "setup.cfg",
    "pyproject.toml",
)

FUNCTION, PROVIDER, MATRIX = "tests/test_lambda_function.py", "tests/test_provider.py", "tests/test_fault_matrix.py"
ADVERSITY, CODE, ASSEMBLY = "tests/test_adversity.py", "tests/test_lambda_code.py", "tests/test_assembly.py"
RESPOND, PROTOCOL, PROPERTIES = "tests/test_delivery.py", "tests/test_messages.py", "tests/test_lambda_function_spec.py"
HANDLER, ARTIFACT, LOADER = "tests/test_aws_lambda.py", "tests/test_s3.py", "tests/test_env_loader.py"
AUTO, HANDLERS = "tests/test_env_loader_auto.py", "tests/test_env_loader_handlers.py"
LINT, LINT_FAULTS = "tests/test_lint.py", "tests/test_lint_faults.py"
CHANGES, PLUGIN = "tests/test_env_loader_changes.py", "tests/test_plugin.py"
EVENTS, ADOPTION = "tests/attacks/test_events.py", "tests/attacks/test_adoption.py"
AWS_OPTIONS, LOCAL = "tests/test_cli_aws_options.py", "tests/test_cli_local.py"
DOCTOR, MOVES = "tests/test_doctor.py", "tests/test_transform_environment.py"
INSTALL = "tests/test_install.py"
OTHER_STACKS, SECRETS = "tests/attacks/test_other_stacks.py", "tests/attacks/test_secrets.py"
ARCHIVES, OBSERVED = "tests/attacks/test_archives.py", "tests/test_observed_state.py"
SIZES, REFUSED = "tests/test_zip_sizes.py", "tests/test_zip_refused.py"
ACCEPTED, INJECTION = "tests/test_zip_accepted.py", "tests/test_injection.py"
NODE_SOURCES, NODE_CHECKS = "tests/test_cli_bundle_node_sources.py", "tests/test_cli_bundle_node_checks.py"
BUNDLE_SECRETS, BUNDLE_FAULTS = "tests/test_cli_bundle_secrets.py", "tests/test_cli_bundle_faults.py"
ENV_FROM = "tests/test_env_from.py"
ENV_FILE = "tests/test_env_file.py"
REFERENCES, UNSERVED = "tests/test_dynamic_references.py", "tests/test_unserved.py"
STATES, THROTTLED = "tests/test_lambda_states.py", "tests/test_throttling.py"
TOGETHER = "tests/test_api_gateway_together.py"
MODELS, BUILD = "tests/test_provider_models.py", "tests/test_build_provider.py"
TLS, CLIENTS, ANSWERS = "tests/test_tls.py", "tests/test_clients.py", "tests/test_answers.py"
WAITING = "tests/test_waiting.py"
CONNECT, CONNECTORS = "tests/test_connect.py", "tests/test_connectors.py"
BYTECODE = "tests/test_bytecode.py"
READERS = "tests/test_cli_bundle_reader.py"
PACKAGE, TEXT = "tests/test_cli_package.py", "tests/test_template_text.py"
RUN_HANDLER, UNPACKING = "tests/test_cli_run_handler.py", "tests/test_unpacking.py"
SOURCES, LOCKS, PACKAGES = (f"tests/test_cli_bundle_{name}.py" for name in ("sources", "locks", "python"))
_LOADER = "env_loader/__init__.py"
_OWNERSHIP = "resources/lambda_function/claim.py"
_VERBS = "resources/lambda_function/__init__.py"
_STEPS = "resources/lambda_function/steps.py"
_MAKING = "resources/lambda_function/making.py"
_PACKAGES = "resources/lambda_function/packages.py"


class Mutant(NamedTuple):
    """``old`` becomes ``new`` in a file of ``cfn_injector``; ``tests`` should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "links are unpacked before files",
        "cli/invoking/unpacking.py",
        "for makes_links in (False, True):",
        "for makes_links in (True, False):",
        (UNPACKING,),
    ),
    Mutant(
        "this process's environment hides the file's variables",
        "cli/invoking/environment.py",
        "(name not in env or name in RESERVED_VARIABLES | LOADER_VARIABLES)",
        "True",
        (RUN_HANDLER,),
    ),
    Mutant(
        "what a handler started goes on",
        "cli/invoking/process.py",
        "os.killpg(process.pid, signal.SIGKILL)",
        "os.kill(process.pid, signal.SIGKILL)",
        (RUN_HANDLER,),
    ),
    Mutant(
        "a handler runs without the function's wrapper",
        "cli/invoking/local_handler.py",
        "return [*([str(wrapper)] if wrapper else []), *found.command]",
        "return [*found.command]",
        (RUN_HANDLER,),
    ),
    Mutant(
        "a wrong template is written",
        "cli/template_text/splicing.py",
        "if not is_same(result, wanted):",
        "if False:",
        (TEXT,),
    ),
    Mutant(
        "an edit changes what an anchor repeats",
        "cli/template_text/splicing.py",
        "if any(node.start <= start < max(node.end, node.start + 1) for start in self.document.aliased):",
        "if False:",
        (TEXT,),
    ),
    Mutant(
        "a comment behind a value goes with the value",
        "cli/template_text/block.py",
        "at = _line_end(text, end).start()",
        "at = end",
        (TEXT,),
    ),
    Mutant(
        "a command of Lambda Web Adapter gets a loader",
        "env_loader/choice.py",
        "if declared(properties).get(EXEC_WRAPPER) == _WEB_ADAPTER:",
        "if False:",
        (AUTO, MOVES),
    ),
    Mutant(
        "what is added below a block scalar changes it",
        "cli/template_text/block.py",
        'return [*made, Change(*header.span(1), "-")]',
        "return made",
        (TEXT,),
    ),
    Mutant(
        "the code of a loop is not uploaded",
        "cli/local_code.py",
        "for resource, kind, properties in _with_code(template):\n        if ",
        "for resource, kind, properties in _with_code(template):\n        if resource.is_repeated or ",
        (PACKAGE,),
    ),
    Mutant(
        "the key depends on the dates in the zip",
        "cli/archive.py",
        "{entry.external_attr >> 16:o} {content",
        "{entry.external_attr >> 16:o} {entry.date_time} {content",
        (PACKAGE,),
    ),
    Mutant(
        "the key does not depend on what is executable",
        "cli/archive.py",
        "{entry.external_attr >> 16:o} {content",
        "{content",
        (PACKAGE,),
    ),
    Mutant(
        "what is there is uploaded again",
        "cli/uploads.py",
        "if not bucket.force and _is_there",
        "if bucket.force and _is_there",
        (PACKAGE,),
    ),
    Mutant(
        "both branches of a condition have the platform of the first",
        "cli/local_code.py",
        "len(values) == 2 and values[0] == values[1]",
        "len(values) == 2",
        (PACKAGE,),
    ),
    Mutant(
        "the code in Globals is the last function's",
        "cli/package.py",
        "            if code.source not in shared:\n                yield",
        "            if True:\n                yield",
        (PACKAGE,),
    ),
    Mutant(
        "an event for a stack at rest is served",
        "aws/verification.py",
        'status.endswith("_IN_PROGRESS") and',
        'status != "" and',
        (EVENTS,),
    ),
    Mutant(
        "an event of another resource type is served",
        "aws/verification.py",
        "(record.resource_type, record.status) == (request.resource_type, in_progress)",
        "record.status == in_progress",
        (EVENTS,),
    ),
    Mutant(
        "the state of the resource does not matter",
        "aws/verification.py",
        "(record.resource_type, record.status) == (request.resource_type, in_progress)",
        "record.resource_type == request.resource_type",
        (EVENTS,),
    ),
    Mutant(
        "a clean-up deletes the live resource",
        "aws/verification.py",
        'not in ("", request.physical_id):',
        'not in ("",):',
        (EVENTS,),
    ),
    Mutant(
        "a clean-up of the old ID is evidence for deleting the new one",
        "aws/verification.py",
        " and not about_another",
        "",
        (EVENTS,),
    ),
    Mutant(
        "a held function is adopted",
        "resources/lambda_function/adoption.py",
        "    if stack_id not in (None, operation.request.stack_id):",
        "    if False:",
        (ADOPTION, EVENTS),
    ),
    Mutant(
        "a function is adopted whatever its role",
        "resources/lambda_function/adoption.py",
        "    if not role_path or not found.startswith(role_path):",
        "    if False:",
        (ADOPTION, EVENTS),
    ),
    Mutant(
        "the command adds its own loader instead of the provider's",
        "cli/loader.py",
        "return env_loader.desired(properties, *([_sources(arguments.provider)] if arguments.provider else []))",
        "return env_loader.desired(properties)",
        ("tests/test_cli_inject_loader.py",),
    ),
    Mutant(
        "the key of code does not depend on what the names of handlers stand for",
        _LOADER,
        "sorted(self.left_out), *named]",
        "sorted(self.left_out)]",
        (HANDLERS,),
    ),
    Mutant(
        "every name stands for the same handler",
        "env_loader/choice.py",
        "self.find.format(self.quoted(handler))",
        "self.find.format(self.quoted('app.list_all'))",
        (HANDLERS,),
    ),
    Mutant(
        "nothing is loaded by default",
        "env_loader/choice.py",
        'return bool(properties.get("EnvLoader", "auto") == "auto")',
        'return bool(properties.get("EnvLoader", "none") == "auto")',
        (AUTO,),
    ),
    Mutant(
        "auto adds a loader that cannot run to a function that an earlier version accepted",
        _LOADER,
        "    if is_auto(properties) and any(PROBLEMS[kind](properties)):",
        "    if False:",
        (AUTO,),
    ),
    Mutant(
        "a function from before gets the handler of a loader that its code lacks",
        "resources/lambda_function/changes.py",
        " or not started",
        "",
        (AUTO,),
    ),
    Mutant(
        "a rollback adds the loader that was not there",
        _VERBS,
        "    return desired if removed else former",
        "    return desired",
        (AUTO,),
    ),
    Mutant(
        "a rollback leaves out the loader that the failed update removed",
        _VERBS,
        "    return desired if removed else former",
        "    return former",
        (AUTO,),
    ),
    Mutant(
        "a rollback returns to a package without a loader that was replaced long ago",
        _VERBS,
        "        packages.discard_one(operation, former, request.physical_id)",
        "        pass",
        (AUTO,),
    ),
    Mutant(
        "an update that is delivered again deletes what its rollback needs",
        _VERBS,
        "rolling_back or again or old",
        "rolling_back or old",
        (AUTO,),
    ),
    Mutant(
        "a rollback of code returns to the object that failed",
        "resources/lambda_code.py",
        "next(iter(others or found), None)",
        "next(iter(found), None)",
        (AUTO,),
    ),
    Mutant(
        "the package from before the default is not kept for a rollback",
        _VERBS,
        "(old, former), name)",
        "(old,), name)",
        (AUTO,),
    ),
    Mutant(
        "a role within the path is told to be outside it",
        "resources/lambda_function/role.py",
        "    if bound and role.startswith(bound):",
        "    if False:",
        (ADVERSITY,),
    ),
    Mutant(
        "an adoption that fails restores nothing",
        _MAKING,
        "        failure.callback(adoption.undo, operation, name, version)\n",
        "",
        (ADOPTION,),
    ),
    Mutant(
        "an adoption that is rolled back restores nothing",
        _VERBS,
        "        adoption.restore(operation, name, version)\n",
        "        pass\n",
        (ADOPTION,),
    ),
    Mutant(
        "another stack's function is used",
        "aws/holders.py",
        "    if stack_id not in (None, operation.request.stack_id):",
        "    if False:",
        (OTHER_STACKS,),
    ),
    Mutant(
        "a function without tags belongs to nobody",
        "aws/holders.py",
        '        if held and found["ResourceType"] in types:',
        "        if False:",
        (OTHER_STACKS, ADOPTION),
    ),
    Mutant(
        "the tags of a stack make functions owned",
        "aws/stacks.py",
        'if not key.startswith(("aws:", PREFIX))',
        'if not key.startswith("aws:")',
        (EVENTS,),
    ),
    Mutant(
        "methods are made although the provider's stack does not turn them on",
        "resources/api_gateway_resource/__init__.py",
        '    return services.environ.get("CFN_INJECTOR_API_GATEWAY") == "true"\n',
        "    return True\n",
        ("tests/test_api_gateway_off.py",),
    ),
    Mutant(
        "a mapping may call a provider",
        "aws/holders.py",
        "    if PROVIDER in tags:\n",
        "    if False:\n",
        ("tests/test_api_gateway_off.py",),
    ),
    Mutant(
        "code goes before the handler that needs it",
        _STEPS,
        "            observed = _configure(operation, name, stopped, observed)\n",
        "            pass\n",
        (LOADER, CHANGES),
    ),
    Mutant(
        "a loader's handler comes before its code",
        _STEPS,
        "    put_separately(operation, name, changes, BEFORE_CODE)\n",
        "    _configure(operation, name, changes.configuration)\n",
        (LOADER, CHANGES),
    ),
    Mutant(
        "a loader is stopped before the artifact was looked at",
        _STEPS,
        "    code = packages.provide(operation, desired, name) if",
        "    _configure(operation, name, env_loader.stopped(observed, _own_handler(operation, desired)))\n"
        "    code = packages.provide(operation, desired, name) if",
        (LOADER, CHANGES),
    ),
    Mutant(
        "the code of a loader that goes gets the new handler",
        _STEPS,
        'str(old["Handler"]) if env_loader.desired(old) else desired.handler',
        "desired.handler",
        (LOADER, CHANGES),
    ),
    Mutant(
        "credentials in the artifact's own file reach the environment",
        _LOADER,
        "(LOADER_VARIABLES | RESERVED_VARIABLES)",
        "LOADER_VARIABLES",
        (LOADER, CHANGES),
    ),
    Mutant(
        "a rollback of code makes it anew",
        "resources/lambda_code.py",
        "    if deployed:",
        "    if False:",
        (CODE, OBSERVED),
    ),
    Mutant(
        "a loader makes no new code",
        "resources/lambda_function/applied.py",
        "[*texts, loader, spec",
        "[*texts, None, spec",
        (LOADER, CHANGES),
    ),
    Mutant(
        "loader variables reach an environment unasked",
        _LOADER,
        "(LOADER_VARIABLES | RESERVED_VARIABLES) - allowed",
        "frozenset()",
        (LOADER, CHANGES),
    ),
    Mutant(
        "the environment wins over the file's time zone",
        _LOADER,
        "PRESET_BY_LAMBDA | allowed",
        "allowed",
        (LOADER, CHANGES),
    ),
    Mutant("a user's files are taken for the loader's", "injection.py", '+ rb"(?:/', '+ rb"(?://', (LOADER, CHANGES)),
    Mutant(
        "code alone has one key for all loaders",
        "resources/lambda_code.py",
        "desired.env_file, rules, *",
        "desired.env_file, None, *",
        (LOADER, CHANGES),
    ),
    Mutant(
        "no wait until a function is active",
        "resources/lambda_function/api.py",
        'return wait_until_ready(client, arguments["FunctionName"], deadline, at_once=False)',
        'return client.get_function_configuration(FunctionName=arguments["FunctionName"])',
        (FUNCTION,),
    ),
    Mutant(
        "the staged object goes while Lambda still copies it",
        "resources/lambda_function/api.py",
        "            stable = wait_until_ready(client, name, deadline, at_once=False)\n    return stable",
        "    return stable",
        (FUNCTION,),
    ),
    Mutant(
        "a failed state is taken for success",
        "resources/lambda_function/api.py",
        '== "Failed":\n            raise',
        '== "Never":\n            raise',
        (FUNCTION,),
    ),
    Mutant(
        "a version that failed stays",
        "resources/lambda_function/api.py",
        "        client.delete_function(FunctionName=name, Qualifier=version)\n        raise",
        "        raise",
        (FUNCTION,),
    ),
    Mutant(
        "versions that aliases name are pruned",
        "resources/lambda_function/api.py",
        "        if version in named:\n            continue\n",
        "",
        (FUNCTION,),
    ),
    Mutant(
        "no version before the newest stays",
        "resources/lambda_function/api.py",
        "max(keep, 1) + 1",
        "keep + 1",
        (ADVERSITY,),
    ),
    Mutant(
        "a function is published without its revision",
        "resources/lambda_function/api.py",
        '        if now["CodeSha256"] != stable["CodeSha256"]:',
        "        if False:",
        (FUNCTION,),
    ),
    Mutant(
        "roles that are not ready yet are not waited for",
        "resources/lambda_function/api.py",
        "cannot be assumed by Lambda|",
        "",
        (FUNCTION,),
    ),
    Mutant(
        "a name that is taken is waited for",
        "resources/lambda_function/api.py",
        r"\A(?!.*already exist)",
        "",
        (ADVERSITY,),
    ),
    Mutant(
        "networks are not left",
        "resources/lambda_function/api.py",
        '        _detach(brief.client("lambda"), name, brief.deadline)\n',
        "        pass\n",
        (FUNCTION,),
    ),
    Mutant(
        "a network that allows IPv6 is not left",
        "resources/lambda_function/api.py",
        '{"VpcConfig": RESETS["VpcConfig"]}',
        '{"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}',
        (STATES,),
    ),
    Mutant(
        "a deletion is not waited for",
        "resources/lambda_function/api.py",
        "    deadline.wait_for(what, lambda: find(client, name) is None or None, pace=LOOKS)\n",
        "",
        (STATES,),
    ),
    Mutant(
        "a function that is being deleted is waited for",
        "resources/lambda_function/api.py",
        'if found.get("State") in ENDED:',
        "if False:",
        (STATES,),
    ),
    Mutant(
        "a rollback deletes versions",
        _STEPS,
        "is not None and not operation.stack.rolling_back:",
        "is not None:",
        (STATES,),
    ),
    Mutant(
        "waits poll in the quota that all calls share",
        "resources/lambda_function/api.py",
        'client.get_function(**arguments)["Configuration"]',
        "client.get_function_configuration(**arguments)",
        (THROTTLED,),
    ),
    Mutant(
        "throttling is left to botocore",
        "aws/waiting.py",
        "        if code not in THROTTLING:\n",
        "        if True:\n",
        (THROTTLED,),
    ),
    Mutant(
        "waits do not count throttling as passing",
        "aws/waiting.py",
        "if not is_throttling(error) and not is_transient(error):",
        "if not is_transient(error):",
        (THROTTLED,),
    ),
    Mutant(
        "all requests pause alike",
        "aws/waiting.py",
        "Random(request.request_id).random",
        "Random(0).random",
        (THROTTLED,),
    ),
    Mutant(
        "undoing has the time of the request",
        "aws/operation.py",
        "deadline=deadline), _clients={})",
        "deadline=deadline))",
        (THROTTLED,),
    ),
    Mutant(
        "what is gone cannot be deleted",
        "resources/lambda_function/api.py",
        '!= "ResourceNotFoundException":\n            raise\n',
        '!= "":\n            raise\n',
        (MATRIX,),
    ),
    Mutant(
        "waits go past the deadline",
        "aws/waiting.py",
        "while self.now() <= self.at:",
        "while self.now() <= self.at + 500:",
        (FUNCTION, ADVERSITY),
    ),
    Mutant(
        "every function is owned",
        "protocol/ownership.py",
        "if tags.get(STACK_ID) != request.stack_id or",
        "if False and",
        (FUNCTION,),
    ),
    Mutant(
        "the logical id does not matter",
        "protocol/ownership.py",
        "or tags.get(LOGICAL_ID) != request.logical_id:",
        ":",
        (EVENTS, FUNCTION),
    ),
    Mutant(
        "a late event is served",
        "protocol/ownership.py",
        "return request.issued_at is not None and",
        "return False and",
        (ADVERSITY,),
    ),
    Mutant(
        "a failed create leaves its function",
        _MAKING,
        "        failure.callback(claim.undo, operation, name)\n",
        "",
        (FUNCTION,),
    ),
    Mutant(
        "the mark of an unanswered request stays",
        _MAKING,
        '        claim.confirm(operation, name, stable["FunctionArn"])\n',
        "",
        (FUNCTION,),
    ),
    Mutant(
        "a replacement that keeps its name is tried",
        _VERBS,
        "    if desired.name == name:\n        raise",
        "    if False:\n        raise",
        (FUNCTION,),
    ),
    Mutant(
        "a rollback makes a third function",
        _VERBS,
        "_find_replaced(operation, desired, found) or claim.find_place",
        "claim.find_place",
        (FUNCTION,),
    ),
    Mutant(
        "an update with stripped tags is refused",
        _VERBS,
        "        case Verdict.FOREIGN:\n            raise",
        "        case Verdict.FOREIGN | Verdict.UNCLAIMED:\n            raise",
        (FUNCTION,),
    ),
    Mutant(
        "what was adopted is deleted in a rollback",
        "protocol/ownership.py",
        "    if ADOPTED in tags and stack.rolling_back:",
        "    if False:",
        (FUNCTION,),
    ),
    Mutant(
        "a rollback is checked like an update",
        _VERBS,
        "    if operation.stack.rolling_back and accepted is not None:\n        return\n",
        "",
        (ADVERSITY, "tests/test_meanwhile.py"),
    ),
    Mutant("code signing that enforces is let pass", _VERBS, '== "Enforce"', '== "Never"', (FUNCTION,)),
    Mutant(
        "a taken name is taken over without being asked",
        _OWNERSHIP,
        "if desired.name and desired.adopt:",
        "if desired.name:",
        (FUNCTION,),
    ),
    Mutant(
        "a deletion meanwhile is not noticed",
        _OWNERSHIP,
        "        raise _deleted_meanwhile(name)\n\n\ndef _deleted",
        "        pass\n\n\ndef _deleted",
        (ADVERSITY,),
    ),
    Mutant(
        "a lost answer to the last call fails the create",
        _OWNERSHIP,
        "            if is_pending(operation, name):  # else",
        "            if True:  # else",
        (MATRIX,),
    ),
    Mutant(
        "a delete sweeps nothing",
        _OWNERSHIP,
        "        if not _delete_pending(operation, name):\n            return",
        "        return",
        (FUNCTION,),
    ),
    Mutant(
        "a name that is forbidden stops the delete",
        _OWNERSHIP,
        "        if code_of(error) not in _DENIED | _INVALID_NAME:",
        "        if True:",
        (ADVERSITY,),
    ),
    Mutant(
        "packages stay after their function",
        _OWNERSHIP,
        "    packages.discard_others(operation, name)\n\n\ndef undo",
        "\n\ndef undo",
        (OBSERVED,),
    ),
    Mutant(
        "packages of functions that were not created stay",
        _OWNERSHIP,
        "        if name != operation.request.physical_id and not _is_owned(operation, found):",
        "        if False:",
        (OBSERVED, MATRIX),
    ),
    Mutant(
        "the package that a rollback needs is deleted",
        _STEPS,
        "else [desired, *old]",
        "else [desired]",
        (OBSERVED,),
    ),
    Mutant(
        "old packages pile up",
        _VERBS,
        "        steps.discard_old_packages(operation, desired, (old, former), name)\n",
        "        pass\n",
        (OBSERVED,),
    ),
    Mutant(
        "a rollback makes the package anew",
        "resources/lambda_function/packages.py",
        "    if operation.stack.rolling_back and is_kept(operation, desired, name):",
        "    if False:",
        (OBSERVED,),
    ),
    Mutant(
        "code that somebody changed stays",
        "resources/lambda_function/applied.py",
        "[*inputs(spec), code_sha256]",
        "inputs(spec)",
        (OBSERVED,),
    ),
    Mutant(
        "configuration that somebody changed stays",
        "resources/lambda_function/changes.py",
        "    return bool(desired == observed) or not (desired or observed)",
        "    return True",
        (OBSERVED, FUNCTION),
    ),
    Mutant(
        "an update that fails between separate properties is trusted",
        _VERBS,
        "    if there is None or not todo.separate.keys() - PUT_ON_VERSIONS:",
        "    if True:",
        (OBSERVED,),
    ),
    Mutant(
        "a function is created for an ID that the stack does not have",
        _VERBS,
        " or not holds_itself(operation):",
        ":",
        (OBSERVED,),
    ),
    Mutant(
        "the order of code and runtime is turned round",
        _STEPS,
        "    put_separately(operation, name, changes, BEFORE_CODE)",
        "    put_separately(operation, name, changes, BEFORE_PUBLISHING)",
        (FUNCTION,),
    ),
    Mutant(
        "an object whose request died stays",
        "resources/lambda_code.py",
        "            discard(client, bucket, key)\n\n\ndef delete",
        "            pass\n\n\ndef delete",
        (MATRIX, CODE),
    ),
    Mutant(
        "a delete takes any object",
        "resources/lambda_code.py",
        "if request.physical_id.startswith(_prefix(request)):",
        "if True:",
        (CODE,),
    ),
    Mutant(
        "new bytes under a key are the same", "resources/lambda_code.py", "source.version, source.etag", "", (CODE,)
    ),
    Mutant(
        "an upload that failed is not aborted",
        "aws/s3.py",
        "            failure.callback(self._abort, key, upload)\n",
        "",
        (ASSEMBLY,),
    ),
    Mutant(
        "an upload that was begun twice is left",
        "aws/s3.py",
        '        if answer["ResponseMetadata"].get("RetryAttempts"):',
        "        if False:",
        (ASSEMBLY,),
    ),
    Mutant(
        "what was assembled is not compared",
        "aws/s3.py",
        "if whole != size or found != expected:",
        "if False:",
        (ASSEMBLY,),
    ),
    Mutant(
        "a checksum that nobody requested is sent back",
        "aws/s3.py",
        'return {"PartNumber": number, "ETag": answer["ETag"]}',
        'return {"PartNumber": number} | {k: v for k, v in answer.items() if k[:8] in ("ETag", "Checksum")}',
        (ASSEMBLY,),
    ),
    Mutant(
        "a hash of the parts' hashes is taken for the hash of the object",
        "aws/s3_objects.py",
        "if digest and not composite else None",
        "if digest else None",
        (ASSEMBLY,),
    ),
    Mutant(
        "a denied version names the permission for objects only",
        "aws/s3_objects.py",
        "    if version:\n        action =",
        "    if False:\n        action =",
        ("tests/test_access.py",),
    ),
    Mutant(
        "an empty structure is passed on",
        "aws/coerce.py",
        "bool(value == {} and shape and",
        "bool(False and shape and",
        (PROPERTIES,),
    ),
    Mutant("a source that changed is read on", "aws/s3.py", '"IfMatch": self.etag, ', "", (ARTIFACT,)),
    Mutant(
        "an answer is sent twice",
        "protocol/provider.py",
        "            if self.given:\n                return False\n",
        "",
        (PROVIDER,),
    ),
    Mutant(
        "the gate stays open",
        "protocol/provider.py",
        "        if self.given:\n            raise AlreadyAnsweredError",
        "        if False:\n            raise AlreadyAnsweredError",
        (PROVIDER,),
    ),
    Mutant(
        "the handler does not wait for the watchdog's answer",
        "protocol/provider.py",
        "        with self._lock:\n            if self._error:",
        "        if True:\n            if self._error:",
        (PROVIDER,),
    ),
    Mutant(
        "only exceptions are answered",
        "protocol/provider.py",
        "    except BaseException as error:",
        "    except Exception as error:",
        (PROVIDER,),
    ),
    Mutant("a stale event is served", "protocol/provider.py", "    if now >= given_up:", "    if False:", (PROVIDER,)),
    Mutant("no watchdog", "protocol/provider.py", "    timer.start()\n", "", (PROVIDER,)),
    Mutant(
        "secrets are not masked",
        "protocol/masking.py",
        "                text = text.replace(form, MASK)\n",
        "                pass\n",
        (FUNCTION, ADVERSITY),
    ),
    Mutant(
        "unexpected errors are quoted",
        "protocol/provider.py",
        'return f"unexpected {type(error).__name__}',
        'return f"unexpected {error} {type(error).__name__}',
        (FUNCTION,),
    ),
    Mutant(
        "a failed update answers with another id",
        "protocol/messages.py",
        'known = event.get("PhysicalResourceId") or physical_id or',
        "known = physical_id or",
        (PROVIDER, PROTOCOL),
    ),
    Mutant(
        "a failed create answers with a name",
        "protocol/messages.py",
        'return f"{NOT_CREATED}{request_id}"',
        "return request_id",
        (PROTOCOL, FUNCTION),
    ),
    Mutant(
        "a long answer is not cut",
        "protocol/messages.py",
        '"Reason": _fit(self.reason, room)',
        '"Reason": self.reason',
        (PROTOCOL,),
    ),
    Mutant(
        "a refused answer is taken for delivered",
        "protocol/delivery.py",
        'return "" if 200 <= status < 300 else',
        'return "" if status else',
        (RESPOND,),
    ),
    Mutant("any host is answered", "protocol/delivery.py", "url.netloc in aws_hosts(region)", "True", (RESPOND,)),
    Mutant(
        "answers have a content type",
        "protocol/delivery.py",
        '{"Content-Type": ""}',
        '{"Content-Type": "application/json"}',
        (RESPOND,),
    ),
    Mutant(
        "an event that was not served is served",
        "aws_lambda.py",
        "_serve(lost.event, context, lost.refuse)",
        "_serve(lost.event, context, find)",
        (UNSERVED,),
    ),
    Mutant(
        "messages of a queue are served as an event",
        "protocol/unserved.py",
        'isinstance(event.get("Records"), list)',
        "False",
        (UNSERVED,),
    ),
    Mutant(
        "a stack reads what is outside the lists",
        "env_from/access.py",
        "any(absolute == path or",
        "True or any(absolute == path or",
        (ENV_FROM,),
    ),
    Mutant(
        "a stack reads what begins like a path of the list",
        "env_from/access.py",
        'absolute.startswith(f"{path}/")',
        "absolute.startswith(path)",
        (ENV_FROM,),
    ),
    Mutant(
        "a stack reads what is another stack's",
        "env_from/access.py",
        ".replace(STACK_NAME, stack_name)",
        '.replace(f"/{STACK_NAME}", "")',
        (ENV_FROM,),
    ),
    Mutant(
        "a secret of another account is read",
        "env_from/access.py",
        "return here and complete",
        "return complete",
        (ENV_FROM,),
    ),
    Mutant(
        "an ARN that Secrets Manager completes is believed",
        "env_from/reading.py",
        "if not self._allowed.include_secret(found.name):",
        "if False:",
        (ENV_FROM,),
    ),
    Mutant(
        "values that were read are not masked",
        "protocol/provider.py",
        "[*self.secrets, *values]",
        "self.secrets",
        (ENV_FROM,),
    ),
    Mutant(
        "a value that looks like a reference is resolved again",
        "env_from/reading.py",
        "references.resolved(text, values.__getitem__)",
        "references.resolved(references.resolved(text, values.__getitem__), str)",
        (ENV_FROM,),
    ),
    Mutant(
        "only the first page of parameters is read",
        "env_from/reading.py",
        "                size += sum(len(found.value) for found in page)\n",
        "                break\n",
        (ENV_FROM,),
    ),
    Mutant(
        "a parameter that was created again counts as unchanged",
        "env_from/stores.py",
        'str(changed.timestamp()) if changed else ""',
        '""',
        (ENV_FROM,),
    ),
    Mutant(
        "a rollback that may not read does not say how to go on",
        "aws/operation.py",
        "EnvFileError, PropertiesError, PropertyError",
        "EnvFileError, PropertyError",
        (ENV_FROM,),
    ),
    Mutant(
        "two sources may give the same name",
        "env_from/reading.py",
        "if before is source or (before and not source.override):",
        "if before is source:",
        (ENV_FROM,),
    ),
    Mutant(
        "a change of Refresh reads nothing again",
        "resources/lambda_function/applied.py",
        "inline, *spec.env_from.inputs]",
        "inline]",
        (ENV_FROM,),
    ),
    Mutant(
        "the key of code ignores versions",
        "resources/lambda_code.py",
        "source.etag, *resolved.versions]",
        "source.etag]",
        (ENV_FROM,),
    ),
    Mutant(
        "references to secrets are not checked",
        "aws_lambda.py",
        "verified(checked(registry.find(resource_type)))",
        "verified(registry.find(resource_type))",
        (REFERENCES,),
    ),
    Mutant(
        "a reference is found only where it is the whole value",
        "dynamic_references.py",
        "found = REFERENCE.search(text)",
        "found = REFERENCE.match(text)",
        (REFERENCES,),
    ),
    Mutant(
        "a rollback is checked for references",
        "dynamic_references.py",
        "if request.stack is None or not request.stack.rolling_back:",
        "if True:",
        (REFERENCES,),
    ),
    Mutant(
        "every field is logged",
        "aws_lambda.py",
        "for name, value in fields.items() if name in LOGGED",
        "for name, value in fields.items()",
        (HANDLER,),
    ),
    Mutant(
        "a removed property stays",
        "resources/lambda_function/changes.py",
        "result = {**RESETS, **spec.arguments}",
        'result = {"VpcConfig": {}, "LoggingConfig": {}, **spec.arguments}',
        (FUNCTION, PROPERTIES),
    ),
    Mutant(
        "reserved names are injected", "env_properties.py", "if name in RESERVED_VARIABLES:", "if False:", (PROPERTIES,)
    ),
    Mutant(
        "the staging bucket is a source",
        "aws/s3.py",
        "if bucket.lower() == staging_bucket(environ).lower():",
        "if False:",
        (OTHER_STACKS,),
    ),
    Mutant(
        "an access point is a source",
        "aws/s3.py",
        "if not _BUCKET.fullmatch(bucket) or bucket.lower().endswith(_ACCESS_POINTS):",
        "if False:",
        (OTHER_STACKS,),
    ),
    Mutant(
        "a source is refused after the first change",
        _STEPS,
        "    code = packages.provide(operation, desired, name) if changes.code else None\n"
        "    put_separately(operation, name, changes, BEFORE_CODE)\n",
        "    put_separately(operation, name, changes, BEFORE_CODE)\n"
        "    code = packages.provide(operation, desired, name) if changes.code else None\n",
        (OTHER_STACKS, OBSERVED),
    ),
    Mutant(
        "values are masked as they are only",
        "protocol/masking.py",
        "sorted(_forms(secret)",
        "sorted([secret]",
        (SECRETS,),
    ),
    Mutant("what AWS quotes is shown", "protocol/masking.py", "    text = _without_quotes(text)\n", "", (SECRETS,)),
    Mutant("a variable hides the status", "protocol/provider.py", " and name not in IDENTIFIERS", "", (SECRETS,)),
    Mutant("botocore's quotes are shown", "aws/coerce.py", 'if "param" in details else', "if False else", (PLUGIN,)),
    Mutant(
        "there may be any number of entries",
        "archive/directory.py",
        "layout.entries > MAX_ENTRIES or ",
        "",
        (ARCHIVES,),
    ),
    Mutant(
        "a directory may have any size",
        "archive/directory.py",
        " or layout.length > MAX_DIRECTORY_BYTES",
        "",
        (ARCHIVES,),
    ),
    Mutant(
        "a name may have any length",
        "archive/names.py",
        "if longest > MAX_NAME_BYTES:",
        "if False:",
        (ARCHIVES,),
    ),
    Mutant(
        "an earlier record whose comment ends with the file is not looked for",
        "archive/end_records.py",
        "several = _ends(window, earlier) == len(window)",
        "several = False",
        (REFUSED,),
    ),
    Mutant(
        "a signature may follow the end of central directory record",
        "archive/end_records.py",
        "several = at + _EOCD.size < len(window) and _EOCD_SIGNATURE in window[at + 1 :]",
        "several = False",
        (REFUSED,),
    ),
    Mutant(
        "a comment may be cut off",
        "archive/end_records.py",
        "if end > len(window):",
        "if False:",
        (REFUSED,),
    ),
    Mutant(
        "bytes behind the archive are kept in its comment",
        "archive/end_records.py",
        "eocd = read(at, end)",
        "eocd = read(at, size)",
        (ACCEPTED,),
    ),
    Mutant(
        "a ZIP64 locator does not count the bytes in front",
        "archive/end_records.py",
        "layout.base_offset + offset + length",
        "offset + length",
        (ACCEPTED, SIZES),
    ),
    Mutant(
        "spare ZIP64 values may be anywhere in the field",
        "archive/directory.py",
        "at < end and referred != sorted(referred, reverse=True)",
        "False",
        (REFUSED,),
    ),
    Mutant(
        "a copy of an offset stays where it was",
        "archive/directory.py",
        "if at <= copy <= end - 8 and",
        "if False and",
        (ACCEPTED,),
    ),
    Mutant(
        "an extra field may end behind the others",
        "archive/entry.py",
        "    if at > end:\n",
        "    if False:\n",
        (REFUSED,),
    ),
    Mutant(
        "bytes in front may hold a second directory",
        "archive/prefix.py",
        "read(recorded, recorded + 4) == CENTRAL_DIRECTORY_SIGNATURE",
        "False",
        (REFUSED,),
    ),
    Mutant(
        "bytes in front of unusual ZIP64 records are accepted",
        "archive/prefix.py",
        "first and layout.zip64_eocd and not layout.plain_zip64",
        "False",
        (REFUSED,),
    ),
    Mutant(
        "bytes in front of unannounced ZIP64 records are accepted",
        "archive/prefix.py",
        "layout.zip64_eocd and not layout.needs_zip64",
        "False",
        (REFUSED,),
    ),
    Mutant(
        "a result behind a prefix is not read back", "injection.py", "    if prefixed:", "    if False:", (INJECTION,)
    ),
    Mutant(
        "only the first block of names is read", "archive/names.py", "        at = end\n", "        break\n", (SIZES,)
    ),
    Mutant(
        "two entries may have one name",
        "archive/names.py",
        "_split(keys)))) == entries",
        "_split(keys)))) >= 1",
        (SIZES,),
    ),
    Mutant(
        "the directory stays in memory during the upload", "injection.py", "    del directory", "    pass", (SIZES,)
    ),
    Mutant(
        "a function's archive may have any size", _PACKAGES, "else injection.LAMBDA_MAX_SIZE", "else None", (ARCHIVES,)
    ),
    Mutant(
        "injected code may have any size",
        "resources/lambda_code.py",
        "else injection.LAMBDA_MAX_SIZE",
        "else None",
        (ARCHIVES,),
    ),
    Mutant(
        "the next line is the value of an empty name, in Node.js",
        "env_file.py",
        "if misread_by_node(binding) else",
        "if False else",
        (ENV_FILE,),
    ),
    Mutant(
        "a value sets a second variable in Node.js",
        "env_file.py",
        """{"'", '"', "\\n"} <= set(value)""",
        "False",
        (ENV_FILE,),
    ),
    Mutant("a file may have any number of lines", "env_file.py", "> MAX_LINES:", "< 0:", (ARCHIVES,)),
    Mutant(
        "every Region's bucket is answered",
        "protocol/delivery.py",
        "{region.replace('-', '')}",
        "eucentral1",
        (RESPOND,),
    ),
    Mutant(
        "the future is believed",
        "protocol/provider.py",
        "request.issued_at > now + MAX_CLOCK_SKEW",
        "False",
        (PROVIDER,),
    ),
    Mutant(
        "anybody makes up types of metrics",
        "aws_lambda.py",
        "if registry.is_known(resource_type) else UNKNOWN",
        "",
        (HANDLER,),
    ),
    Mutant(
        "anybody makes up operations of metrics",
        "aws_lambda.py",
        "if operation in OPERATIONS else UNKNOWN",
        "",
        (HANDLER,),
    ),
    Mutant(
        "roots are loaded for each connection",
        "aws/tls.py",
        "        if self._loaded is None:",
        "        if wanted:",
        (TLS,),
    ),
    Mutant("a shared context stops to verify", "aws/tls.py", "_VERIFIED.get(name, value) != value", "False", (TLS,)),
    Mutant(
        "the answer trusts the clients' roots alone",
        "protocol/delivery.py",
        "            tls = None\n",
        "            pass\n",
        (TLS,),
    ),
    Mutant(
        "events share their handlers",
        "aws/clients.py",
        "own._endpoint._event_emitter = copy(events)",
        "own._endpoint._event_emitter = events",
        (CLIENTS,),
    ),
    Mutant("an event makes clients", "aws_lambda.py", "view(_shared_client(name))", "_new_client(name)", (CLIENTS,)),
    Mutant(
        "a failed import ends INIT",
        "aws_lambda.py",
        "        with suppress(BaseException):\n            find",
        "        with suppress(ImportError):\n            find",
        (ANSWERS,),
    ),
    Mutant(
        "another package's services lose operations",
        "cli/provider_models.py",
        "None if service in whole else words",
        "words",
        (MODELS,),
    ),
    Mutant(
        "all documentation is cut",
        "cli/provider_models.py",
        'parts = {"operations": operations, "shapes": shapes}',
        'parts = {**model, "operations": operations, "shapes": shapes}',
        (BUILD,),
    ),
    Mutant(
        "endpoints go by the names of services",
        "cli/provider_models.py",
        'document["metadata"]["endpointPrefix"]',
        "service",
        (MODELS,),
    ),
    Mutant("what has just begun is looked at", "aws/waiting.py", "if not at_once:", "if False:", (WAITING,)),
    Mutant(
        "a wait looks ever more seldom",
        "aws/waiting.py",
        "min(pause * pace.factor, pace.longest)",
        "pause * pace.factor",
        (WAITING,),
    ),
    Mutant(
        "the date of a source decides whether its bytecode is used",
        "cli/bytecode.py",
        r"\\1\\0\\0\\0",
        r"\\0\\0\\0\\0",
        (BYTECODE,),
    ),
    Mutant(
        "bytecode depends on what else the process did", "cli/bytecode.py", "dumps(code, 2)", "dumps(code)", (BYTECODE,)
    ),
    Mutant("the loader's bytecode is left out", _LOADER, "yield from _bytecode(shim, sources)", "pass", (BYTECODE,)),
    Mutant("the hash in an ID has no key", "aws/operation.py", "hmac.new(self._secrets[0],", 'hmac.new(b"",', (CODE,)),
    Mutant("a damaged key is used", "aws/s3_objects.py", "if len(found) != _SECRET_BYTES:", "if False:", (CODE,)),
    Mutant("the last first use wins", "aws/s3_objects.py", ', IfNoneMatch="*")', ")", (CODE,)),
    Mutant(
        "a package of the workspace comes from the registry",
        "cli/bundling/npm_workspaces.py",
        "if name in workspace.packages and is_version(spec):",
        "if False:",
        (NODE_SOURCES,),
    ),
    Mutant(
        "a registry with a variable is forgotten",
        "cli/bundling/npm_registries.py",
        "if not setting.is_allowed and own(key)",
        "if False and own(key)",
        (NODE_SOURCES,),
    ),
    Mutant(
        "the lock file of another tool is ignored",
        "cli/bundling/node_packages.py",
        "if (source / name).exists() and not is_excluded(name):",
        "if False:",
        (NODE_SOURCES,),
    ),
    Mutant(
        "a stub passes for a client of Prisma",
        "cli/bundling/node_prisma.py",
        "index.is_file() and _STUB not in",
        "index.is_file() or _STUB not in",
        (NODE_CHECKS,),
    ),
    Mutant(
        "engines are compared with the first release only",
        "cli/bundling/node_engines.py",
        "_padded((major,)), _padded((major + 1,))",
        "_padded((major,)), _padded((major, 0, 1))",
        (NODE_CHECKS,),
    ),
    Mutant(
        "a chain with its private key passes for public",
        "cli/bundling/secret_files.py",
        "_PRIVATE in body or not",
        "not",
        (BUNDLE_SECRETS,),
    ),
    Mutant(
        "Git runs a program of the repository",
        "cli/bundling/git_ignore.py",
        '"-c", "core.fsmonitor=false", ',
        "",
        (BUNDLE_SECRETS,),
    ),
    Mutant(
        "one file that fits excuses all others of a package",
        "cli/bundling/compiled_files.py",
        '_SUFFIX.sub("", file)',
        '""',
        ("tests/test_cli_bundle.py",),
    ),
    Mutant(
        "wrong usage looks like a failure",
        "cli/main.py",
        "return 2 if isinstance(error, UsageError) else 1",
        "return 1",
        (AWS_OPTIONS, LOCAL),
    ),
    Mutant(
        "the options of the AWS CLI do not reach the clients",
        "cli/aws_options.py",
        "boto3.Session(profile_name=arguments.profile, ",
        "boto3.Session(",
        (AWS_OPTIONS,),
    ),
    Mutant(
        "a command in the emulator sees the caller's profile",
        "local/child.py",
        'if not name.startswith("AWS_") or name in _KEPT',
        "if name",
        (LOCAL,),
    ),
    Mutant(
        "a signal does not reach the command",
        "local/child.py",
        "started[0].send_signal(number)\n        else",
        "pass\n        else",
        (LOCAL,),
    ),
    Mutant(
        "doctor gives up at the first thing that it cannot remove",
        "doctor/cleanup.py",
        "            except Exception as error:",
        "            except ValueError as error:",
        (DOCTOR,),
    ),
    Mutant(
        "doctor removes nothing after an interruption",
        "doctor/examine.py",
        "    finally:\n        left = _remove(session)",
        "    except ValueError:\n        raise\n    else:\n        left = _remove(session)",
        (DOCTOR,),
    ),
    Mutant(
        "doctor deletes a version that it did not publish",
        "doctor/function_beliefs.py",
        "if version in before:",
        "if version in ():",
        (DOCTOR,),
    ),
    Mutant(
        "a wrong belief is a success",
        "cli/doctor.py",
        'report.letters("wrong")',
        'report.letters("")',
        (DOCTOR,),
    ),
    Mutant(
        "doctor judges the state of an event otherwise than the provider does",
        "doctor/state_beliefs.py",
        "replaced = in_cleanup and ",
        "replaced = ",
        ("tests/test_doctor_states.py",),
    ),
    Mutant(
        "the recorder writes the URL of the response down",
        "doctor/recorder.py",
        '"host": url.netloc,',
        '"host": event["ResponseURL"],',
        (DOCTOR,),
    ),
    Mutant(
        "any deployment of another is enough",
        "resources/api_gateway_resource/deployments.py",
        "> began + CLOCK_SKEW",
        "> began - 500",
        (TOGETHER,),
    ),
    Mutant(
        "every missing integration uses up the same two minutes",
        "resources/api_gateway_resource/deployments.py",
        "if missing != self.missing or not self.since:",
        "if not self.since:",
        (TOGETHER,),
    ),
    Mutant(
        "a resource that another has renamed is deleted with all below it",
        "resources/api_gateway_resource/paths.py",
        "in (None, id):",
        "is None:",
        (TOGETHER,),
    ),
    Mutant(
        "a resource that another is just creating is deleted",
        "resources/api_gateway_resource/paths.py",
        " and id not in tree.created]",
        "]",
        (TOGETHER,),
    ),
    Mutant(
        "a package that the project takes from a folder comes from an index",
        "cli/bundling/python_manifest.py",
        "if name in sources.refused and applies(marker, target, label):",
        "if False:",
        (f"{SOURCES}::test_a_source_that_cannot_be_kept_is_refused_before_anything_is_installed",),
    ),
    Mutant(
        "an override loses the source of a package",
        "cli/bundling/python_manifest.py",
        "sorted(names & with_source)",
        "()",
        (f"{SOURCES}::test_a_source_that_cannot_be_kept_is_refused_before_anything_is_installed",),
    ),
    Mutant(
        "what is for development too is taken from the registry for the function",
        "cli/bundling/npm_dependencies.py",
        "    unknown -= dict(required(package)).keys()\n",
        "",
        (NODE_SOURCES,),
    ),
    Mutant(
        "uv does not learn pip's indexes",
        "cli/bundling/pip_settings.py",
        "    if _uv_has_indexes(environ):",
        "    if True:",
        (f"{SOURCES}::test_uv_gets_the_indexes_of_pips_settings",),
    ),
    Mutant(
        "uv resolves for the glibc of this machine",
        "cli/bundling/python_installers.py",
        'told["os"].update(name="manylinux", major=2, minor=target["glibc"])',
        "pass",
        (f"{PACKAGES}::test_a_wheel_for_a_newer_system_than_the_runtimes_is_not_installed",),
    ),
    Mutant(
        "the runtime is taken for the first release of its Python",
        "cli/bundling/lambda_platform.py",
        "_PATCH.get(self.python or 0, 0)",
        "0",
        (f"{PACKAGES}::test_the_patch_version_of_the_runtime_decides",),
    ),
    Mutant(
        "one package's file replaces another's",
        "cli/bundling/python_conflicts.py",
        "if len(set(digests.values())) > 1",
        "if False",
        (f"{PACKAGES}::test_different_files_of_the_same_name_are_an_error",),
    ),
    Mutant(
        "packages for development are installed from a lock",
        "cli/bundling/python_locks.py",
        'if "main" in each["groups"] and',
        "if",
        (f"{LOCKS}::test_the_versions_of_a_lock_are_installed",),
    ),
    Mutant(
        "the output of pip and uv shows passwords",
        "cli/tools.py",
        "redacted(visible(line)) for line in output",
        "visible(line) for line in output",
        (f"{SOURCES}::test_no_message_shows_credentials",),
    ),
    Mutant(
        "text in a template of JavaScript is an import",
        "cli/bundling/javascript_imports.py",
        """if token.text == "`" or goes_on:""",
        "if goes_on:",
        (READERS,),
    ),
    Mutant(
        "a relative import in Python adds the reader",
        "cli/bundling/python_imports.py",
        " and node.level == 0:",
        ":",
        (READERS,),
    ),
    Mutant(
        "the reader is added although the code imports other names",
        "cli/bundling/python_imports.py",
        """ and name in {"", "*", *packages[package]}}""",
        "}",
        (READERS,),
    ),
    Mutant(
        "the reader hides a module of the source",
        "cli/bundling/reader_files.py",
        'module in modules and not any(_has_python(files, each, module) for each in (own, ""))',
        "module in modules",
        (READERS,),
    ),
    Mutant(
        "what a source requires in another language is left out without a word",
        "cli/bundling/function_zip.py",
        "other_languages.refuse(source)",
        "pass",
        (BUNDLE_FAULTS,),
    ),
    Mutant(
        "a package outside of the source passes for the reader by its name",
        "cli/bundling/npm_reader.py",
        "return name == NODE_NAME and code == _content(NODE_READER / _CODE)",
        "return name == NODE_NAME",
        ("tests/test_reader_packages.py",),
    ),
    Mutant(
        "a variable that an interpreter reads while it starts moves",
        "transform/plans.py",
        "if not stated.moves or stays(name, stated.keep)",
        "if not stated.moves",
        (MOVES,),
    ),
    Mutant(
        "functions of one artifact share an object whatever their variables are",
        "transform/plans.py",
        '{**self.properties, "Runtime": language}',
        '{"Code": self.source, "Runtime": language}',
        (MOVES,),
    ),
    Mutant(
        "SAM merges Globals into what a function states now",
        "transform/environment.py",
        "if name in general(template, function.resource)]",
        "if False]",
        (MOVES,),
    ),
    Mutant(
        "a shared object waits for what only some of its functions wait for",
        "transform/environment.py",
        "if all(name in _depends_on(each.function) for each in group)",
        "if any(name in _depends_on(each.function) for each in group)",
        (MOVES,),
    ),
    Mutant(
        "every version of a function counts as one that the template refers to",
        "transform/versions.py",
        "return any(form in text for form in forms)",
        "return True",
        ("tests/test_transform_versions.py",),
    ),
    Mutant(
        "SAM's version does not follow",
        "transform/versions.py",
        "edits += _description_edits(function, sha256)",
        "edits += ()",
        ("tests/test_transform_versions.py",),
    ),
    Mutant(
        "the macro's error shows what failed",
        "transform/macro.py",
        "failed with {type(error).__name__}",
        "failed with {error}",
        ("tests/test_transform_macro.py",),
    ),
    Mutant(
        "a stack that only waits for its change set is taken for one that exists",
        "cli/installing/stacks.py",
        "found.status in (REVIEW, DELETED)",
        "found.status == DELETED",
        (INSTALL,),
    ),
    Mutant(
        "the status before an update is taken for its result",
        "cli/installing/stacks.py",
        "(events or status == DELETED) and not",
        "not",
        (INSTALL,),
    ),
    Mutant(
        "a change set without changes is an error",
        "cli/installing/change_sets.py",
        """, "No updates are to be performed")""",
        ")",
        (INSTALL,),
    ),
    Mutant(
        "an update may replace the provider's function",
        "cli/installing/change_sets.py",
        'KEPT = ("Function", "StagingBucket")',
        'KEPT = ("StagingBucket",)',
        (INSTALL,),
    ),
    Mutant(
        "an existing stack changes without --upgrade",
        "cli/installing/installation.py",
        "if plan.previous and not wanted.upgrade:",
        "if False:",
        (INSTALL,),
    ),
    Mutant(
        "an installation that fails is not undone",
        "cli/installing/installation.py",
        "        if not done:\n            undo_all(place, undo)",
        "        pass",
        (INSTALL,),
    ),
    Mutant(
        "an update that succeeded loses its zip when it is interrupted",
        "cli/installing/installation.py",
        "return found is not None and found.parameters.get(parameters.CODE_KEY) == key",
        "return False",
        (INSTALL,),
    ),
    Mutant(
        "a stack without a provider is updated",
        "cli/installing/installation.py",
        "if not set(OWN) <= stack.parameters.keys():",
        "if False:",
        (INSTALL,),
    ),
    Mutant(
        "the provider's secret is deleted before its function",
        "cli/installing/removal.py",
        "if bucket is None or left != {STAGING}:",
        "if bucket is None:",
        (INSTALL,),
    ),
    Mutant(
        "a provider is removed while functions use its objects",
        "cli/installing/removal.py",
        "        if bucket:\n            _check_staged(place, bucket)",
        "        pass",
        (INSTALL,),
    ),
    Mutant(
        "the removal deletes whatever is in the bucket of the zip",
        "cli/installing/code_bucket.py",
        'if not _OWN_KEY.fullmatch(each["Key"])',
        "if not each",
        (INSTALL,),
    ),
    Mutant(
        "a function is connected with what depends on it",
        "transform/connect.py",
        "if circle:",
        "if False:",
        (CONNECT,),
    ),
    Mutant(
        "what SAM adds to a bucket that notifies a function is not known",
        "transform/sam.py",
        '"S3": "Bucket", ',
        "",
        (CONNECT,),
    ),
    Mutant(
        "a policy is put on a role that something else has",
        "transform/connect.py",
        "if others:",
        "if False:",
        (CONNECT,),
    ),
    Mutant(
        "a function does not wait for its policy",
        "transform/connect.py",
        "every if len(every) > 1 else every[0])",
        "every[:-1])",
        (CONNECT,),
    ),
    Mutant(
        "a function that shares code waits for the last of its policies alone",
        "transform/connect.py",
        "waiting.setdefault(function, []).append(place.policy)",
        "waiting[function] = [place.policy]",
        (CONNECT,),
    ),
    Mutant(
        "a key of the customer's is not noticed",
        "transform/connections.py",
        "if any(map(_is_customers_key, _below(properties, path))):",
        "if False:",
        (CONNECT,),
    ),
    Mutant(
        "a target may exist apart from its function",
        "transform/connections.py",
        "if target is not None and target != function:",
        "if False:",
        (CONNECT,),
    ),
    Mutant(
        "Connect for reading a queue allows deleting it",
        "transform/connectors.py",
        '"sqs:GetQueueAttributes"',
        '"sqs:GetQueueAttributes", "sqs:DeleteQueue"',
        (CONNECTORS,),
    ),
    Mutant(
        "a URL's function can be called without its URL",
        "transform/connectors.py",
        'condition={"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},',
        "",
        (CONNECTORS,),
    ),
    Mutant(
        "the provider serves a template that was not transformed",
        "env_properties.py",
        "if CONNECT in properties:",
        "if False:",
        (CODE, PROPERTIES),
    ),
    Mutant(
        "what is wrong with one stand-in is a fault",
        "lint/values.py",
        "if all(problem in others for others in found[1:])",
        "if found[1:] or True",
        (LINT,),
    ),
    Mutant(
        "a problem with a stand-in is a fault of the template",
        "lint/values.py",
        "if not _may_be_right(value, filled[0], problem, check)",
        "if problem",
        (LINT,),
    ),
    Mutant(
        "AWS::NoValue is a value",
        "lint/values.py",
        "    if value == NO_VALUE:\n        return NO_VALUE\n",
        "",
        (LINT,),
    ),
    Mutant(
        "a resource exists whatever its condition",
        "lint/scenarios.py",
        "wanted[str(own)] = {True}",
        "pass",
        (LINT,),
    ),
    Mutant(
        "a custom resource of another provider is checked",
        "lint/templates.py",
        "if not any(reference.logical_id in own for",
        "if True or any(reference.logical_id in own for",
        (LINT,),
    ),
    Mutant(
        "every attribute is known",
        "lint/attributes.py",
        "reference.attribute not in names",
        "reference.attribute is None",
        (LINT_FAULTS,),
    ),
    Mutant(
        "a fault of a property is reported twice",
        "lint/function_rule.py",
        "if not any(self._says(error, finding) for error in errors)",
        "if finding",
        (LINT_FAULTS,),
    ),
    Mutant(
        "a version is expected of a function that publishes",
        "lint/function_rule.py",
        "if not (_publishes(resource) and _is_of_version(error))",
        "if error",
        (LINT,),
    ),
)


def _survives(mutant: Mutant, folder: Path) -> str:
    """What is wrong with the tests for this mutant; empty if one of them fails."""
    path = folder / "cfn_injector" / mutant.file
    text = path.read_text("utf-8")
    if text.count(mutant.old) != 1:
        return f"its text is {text.count(mutant.old)} times in {mutant.file}"
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    try:
        tests = [test for test in mutant.tests if (folder / test.split("::")[0]).exists()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        path.write_text(text, "utf-8")
    return {0: "it survives", 1: ""}.get(done.returncode, f"pytest ended with {done.returncode}")


def main() -> int:
    named = sys.argv[1:]
    mutants = [mutant for mutant in MUTANTS if not named or any(word in mutant.name for word in named)]
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(source, folder / part)
        for mutant in mutants:
            problem = _survives(mutant, folder)
            failed += bool(problem)
            print(
                f"{'SURVIVED' if problem else 'killed':9} {mutant.name}{': ' if problem else ''}{problem}", flush=True
            )
    print(f"{len(mutants)} mutants, {len(mutants) - failed} killed, {failed} not")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
