"""CI601 to CI699: templates that are transformed, packaged or checked."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Templates that are transformed, packaged or checked"

_LEFT = (
    "Unless you selected this function by its name or its metadata, it stays as it is, and the message is only a note."
)
"""What becomes of a function whose variables were to move with those of all others."""

ENTRIES: dict[str, Entry] = {
    "CI601": Entry(
        "The macro failed unexpectedly",
        "The macro's code has an error, or the template has a shape that the macro does not know. The message shows"
        " only the type of the error, because its text may contain a secret. CloudFormation deploys nothing.",
        "Report the error with the resources of the template, without secrets. Until it is corrected, remove the macro"
        " from `Transform`, and run `cfn-injector transform` on the template before you deploy it.",
    ),
    "CI602": Entry(
        "The macro was called for a part of a template",
        "`Fn::Transform` passes only a part of a template to a macro. This macro adds resources, and needs the "
        "whole template with its section `Resources`.",
        "Remove `Fn::Transform`, and name the macro in the [section"
        " `Transform`](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-section-structure.html)"
        " of the template.",
    ),
    "CI603": Entry(
        "The macro was called with parameters",
        "The section `Transform` names the macro with `Parameters`. The macro takes none, and ignoring them would hide"
        " a mistake.",
        "Remove `Parameters`. Put the settings into `Metadata: {CfnInjector: ...}` of the template or of a function.",
    ),
    "CI604": Entry(
        "`Metadata.CfnInjector` is not a map",
        "`Metadata.CfnInjector` of the template or of a function is text, a list or a number.",
        "Write a map of names such as `Env`, `EnvLoader` or `MoveEnvironment` to values.",
    ),
    "CI605": Entry(
        "`Metadata.CfnInjector` has a name that is not known",
        "A name is misspelled, or is allowed in the metadata of a function only. The metadata of a template can have"
        " only defaults that hold for all of its functions.",
        "Use one of the names that the message lists. Move `Env`, `EnvFrom`, `Connect` and the like from the metadata"
        " of the template to that of each function.",
    ),
    "CI606": Entry(
        "`Keep` is not a list of names",
        "`Keep` in `Metadata.CfnInjector` lists the variables that stay in `Environment`. It is not a list, or an item"
        " is not text.",
        "Write a list of names, such as `[DD_SITE, OTEL_*]`. `*` stands for any text.",
    ),
    "CI607": Entry(
        "The template has no function with the stated logical ID",
        "`--move-environment`, or `MoveEnvironment` in the metadata of the template, names something else. Only"
        " functions of the types `AWS::Lambda::Function` and `AWS::Serverless::Function` can be named.",
        "Use the logical IDs that the message lists. `--move-environment` takes all words after it as logical IDs, "
        "so put it after the path of the template.",
    ),
    "CI608": Entry(
        "The variables of a function are not a map of names to values",
        "`Environment`, `Environment.Variables` or `Env` is a list, text or an intrinsic function, such as `Fn::If`"
        " around all variables. The names of the variables must be known before the deployment. " + _LEFT,
        "Write a map of names to values. Put intrinsic functions into the values: `NAME: !If [Condition, a, b]`.",
    ),
    "CI609": Entry(
        "A function has no variables to move",
        "The function has neither `Env` nor `EnvFrom` in its metadata, and `Environment` has no variable that can move."
        " Variables that a runtime or an extension reads stay in `Environment`, and so do those in `Keep`. " + _LEFT,
        "Set `Env` or `EnvFrom` in `Metadata: {CfnInjector: ...}` of the function. Otherwise do not name the function,"
        " and remove its metadata.",
    ),
    "CI610": Entry(
        "The runtime of a function is not known, so no loader can be chosen",
        "`Runtime` is missing, or depends on the deployment. It is known if it is text, or a parameter with a default"
        " that is not from Parameter Store. The macro also knows the values of parameters. " + _LEFT,
        "Write the runtime as text, or give the parameter a default. Otherwise set `EnvLoader` in"
        " `Metadata: {CfnInjector: ...}` of the function: `handler`, `exec` or `none`.",
    ),
    "CI611": Entry(
        "There is no loader for the runtime of a function",
        "No loader runs before the code of this runtime, such as `provided.al2023`, whose bootstrap is your own. With"
        " `Edge: true`, loaders exist for Python and Node.js only. " + _LEFT,
        "Read the file `.env` in the code, and set `EnvLoader: none` in `Metadata: {CfnInjector: ...}` of the function."
        " Otherwise leave the variables in `Environment`.",
    ),
    "CI612": Entry(
        "A function has no `Handler` or `Runtime`, which the loader needs",
        "The loader `handler` depends on `Handler` and `Runtime`, and `exec` on `Runtime`. Neither the function nor"
        " `Globals` has the property that the message names. " + _LEFT,
        "Set the property. If the code reads the file `.env` itself, set `EnvLoader: none` in"
        " `Metadata: {CfnInjector: ...}` of the function instead.",
    ),
    "CI613": Entry(
        "A function whose variables are to be injected is a container image",
        "`PackageType` is `Image`, or the code is an `ImageUri`. The provider adds a file to a zip, and cannot change"
        " an image. " + _LEFT,
        "Deploy the code as a zip. For an image, leave the variables in `Environment`, and remove"
        " `Metadata: {CfnInjector: ...}` from the function.",
    ),
    "CI614": Entry(
        "The code of the function is in the template",
        "`Code.ZipFile` of a native function, or `InlineCode` of a SAM function, holds the code. A `Custom::LambdaCode`"
        " needs an object in S3, to which it adds the variables. " + _LEFT,
        "Move the code to a file, and name the file or its folder in `Code` or `CodeUri`. Then run"
        " `cfn-injector package`, which uploads it and transforms the template.",
    ),
    "CI615": Entry(
        "The code of the function is not an object in S3",
        "`Code` or `CodeUri` is a path of your machine, an intrinsic function, or lacks the bucket or the key. A"
        " `Custom::LambdaCode` needs both. " + _LEFT,
        "Upload local code with `cfn-injector package`, which takes the same options. Otherwise write"
        " `Code: {S3Bucket: ..., S3Key: ...}`, or for SAM `CodeUri: s3://BUCKET/KEY`.",
    ),
    "CI616": Entry(
        "The function's code would stay in S3",
        "`S3ObjectStorageMode` (`StorageMode` in SAM) is `REFERENCE`. Then the [object must remain in"
        " place](https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-functioncode.html)"
        " for the lifetime of the function. The provider deletes an injected object when the stack no longer needs it. "
        + _LEFT,
        "Remove the property, or set it to `COPY`, which is the default.",
    ),
    "CI617": Entry(
        "The function requires signed code",
        "`CodeSigningConfigArn` lets Lambda check the signature of the artifact. Adding a file to the artifact breaks"
        " the signature. " + _LEFT,
        "Remove `CodeSigningConfigArn` if the function does not have to be signed. Otherwise leave its variables in"
        " `Environment`, and remove `Metadata: {CfnInjector: ...}` from the function.",
    ),
    "CI618": Entry(
        "`Connect` is not a map with entries",
        "`Connect` is empty, a list or text.",
        "Write a map of logical IDs to `Read`, `Write`, both as a list, or a map with `Access`. If there is nothing to"
        " connect, remove `Connect`.",
    ),
    "CI619": Entry(
        "`Connect` is in the wrong place",
        "`Custom::LambdaFunction` and `Custom::LambdaCode` have `Connect` as a property. Native functions and those "
        "of SAM have it in `Metadata: {CfnInjector: ...}`. Resources of other types cannot have `Connect`.",
        "Move `Connect` to the place for the type that the message names.",
    ),
    "CI620": Entry(
        "`Connect` is for a function in a loop",
        "`Fn::ForEach` makes several functions of one text. `Connect` would have to write a policy for each of them"
        " outside of the loop.",
        "Remove `Connect`. Write the variables into `Env` and an `AWS::IAM::Policy` into the loop yourself.",
    ),
    "CI621": Entry(
        "`Connect` names something that is not a resource of the template",
        "The name is misspelled, or is that of a parameter, a module or a resource of another stack.",
        "Use the logical ID of a resource in this template. For a resource of another stack, write the variables into"
        " `Env` and the permissions into the role yourself.",
    ),
    "CI622": Entry(
        "`Connect` does not know the type of a resource",
        "For each type that `Connect` knows, it has a table of variables and actions. This type is not in it.",
        "Remove the entry. Write the variables into `Env` and the permissions into the role yourself. The message lists"
        " the types of the same service that are known, or all types.",
    ),
    "CI623": Entry(
        "An entry of `Connect` has a member that is not known",
        "A map in `Connect` can have `Access`, `Prefix` and `KeyGranted`. A name is misspelled, or stands one level too"
        " deep.",
        "Use one of the names that the message lists.",
    ),
    "CI624": Entry(
        "`Prefix` in `Connect` is not text",
        "The names of the variables begin with `Prefix`. It is a number, a list or an intrinsic function, and these"
        " names must be known before the deployment.",
        "Write text, such as `Prefix: JOBS`. Without `Prefix`, the names begin with the logical ID.",
    ),
    "CI625": Entry(
        "The access to a connected resource is missing or not possible",
        "The entry says neither `Read` nor `Write`, or the type does not offer that access. For types such as databases"
        " and caches, `Connect` gives variables only, because IAM has no permission for their commands.",
        "Use an access that the message offers. Write `{}` for a type that gives variables only.",
    ),
    "CI626": Entry(
        "A connected resource exists only under a condition",
        "The resource has a `Condition` that the function does not have. Without the resource, the function and its"
        " policy would refer to nothing, and CloudFormation would refuse the template.",
        "Give the function the same `Condition`. Otherwise remove the entry, and write the variables and the policy"
        " yourself, with `Fn::If`.",
    ),
    "CI627": Entry(
        "A connected resource is encrypted with a KMS key of your own",
        "To use the resource, the function's role also needs permissions for the key. `Connect` gives none, because"
        " only you know the key's policy.",
        "Allow the role the actions that the message lists on that key, and add `KeyGranted: true` to the entry. AWS"
        " managed keys (`alias/aws/...`) need nothing.",
    ),
    "CI628": Entry(
        "`Connect` is for code that no function uses",
        "A `Custom::LambdaCode` has `Connect`, and no function of this template refers to it. So there is no role for"
        " the policy.",
        "Let a function take its code from the resource, with `S3Key: !GetAtt Code.S3Key`. Functions of other stacks"
        " need the policy there.",
    ),
    "CI629": Entry(
        "The conditions of a connection differ",
        "The policy gets the `Condition` of the resource with `Connect`. A role, or a function with its code, has"
        " another one. Then the policy could exist without the role, or the function without the policy.",
        "Give both resources that the message names the same `Condition`, or none.",
    ),
    "CI630": Entry(
        "`Connect` would give permissions to other resources, too",
        "The function's role is also that of the resources in the message. A policy on the role would hold for all of"
        " them.",
        "Give the function a role of its own. Functions with the code of one `Custom::LambdaCode` can share a role if"
        " `Connect` stands there.",
    ),
    "CI631": Entry(
        "The role of a connected function is not in the template",
        "`Connect` adds a policy to the function's role. `Role` is missing, or is an ARN, a parameter, an import or"
        " `Fn::If`.",
        "Refer to an `AWS::IAM::Role` of this template with `!GetAtt Role.Arn`. For another role, remove `Connect`, and"
        " write the variables into `Env` and the policy where the role is.",
    ),
    "CI632": Entry(
        "A resource has the logical ID of a policy that `Connect` adds",
        "The policy's logical ID is that of the resource with `Connect`, followed by `Connect`. The template "
        "already has such a resource.",
        "Rename the resource that the message names, and the references to it. Renaming replaces a resource in a stack,"
        " so rename the function instead if that is safer.",
    ),
    "CI633": Entry(
        "`Connect` would make a variable whose name is not possible",
        "A name begins with `Prefix`, or with the logical ID in upper case. Here it begins with a digit, contains a"
        " character that is not allowed, or is a name that Lambda or a runtime reserves.",
        "Set another `Prefix`, of letters, digits and `_`, that does not begin with a digit.",
    ),
    "CI634": Entry(
        "`Connect` would make a variable that the function already has",
        "The name is in `Env`, in `Environment`, or is that of another connection's variable.",
        "Set `Prefix` of the entry, or rename the other variable.",
    ),
    "CI635": Entry(
        "`Connect` would make a circular dependency",
        "The function would refer to a resource that refers to the function, as a bucket does that notifies it."
        " CloudFormation [refuses such a"
        " template](https://repost.aws/knowledge-center/cloudformation-circular-dependency-sam). The message lists the"
        " circle.",
        "Remove the entry, and give the resource a fixed name. Write that name into `Env` and the policy, without"
        " `Ref`. Otherwise let a separate resource refer to both.",
    ),
    "CI636": Entry(
        "The template is not valid YAML or JSON",
        "The text cannot be parsed at the line and column in the message. Text that begins with `{` is read as JSON"
        " first, and other text as YAML 1.1. CloudFormation [does not support all of"
        " YAML](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html).",
        "Correct the text at that place, or just before it: an indentation, a missing quote or comma, a tab, an unknown"
        " tag. The file must hold a single template.",
    ),
    "CI637": Entry(
        "The file is not a template",
        "The text is valid YAML or JSON. At its top is text, a list or an intrinsic function instead of a mapping.",
        "Give the path of a template: a mapping with a section `Resources`.",
    ),
    "CI638": Entry(
        "An edit would also change another part of the template",
        "The place to edit has a YAML anchor, or comes from one by an alias or a merge (`<<`). Changing the text would"
        " change every place that repeats it. Nothing was written.",
        "Write the value out at the places that the message names, without the anchor, the alias or the merge. Then run"
        " the command again.",
    ),
    "CI639": Entry(
        "The template cannot be edited as text",
        "The command edits the text, parses it again, and compares the result. Here the result is not the template that"
        " was meant. An unusual notation of YAML is the cause. Nothing was written.",
        "Write the resources that the message names in the style of CloudFormation's own examples: one name per line,"
        " indented by spaces.",
    ),
    "CI640": Entry(
        "The platform of local code is known only to the deployment",
        "`Runtime` or `Architectures` of a function depends on a parameter without a default, or on a condition."
        " `package` has to know it to choose the function's dependencies. Nothing was uploaded.",
        "Give the parameter a default, or give `--runtime` or `--architecture` to the command.",
    ),
    "CI641": Entry(
        "Lambda does not have the architecture of a function",
        "`Architectures` of a function with local code is neither `x86_64` nor `arm64`. Nothing was uploaded.",
        "Write `Architectures: [x86_64]` or `Architectures: [arm64]`.",
    ),
    "CI642": Entry(
        "The local code that a template names does not exist",
        "The path is misspelled, or is relative to another folder: paths start at the folder of the template. The code"
        " may also not have been built yet. Nothing was uploaded.",
        "Correct the path, or build the code first. After `sam build`, package the template in `.aws-sam/build`.",
    ),
    "CI643": Entry(
        "A folder that a template names has no files",
        "The folder of a layer, or of a function with another runtime than Python or Node.js, has no file to package."
        " It may be empty, or all of its files are excluded. Nothing was uploaded.",
        "Name the folder with the code, build the code first, or change `--exclude`.",
    ),
    "CI644": Entry(
        "`lint` finds no template at the path",
        "The path is misspelled, or starts at another folder. A pattern such as `a/**/*.yaml` matches no file.",
        "Correct the path. Write a pattern in quotes, so that the shell does not change it.",
    ),
    "CI645": Entry(
        "An option or a setting of cfn-lint is wrong",
        "The setting may be in `.cfnlintrc`, in the file of `--config-file` or in an option. The message is cfn-lint's"
        " own. No template was checked.",
        "Correct what the message names. The settings are described in [cfn-lint's"
        " documentation](https://github.com/aws-cloudformation/cfn-lint#configuration).",
    ),
    "CI646": Entry(
        "A template uses an attribute that the resource does not have",
        "`Fn::GetAtt` or `Fn::Sub` names an attribute that the provider does not return for this type of resource. "
        "CloudFormation would find out during the deployment, and roll the stack back.",
        "Use an attribute that the message names. With `Handlers` of `Custom::LambdaCode`, the attributes are "
        "`Handler.NAME`.",
    ),
}
