"""CI901 to CI999: installing the provider, and the emulator."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Installing the provider, and the emulator"

_UNDONE = "What this run had created was removed again, except for what the output lists as not removed."
_STATUSES = (
    "[AWS's list of statuses]"
    "(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html) explains them."
)

ENTRIES = {
    "CI901": Entry(
        "AWS refused a call of `install`",
        "The message has the call, and AWS's own reason. Your credentials may lack a permission, a quota may be"
        f" reached, or a name may be taken. {_UNDONE}",
        "Correct what AWS names, and run the command again. For a missing permission, ask whoever manages your"
        " account: [Install the provider](install.md) says what the command creates.",
    ),
    "CI902": Entry(
        "A parameter of the provider's stack has a value that is not allowed",
        "The command checks values by the patterns of the provider's template, as CloudFormation does. The message"
        " names the option and what its value has to be. Nothing was created or changed.",
        "Correct the value of the option. Names of buckets and paths have no wildcards;"
        " [Parameters](install.md#parameters) describes each of them.",
    ),
    "CI903": Entry(
        "The name of the provider's stack is not valid",
        "The name of the stack is that of the provider, unless `--stack-name` gives another one. It begins with a"
        " letter, and has up to 123 letters, digits and hyphens. The stack of the bucket has the same name with"
        " `-code`.",
        "Give a valid name with `--stack-name`.",
    ),
    "CI904": Entry(
        "`--regions` cannot be used with the other options",
        "`--regions` replaces `--region`. The bucket of `--bucket` is in one Region, and Lambda reads the zip only from"
        " a bucket in its own Region.",
        "Give either `--region` or `--regions`. With several Regions, leave out `--bucket`, so that each of them gets a"
        " bucket, or run the command for each Region.",
    ),
    "CI905": Entry(
        "A new provider lacks options",
        "Some parameters of the provider's template have no default: they decide what the provider can read and change."
        " The provider is new, so it has no earlier values to keep. Nothing was created.",
        "Give the options that the message names, such as `--source-buckets my-artifacts --function-name-prefix shop-`."
        " If the provider exists already, check `--name`, `--stack-name` and `--region`.",
    ),
    "CI906": Entry(
        "The stack is not that of a provider",
        "A stack with this name exists, and lacks the parameters of the provider's template. The command does not"
        " change it.",
        "Give another `--name` or `--stack-name`, or another `--region`.",
    ),
    "CI907": Entry(
        "The provider exists, and would change",
        "Without `--upgrade`, the command only creates providers. It shows what would change, and leaves the stack as"
        f" it is. {_UNDONE}",
        "Add `--upgrade` to change the stack, or `--dry-run` to look only. For a second provider, give another"
        " `--name`.",
    ),
    "CI908": Entry(
        "The name of a provider cannot change",
        "The name is part of the provider's function, exports and role. Templates that use the provider refer to these"
        " names, and CloudFormation does not change the service token of an existing resource.",
        "Leave out `--name`, or give the name that the message states. For a second provider, give another"
        " `--stack-name`, too.",
    ),
    "CI909": Entry(
        "The bucket for the provider's zip does not exist",
        "`--bucket`, or the parameter `CodeBucket` of the existing stack, names a bucket that S3 does not know.",
        "Correct the name, or create the bucket. Without `--bucket`, the command creates a bucket for a new provider.",
    ),
    "CI910": Entry(
        "The bucket for the provider's zip is in another Region",
        "Lambda reads a function's zip only from a bucket in the function's own Region.",
        "Give a bucket in the provider's Region, or leave out `--bucket`. Correct `--region` if that is the mistake.",
    ),
    "CI911": Entry(
        "The stack for the bucket of the zip has another purpose",
        "The command keeps the bucket of the provider's zip in a stack with the provider's stack name and `-code`. A"
        " stack of that name exists, and has no output `Bucket`.",
        "Give another `--stack-name`, or an existing bucket with `--bucket`.",
    ),
    "CI912": Entry(
        "CloudFormation cannot compute the changes",
        "CloudFormation refused the change set, for the reason in the message. Often a value of a parameter is not"
        f" allowed, or the name of a resource is taken. {_UNDONE}",
        "Correct what the reason names, and run the command again.",
    ),
    "CI913": Entry(
        "The change would replace the provider's function or bucket",
        "Stacks that use the provider refer to its function, and functions are deployed from its staging bucket. A"
        " replacement would break both, so the command refuses it. The message names the properties. Nothing was"
        " changed.",
        "Leave the parameters that set these properties as they are. Install a second provider with another "
        "`--name`, and move your stacks to it.",
    ),
    "CI914": Entry(
        "The stack is being changed",
        "Somebody, or an earlier run, creates, updates or deletes the stack. CloudFormation allows one operation at a"
        " time.",
        "Wait until the operation ends, for example with `aws cloudformation describe-stack-events --stack-name NAME`."
        " Then run the command again.",
    ),
    "CI915": Entry(
        "The stack is in a state that cannot be updated",
        "An earlier operation on the stack failed, and CloudFormation refuses to update it in this state. The "
        f"message has the status. {_STATUSES}",
        "If its creation or deletion failed, run `cfn-injector install --uninstall`, and install again. After "
        "`UPDATE_FAILED`, run `aws cloudformation rollback-stack --stack-name NAME` first. After "
        "`UPDATE_ROLLBACK_FAILED`, run `aws cloudformation continue-update-rollback --stack-name NAME` first.",
    ),
    "CI916": Entry(
        "CloudFormation could not create, change or delete the stack",
        "The message has the status of the stack, and the reason of each resource that failed. CloudFormation rolls a"
        " failed creation or update back. What an installation had created before was removed again.",
        "Correct what the reasons name: a permission of yours, a quota or a name that is taken. Then run the command"
        " again.",
    ),
    "CI917": Entry(
        "CloudFormation did not finish within 30 minutes",
        "The command waits 30 minutes for a change set or an operation on a stack. An installation that takes longer is"
        " undone; a deletion goes on.",
        "Look at the events of the stack with `aws cloudformation describe-stack-events --stack-name NAME`. Run the"
        " command again when the stack is at rest.",
    ),
    "CI918": Entry(
        "The stack only waits for a change set",
        "A change set for a new stack was created with `--no-execute-changeset`, and not executed. The stack has no"
        " resources yet, so there is nothing to remove.",
        "Delete it with the command in the message. To install the provider instead, execute the change set.",
    ),
    "CI919": Entry(
        "The stack is protected from deletion",
        "Termination protection is on for the provider's stack. Nothing was deleted.",
        "If you are sure, turn it off: `aws cloudformation update-termination-protection"
        " --no-enable-termination-protection --stack-name NAME`. Then run the command again.",
    ),
    "CI920": Entry(
        "Stacks still use the provider",
        "The stacks in the message import an export of the provider. Without the provider, CloudFormation could neither"
        " update nor delete their custom resources. Nothing was deleted.",
        "Delete these stacks, or remove their custom resources and the import. Then run the command again.",
    ),
    "CI921": Entry(
        "The staging bucket still has packages of functions",
        "Functions are deployed from objects in the provider's staging bucket, and a rollback of their stacks needs"
        " them. The message names the users. Nothing was deleted.",
        "Delete the stacks of these functions first. If the functions are gone, or were retained, delete the objects"
        " with the command in the message.",
    ),
    "CI922": Entry(
        "An object of the provider cannot be deleted",
        "S3 refused to delete an object before its bucket was to be deleted. The message has S3's code: with"
        " `AccessDenied`, you lack `s3:DeleteObject` or `s3:DeleteObjectVersion`.",
        "Get the permission, or correct the bucket's policy. Then run the command again: it continues with what is"
        " left.",
    ),
    "CI923": Entry(
        "The command cannot ask for confirmation",
        "The command asks before it creates, changes or deletes anything. Standard input is not a terminal, as in a"
        " pipeline.",
        "Add `--yes` to go on without a question.",
    ),
    "CI924": Entry(
        "The question was not answered with yes",
        "The command goes on only with `y` or `yes`. The message says what did not happen.",
        "Run the command again, and answer `y`. To go on without a question, add `--yes`.",
    ),
    "CI925": Entry(
        "The options of `local` cannot be used together",
        "`--output json` prints the variables, which a command after `--` gets in its environment. `--keep` leaves "
        "the emulator running after a command, so it needs one. After `--` stands the name of a program.",
        "Leave out the option that the message names, or write the program and its arguments after `--`.",
    ),
    "CI926": Entry(
        "The provider has no parameter of this name",
        "`--parameter-overrides` of `local` takes parameters of the provider's template, except those that the command"
        " sets itself.",
        "Use one of the names that the message lists. They are case-sensitive, as in `ParameterPaths=/app`.",
    ),
    "CI927": Entry(
        "The port for the emulator cannot be used",
        "Another program listens on the port, or you may not use it, as with ports below 1024.",
        "Choose another `--port`, or leave it out to take a free one.",
    ),
    "CI928": Entry(
        "The emulator did not start",
        "The emulator did not answer within 30 seconds, or ended by itself. The end of its log is above the message. A"
        " slow machine or an incomplete installation can be the cause.",
        "Run the command again. If it fails again, correct what the log names, or reinstall the emulator: `pip"
        " uninstall ministack`, and then `pip install 'cfn-injector[local]'`.",
    ),
    "CI929": Entry(
        "The emulator ended by itself",
        "The process of the emulator ended before this command did: it failed, or somebody ended it. The end of its log"
        " is above the message. Everything in the emulator is gone.",
        "Correct what the log names, such as too little memory, and run the command again.",
    ),
    "CI930": Entry(
        "A call to the emulator failed",
        "`local` installs the provider before your command runs, and an example of this project deploys its "
        "application. The message has the emulator's reason. The end of its log is above the message.",
        "Check the values of `--parameter-overrides`. If you gave none, report the message to the project.",
    ),
    "CI931": Entry(
        "A stack on the emulator failed",
        "The message has the status of the stack, and the reason of each resource that failed. A reason of the provider"
        " ends with a code of its own.",
        "Correct what the reasons name. For the provider's own stack, check the values of `--parameter-overrides`.",
    ),
    "CI932": Entry(
        "An example application does not work",
        "A demo of this project deployed an application to the emulator, and the application answered with something"
        " else than the demo expects.",
        "If you changed the application, correct it: the message says what was answered. Otherwise report it to the"
        " project.",
    ),
    "CI933": Entry(
        "AWS does not behave as the provider expects",
        "`doctor` checks whether AWS behaves as the provider expects. The report on standard output says for each "
        "letter in the message what was expected, what was observed, and what follows.",
        "Do not use what depends on it, as the report describes. Report it to the project with the output of `doctor"
        " --json`.",
    ),
    "CI934": Entry(
        "`doctor` could not remove what it created",
        "AWS refused to delete some of the stacks, functions or buckets that `doctor` created, or you interrupted the"
        " removal. The message has the reasons. What is left may cost money.",
        "Delete what the message names, in the console or with the AWS CLI. All names begin with"
        " `cfn-injector-doctor-`. Empty a bucket before you delete it.",
    ),
}
