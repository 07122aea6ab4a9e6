"""CI201 to CI299: properties in a template."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Properties in a template"

ENTRIES: dict[str, Entry] = {
    # The variables
    "CI201": Entry(
        "A value of `Env` is not text, a number or a boolean",
        "A variable has one text as its value, but the template gives a list or a map. Nothing was changed.",
        "Write the list or the map as JSON with [`Fn::ToJsonString`](https://docs.aws.amazon.com/AWSCloudFormation/"
        "latest/TemplateReference/intrinsic-function-reference-ToJsonString.html), and parse it in the code. The "
        "template then needs `Transform: AWS::LanguageExtensions`. A list of texts can also be joined with `Fn::Join`.",
    ),
    "CI202": Entry(
        "A value of `Env` is null",
        "The variable has a name in the template, but no value. Nothing was changed.",
        'Set a value: `""` is an empty text. To leave the variable out under a condition, use `!If [CONDITION, VALUE, '
        '!Ref "AWS::NoValue"]`.',
    ),
    "CI203": Entry(
        "A value contains a character that an environment variable cannot hold",
        "The value contains a NUL character, which ends a variable in the environment of a process. Or it contains "
        "half a surrogate pair (`U+D800` to `U+DFFF`), which is not valid Unicode. The message says which of the two.",
        "Encode a value with NUL, for example with `Fn::Base64`, and decode it in the code. Write a character outside "
        "the Basic Multilingual Plane as itself, or in JSON as a whole pair such as `\\ud83d\\ude00`.",
    ),
    "CI204": Entry(
        "The name of a variable is not valid",
        "Names of variables consist of letters, digits and `_`, and do not begin with a digit. With `EnvFrom`, the "
        "name is made of `Prefix` and of the parameter's name or the secret's member.",
        "Rename the variable. With `EnvFrom`, set another `Prefix`, or rename the parameter or the member.",
    ),
    "CI205": Entry(
        "The name of a variable is reserved by Lambda",
        "Lambda sets the variable itself, and [does not let functions set it](https://docs.aws.amazon.com/lambda/"
        "latest/dg/configuration-envvars.html). Such names are `AWS_REGION`, `AWS_ACCESS_KEY_ID` and `_HANDLER`, for "
        "example.",
        "Choose another name. With `EnvFrom`, set `Prefix`. If the code reads `AWS_REGION`, leave the variable out: "
        "Lambda sets it.",
    ),
    "CI206": Entry(
        "A variable decides which code is loaded",
        "`PATH`, `LD_PRELOAD`, `LD_LIBRARY_PATH`, `PYTHONPATH`, `NODE_OPTIONS` and `NODE_PATH` can make a function "
        "load other code. They are refused unless the template allows them.",
        "Set `AllowLoaderVariables: true` if you mean it, or remove the variable. On the command line, the option is "
        "`--allow-loader-variables`.",
    ),
    "CI207": Entry(
        "A variable is in `Env` and in `Environment.Variables`",
        "Both properties set the same variable, and only one value can win. With `EnvFrom`, one of the sources "
        "gives the variable.",
        "Keep the variable in one of the two. With `EnvFrom`, remove it from `Environment.Variables`, or set `Prefix`.",
    ),
    "CI208": Entry(
        "`EnvFile` is not a path within the artifact",
        "`EnvFile` names the file in the zip that holds the variables. It has to be a relative path, with `/` between "
        "its parts, and without empty parts, `.`, `..`, backslashes and NUL.",
        "Use a path such as `.env` or `config/.env`, or remove the property: the default is `.env`.",
    ),
    "CI209": Entry(
        "`EnvFile` is in the folder of the loaders",
        "The provider puts its loaders into the folder `_cfn_injector` of the zip, where nothing else can be.",
        "Choose another folder, or remove the property: the default is `.env`.",
    ),
    "CI210": Entry(
        "`Connect` is in a template that was deployed without being transformed",
        "`Connect` stands for variables and a policy that a command writes into the template. The provider cannot "
        "serve it, because CloudFormation has to create the policy.",
        "Run `cfn-injector transform` or `cfn-injector package` on the template, and deploy the template that it "
        "writes.",
    ),
    # References and EnvFrom
    "CI211": Entry(
        "CloudFormation does not resolve a reference to a secret here",
        "CloudFormation does not resolve dynamic references to [Secrets Manager](https://docs.aws.amazon.com/"
        "AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html) and to secure strings in custom "
        "resources. The provider resolves them in the values of `Env`, and nowhere else. In another property, the text "
        "of the reference would be used as the value. Nothing was changed.",
        "Move the reference into a value of `Env`, if it is for the function's code. Otherwise, pass the value as a "
        "stack parameter with `NoEcho: true`, or let the function read the secret when it runs.",
    ),
    "CI212": Entry(
        "CloudFormation did not resolve a reference to Parameter Store",
        "CloudFormation replaces `{{resolve:ssm:NAME}}` before it calls the provider. This reference was still there, "
        "for example because it does not have [the form that CloudFormation documents](https://docs.aws.amazon.com/"
        "AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html). Nothing was changed.",
        "Correct the reference: `{{resolve:ssm:NAME}}` or `{{resolve:ssm:NAME:VERSION}}`. Or use a stack parameter of "
        "the type `AWS::SSM::Parameter::Value<String>`.",
    ),
    "CI213": Entry(
        "A reference in `Env` cannot be parsed",
        "The provider resolves references in the form that [CloudFormation documents](https://docs.aws.amazon.com/"
        "AWSCloudFormation/latest/UserGuide/dynamic-references.html), and this one has another form. For example, `}}` "
        "is missing, or the version of a parameter is not a number. A secret can have a stage or a version ID, but not "
        "both. Nothing was changed.",
        "Write `{{resolve:ssm:NAME:VERSION}}`, `{{resolve:ssm-secure:NAME:VERSION}}` or "
        "`{{resolve:secretsmanager:SECRET:SecretString:KEY:STAGE:VERSION_ID}}`. Everything after the name can be left "
        "out. Check what `Fn::Sub` puts in.",
    ),
    "CI214": Entry(
        "An entry of `EnvFrom` is not one source",
        "Each entry is a map that names exactly one of `ParameterPath`, `SecretId` and `Artifact`. This one names none "
        "of them or several, or is not a map.",
        "Divide the entry into one for each source, such as `- ParameterPath: /app/prod/` and `- SecretId: db`.",
    ),
    "CI215": Entry(
        "A source of `EnvFrom` has a name that does not apply to it",
        "`Prefix`, `Upper`, `Optional` and `Override` are for all sources. `Name`, `VersionStage` and `VersionId` are "
        "for `SecretId` alone. With `Name`, the source gives one variable of that name, so `Prefix` and `Upper` do not "
        "apply.",
        "Remove the name that the message gives, or correct its spelling.",
    ),
    "CI216": Entry(
        "A value in a source of `EnvFrom` does not have the right form",
        "`ParameterPath` begins with `/`, `SecretId` is a name or a complete ARN, and `Artifact` is a relative path. "
        "`Prefix` and `Name` consist of letters, digits and `_`, and do not begin with a digit. The names of versions "
        "have neither blanks nor colons.",
        "Correct the value as the message says, such as `/app/prod/`, `prod/db` or `config/prod.env`. With `!Ref` and "
        "`!Sub`, check what they return.",
    ),
    "CI217": Entry(
        "Two sources of `EnvFrom` give the same variable",
        "Two sources have a parameter, a member or a variable of the same name. Or one source has two names that "
        "become the same variable, because `/`, `-` and `.` become `_`. The provider does not choose between them. The "
        "function's code was not changed.",
        "Give one of the sources a `Prefix`. If the later source is to win, set `Override: true` in it. If both names "
        "are in one source, rename one of them there. A variable in `Env` wins over all sources.",
    ),
    "CI218": Entry(
        "A parameter or a secret is outside what the provider may read",
        "The provider reads only parameters at and below `ParameterPaths`, and the `Secrets` in the list of its stack, "
        "in its own account and Region. An ARN of a secret has to be complete. The function's code was not changed.",
        "Let the provider's administrator add it with `cfn-injector install --upgrade`, by `--parameter-paths` or "
        "`--secrets`. These options replace the whole lists. Or use a parameter or a secret that is in them.",
    ),
    "CI219": Entry(
        "AWS does not accept the name or the version of a parameter or a secret",
        "Parameter Store or Secrets Manager answered that the name or the version is not valid. The function's code "
        "was not changed.",
        "Correct the name, `VersionStage` or `VersionId`. With `!Ref` and `!Sub`, check what they return.",
    ),
    "CI220": Entry(
        "A parameter, a secret or a file that the template names does not exist",
        "The parameter, secret or version does not exist in the provider's account and Region, or the path has no "
        "parameter below it. Or the artifact does not contain the file. Names of parameters are case-sensitive. The "
        "function's code was not changed.",
        "Create it, or correct its name or version. If the same template creates it, add `DependsOn`. In `EnvFrom`, "
        "set `Optional: true` if it may be missing. To read a single parameter, use `{{resolve:ssm:NAME}}` in `Env`.",
    ),
    "CI221": Entry(
        "The provider's role may not read a parameter or a secret",
        "AWS answered `AccessDeniedException`. The parameter or the secret does not exist, or the provider's stack was "
        "not updated after its lists were changed. Or the role lacks `kms:Decrypt` on the key that encrypts it, or the "
        "policy of the secret denies the role.",
        "Check that it exists. Update the provider's stack with `cfn-injector install --upgrade`. Allow the role "
        "`kms:Decrypt` on a key of your own, in a policy of `ExtraPolicyArns` and in the key's policy.",
    ),
    "CI222": Entry(
        "The KMS key of a parameter or a secret cannot be used",
        "AWS could not decrypt the value: the key is disabled or deleted, or the provider's role lacks `kms:Decrypt` "
        "on it. The keys `aws/ssm` and `aws/secretsmanager` need no further permission. The function's code was not "
        "changed.",
        "Enable the key. Allow the provider's role `kms:Decrypt` on it, in a policy of `ExtraPolicyArns` and in the "
        "key's policy.",
    ),
    "CI223": Entry(
        "A secret has no value now",
        "Secrets Manager answered `InvalidRequestException`: the secret is scheduled for deletion, or has no value "
        "yet. The function's code was not changed.",
        "Restore the secret with `aws secretsmanager restore-secret --secret-id SECRET`, or set a value with `aws "
        "secretsmanager put-secret-value --secret-id SECRET --secret-string file://FILE`. Then deploy again.",
    ),
    "CI224": Entry(
        "A parameter or a secret could not be read",
        "Parameter Store or Secrets Manager could not be reached, or answered with the error code in the message. The "
        "function's code was not changed.",
        "Deploy again. If the error comes again, look for the error code in AWS's documentation of the service.",
    ),
    "CI225": Entry(
        "The parameters below a path are larger than 1 MiB",
        "The values of all parameters below the path are more than a file of variables can hold, which is 1 MiB. The "
        "function's code was not changed.",
        "Name a path with fewer parameters below it, or put large values into a file of the artifact.",
    ),
    "CI226": Entry(
        "The value of a secret is binary",
        "The secret has a `SecretBinary`, and only a `SecretString` can become a variable. The function's code was not "
        "changed.",
        "Store the value as text, for example in Base64, and decode it in the code. Or let the function read the "
        "secret when it runs.",
    ),
    "CI227": Entry(
        "A secret is not a JSON object of texts, numbers and booleans",
        "The members of a secret become variables, or a reference names one of them. So the secret has to be a JSON "
        "object. A member that is a list, an object or null cannot be a variable. The function's code was not changed.",
        "Set `Name` in the source, or leave the key out of the reference: the variable is then the whole text of the "
        "secret. Or correct the secret, and write a nested value as JSON in a text.",
    ),
    "CI228": Entry(
        "A secret has no member with the name in the reference",
        "The reference names a key of the secret's JSON object that does not exist. Keys are case-sensitive. The "
        "function's code was not changed.",
        "Correct the key, or add it to the secret. If the reference names a version or a stage, check that this "
        "version of the secret has the key.",
    ),
    # EnvLoader
    "CI229": Entry(
        "The loader in `EnvLoader` does not work for this function",
        "`handler` is for Python and Node.js. `exec` uses a wrapper script, which Lambda runs for [managed "
        "runtimes](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html), but not for `provided.*`. It "
        "needs an environment variable, which Lambda@Edge does not allow.",
        "Remove `EnvLoader`, so that the provider chooses the loader. With `provided.*`, set `EnvLoader: none`, and "
        "read the file in the bootstrap. For Lambda@Edge, use `handler`.",
    ),
    "CI230": Entry(
        "Lambda Web Adapter starts the handler without a loader",
        "`AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap` means that [Lambda Web "
        "Adapter](https://awslabs.github.io/aws-lambda-web-adapter/) starts `Handler` as a command. The loader "
        "`handler` would never run, and the variables would be missing.",
        "Set `EnvLoader: none`, and let the command read the file. Or remove `AWS_LAMBDA_EXEC_WRAPPER`, if the "
        "function does not use Lambda Web Adapter.",
    ),
    "CI231": Entry(
        "`AWS_LAMBDA_EXEC_WRAPPER` is already used",
        "The loader `exec` sets `AWS_LAMBDA_EXEC_WRAPPER` to its own script, and a function has only one wrapper. The "
        "template sets this variable too, for example for a layer.",
        "Remove the variable from the template. If a layer or an agent needs it, set `EnvLoader: handler` for Python "
        "and Node.js, or else `EnvLoader: none`.",
    ),
    "CI232": Entry(
        "A variable is too long for the loader `exec`",
        "A variable with its name and `=` can have 131,071 bytes, because Linux does not start a program with a "
        "[longer one](https://man7.org/linux/man-pages/man2/execve.2.html). The loader `exec` starts the runtime as a "
        "program.",
        "Put the value into a file of the artifact, and read that file. Or set `EnvLoader: none`, and read the file of "
        "variables in the code.",
    ),
    "CI233": Entry(
        "The handler does not have the form `MODULE.NAME`",
        "The loader `handler` imports the function's own handler, so it needs a form such as `app.handler` or "
        "`src/app.handler`. A command, an empty text and a handler with `..` do not have this form.",
        "Correct `Handler` or the entry of `Handlers`. If the runtime does not start a handler of this form, set "
        "`EnvLoader: none`, and read the file in the code.",
    ),
    "CI234": Entry(
        "A name in `Handlers` is not valid",
        "The name becomes a file of the loader and part of an attribute, `Handler.NAME`. It has up to 64 letters and "
        "digits and begins with a letter. `index` is the name of the loader's own file.",
        "Rename the entry, and the places that use `!GetAtt Code.Handler.NAME`.",
    ),
    "CI235": Entry(
        "The loader needs `Runtime` or `Handler`",
        "`Custom::LambdaCode` does not know the properties of the function. With `EnvLoader: handler` it needs "
        "`Runtime`, and `Handler` or `Handlers`. With `EnvLoader: exec` it needs `Runtime`.",
        "Add the property with the value that the function itself would have. Or set `EnvLoader: none`, and read the "
        "file in the code.",
    ),
    # The shapes of properties, and tags
    "CI236": Entry(
        "A property is not known to the provider",
        "The name is misspelled, or is not one of the API that the provider calls. Or the property is newer than "
        "the version of botocore in the provider's zip. The provider passes on only the properties that it knows. "
        "Nothing was changed.",
        "Correct the name, including capital letters. For a new property of AWS, let the provider's administrator "
        "install the current version with `cfn-injector install --upgrade`.",
    ),
    "CI237": Entry(
        "A property does not belong to this resource type",
        "`Custom::LambdaCode` and `Custom::APIGatewayResource` have a fixed list of properties, and this one is not in "
        "it. Properties of the function, such as `Role` and `Code.SourceKMSKeyArn`, belong to the function. Inline "
        "source (`Code.ZipFile`) is for `Custom::LambdaFunction`.",
        "Remove the property, or move it to the resource that it belongs to. Give `Custom::LambdaCode` an object in "
        "S3, with `S3Bucket` and `S3Key`.",
    ),
    "CI238": Entry(
        "The provider sets this property itself",
        "The provider derives the value, or keeps a record of its own there. For example, `OperationName` says who "
        "owns a method, and `Uri` follows from `FunctionArn`.",
        "Remove the property. To set `Uri` and `IntegrationHttpMethod` yourself, use `Type: AWS_PROXY` or `Type: AWS` "
        "without `FunctionArn`.",
    ),
    "CI239": Entry(
        "A required property is missing",
        "The resource needs the property in the message. The property is not in the template or is empty, or a "
        "condition turned it into `AWS::NoValue`. Nothing was changed.",
        "Add the property. With conditions, check that each of them leaves a value.",
    ),
    "CI240": Entry(
        "A property is not a map",
        "The property takes names with values, but the template gives a text, a number or a list. In YAML, the "
        "indentation may be wrong, or a dash may make a list. Nothing was changed.",
        "Write the property as a map, such as `Env: {NAME: value}`.",
    ),
    "CI241": Entry(
        "A property is not a list",
        "The property takes a list, but the template gives a single value or a map. Nothing was changed.",
        "Put a dash before each element, also if there is only one. For a parameter of the type `CommaDelimitedList`, "
        "use `!Ref` without `Fn::Join`.",
    ),
    "CI242": Entry(
        "A property is not a string",
        "The property takes one text, but the template gives a list or a map. Nothing was changed.",
        "Give one value. If the property takes JSON, use `Fn::ToJsonString`. If an intrinsic function returns a list, "
        "choose one element with `Fn::Select`.",
    ),
    "CI243": Entry(
        "A property is not a number",
        "The property takes a number, or a whole number as the message says, but the value is something else. The "
        "message does not show the value, because it may be a secret. Nothing was changed.",
        "Correct the value. With `!Ref` to a parameter, give the parameter `Type: Number`.",
    ),
    "CI244": Entry(
        "A property is not a boolean",
        "The property takes `true` or `false`, in lower or upper case. Words such as `yes` and numbers are not "
        "accepted. Nothing was changed.",
        'Set `true` or `false`. With `!Ref` to a parameter, give the parameter `AllowedValues: ["true", "false"]`.',
    ),
    "CI245": Entry(
        "A property has a value that it does not take",
        "The property takes one of the values in the message. The value is misspelled, or its case is wrong. Nothing "
        "was changed.",
        "Use one of the values that the message lists.",
    ),
    "CI246": Entry(
        "Two properties exclude each other",
        "The two properties say the same thing, or only one of them can apply. Examples are `Code.ZipFile` and an "
        "object in S3, `Handler` and `Handlers`, or `StreamArn` and `EventSourceArn`. Nothing was changed.",
        "Keep one of the two. With conditions, use one `Fn::If` that leaves the other one out with `AWS::NoValue`.",
    ),
    "CI247": Entry(
        "AWS's model of the API does not accept a value",
        "A value is outside its range or its length, or a required member is missing. The message names each place, as "
        "botocore describes it, without the value. Nothing was changed.",
        "Correct each value that the message names. The API reference of the AWS service has the limits.",
    ),
    "CI248": Entry(
        "The properties are too large together",
        "All properties together can have at most 450 KiB. An update carries the old and the new ones, and Lambda "
        "accepts [events](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html) of at most 1 MB. Nothing "
        "was changed.",
        "Put large values into a file of the artifact. To make them variables, name that file in `EnvFrom`, by "
        "`Artifact`.",
    ),
    "CI249": Entry(
        "`ServiceTimeout` is not a number of seconds",
        "CloudFormation takes a whole number [from 1 to 3600](https://docs.aws.amazon.com/AWSCloudFormation/latest/"
        "UserGuide/crpg-ref.html). Nothing was changed.",
        "Set `ServiceTimeout: 1200`: an event can wait for 300 seconds, and the provider can work for 900.",
    ),
    "CI250": Entry(
        "A tag in `Tags` is not valid",
        "Each tag is a map with `Key` and `Value`, and nothing else. Keys that begin with `aws:` are reserved by AWS, "
        "and those that begin with `cfn-injector:` by the provider, which records there who owns a resource.",
        "Write each tag as `{Key: team, Value: shop}`, and rename keys that are reserved.",
    ),
    "CI251": Entry(
        "The resource would have too many tags",
        "AWS allows 50 tags on a resource, and the provider needs up to seven of them. So 43 are left for `Tags`, for "
        "the tags of the stack, and for tags that an adopted function has. Nothing was changed.",
        "Remove tags from `Tags`, from the stack, or from the function that you adopt.",
    ),
    # Code
    "CI252": Entry(
        "The template does not say where the code is",
        "`Code` is missing or not a map, or lacks `S3Bucket` or `S3Key`. Nothing was changed.",
        "Set `Code: {S3Bucket: my-artifacts, S3Key: app-1.zip}`. `Custom::LambdaFunction` also takes inline source, in "
        "`Code.ZipFile`. `cfn-injector package` uploads local code, and writes its location into the template.",
    ),
    "CI253": Entry(
        "Variables cannot be injected into a container image",
        "The template has `Code.ImageUri`, `ImageConfig` or a `PackageType` other than `Zip`. The provider writes the "
        "variables into a zip, and an image is not one. Nothing was changed.",
        "Deploy the function as a zip. Or keep the image in an `AWS::Lambda::Function`, with its variables in "
        "`Environment`.",
    ),
    "CI254": Entry(
        "`Code.S3ObjectStorageMode` is not `COPY`",
        "With `REFERENCE`, Lambda would go on reading the code from the provider's staging bucket. The provider "
        "deletes objects there that are no longer deployed. Nothing was changed.",
        "Set `S3ObjectStorageMode: COPY`, or remove it: `COPY` is the default.",
    ),
    "CI255": Entry(
        "`Code.ZipFile` is for Python and Node.js only",
        "`Code.ZipFile` is the source of one file, `index.py` or `index.js`, as in "
        "[`AWS::Lambda::Function`](https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
        "aws-properties-lambda-function-code.html). Other runtimes need a zip. Nothing was changed.",
        "Upload the code as a zip, and set `Code.S3Bucket` and `Code.S3Key`. Or correct `Runtime`.",
    ),
    "CI256": Entry(
        "`Code.S3Bucket` cannot be a source of artifacts",
        "The bucket is the provider's own staging bucket, which holds the values of all stacks. Or it is not the "
        "name of a bucket: ARNs and access points are refused, because these can lead to any bucket. The artifact "
        "was not read.",
        "Name the bucket to which the artifact was uploaded. It has to be in `SourceBuckets` of the provider's stack.",
    ),
    "CI257": Entry(
        "The code signing configuration enforces signatures",
        "The provider changes the zip, so a signature in it would no longer be valid. With the policy `Enforce`, "
        "Lambda [blocks](https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html) such code. "
        "Nothing was changed.",
        "Use a code signing configuration whose `UntrustedArtifactOnDeployment` is `Warn`, or remove "
        "`CodeSigningConfigArn`.",
    ),
    # Custom::LambdaFunction
    "CI258": Entry(
        "`FunctionName` is not a valid name",
        "A name has 1 to 64 letters, digits, `-` and `_`. ARNs are not accepted. Nothing was changed.",
        "Correct the name, or remove `FunctionName`: the provider then makes a name from the stack's name and the "
        "logical ID.",
    ),
    "CI259": Entry(
        "The function's name is outside the provider's permissions",
        "The provider may use only functions whose names begin with `FunctionNamePrefix` of its stack, and no "
        "provider's own function. Without `FunctionName`, a name begins with the first 24 characters of the stack's "
        "name.",
        "Begin `FunctionName`, or the name of the stack, with the prefix. Or let the provider's administrator change "
        "it with `cfn-injector install --upgrade --function-name-prefix PREFIX`.",
    ),
    "CI260": Entry(
        "A change needs a new function, which cannot have the name of the old one",
        "Only a new function can have the property in the message, such as `TenancyConfig` or `DurableConfig`. "
        "CloudFormation creates the new function before it deletes the old one, and both would have the same "
        "`FunctionName`. Nothing was changed.",
        "Change `FunctionName` in the same update. Or remove it, so that the provider makes a name.",
    ),
    "CI261": Entry(
        "`FunctionScalingConfig` needs a published version",
        "The property is set on a version, and the template publishes none. Nothing was changed.",
        "Set `Publish: true`, or remove `FunctionScalingConfig`.",
    ),
    "CI262": Entry(
        "A role is outside the provider's `RolePath`",
        "The provider may give functions only roles whose path and name begin with `RolePath` of its stack. The "
        "default is `/cfn-injector/`. The same holds for the role of a function that is adopted. Otherwise, everybody "
        "who deploys could use any role of the account.",
        "Set `Path: /cfn-injector/`, or your own `RolePath`, in the role of the template. CloudFormation then "
        "replaces the role. Give a function such a role before you adopt it. The provider's administrator can "
        "change `RolePath`.",
    ),
    "CI263": Entry(
        "The provider is not allowed to pass a role, although `RolePath` includes it",
        "IAM denies [`iam:PassRole`](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html) to "
        "the provider's role. A permissions boundary, a policy of your organization or the provider's own policy does "
        "that: roles of providers are excluded.",
        "Check `PermissionsBoundary` of the provider's stack, and your organization's policies. Use a role that is not "
        "below `/cfn-injector-provider/`.",
    ),
    "CI264": Entry(
        "A function for Lambda@Edge has to be in us-east-1",
        "CloudFront takes functions [only from this Region](https://docs.aws.amazon.com/AmazonCloudFront/latest/"
        "DeveloperGuide/lambda-at-edge-function-restrictions.html), US East (N. Virginia). Nothing was changed.",
        "Deploy the stack in us-east-1, with a provider in the same Region. If the function is not for CloudFront, "
        "remove `Edge`.",
    ),
    "CI265": Entry(
        "Lambda@Edge does not support a property or its value",
        "With `Edge: true`, the provider refuses what CloudFront [would refuse later](https://docs.aws.amazon.com/"
        "AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html). That includes environment "
        "variables, layers, networks, and runtimes other than Node.js and Python. Nothing was changed.",
        "Do what the message says about the property: move variables from `Environment` to `Env`, and the files of "
        "layers into the artifact. If the function is not for CloudFront, remove `Edge`.",
    ),
    "CI266": Entry(
        "`Adopt` does not say which function to adopt",
        "`Adopt: true` takes over the function that `FunctionName` names, and there is no `FunctionName`. Nothing was "
        "changed.",
        "Add `FunctionName`, or remove `Adopt`.",
    ),
    "CI267": Entry(
        "The function to adopt has a setting that cannot be changed",
        "Lambda can set the property in the message only when it creates a function, and the template differs from the "
        "function. The function was not changed.",
        "Give the property in the template the value that the function has. Or remove `Adopt`, and choose another "
        "`FunctionName` for a new function.",
    ),
    "CI268": Entry(
        "A rollback of the adoption could not reset a property",
        "If an adoption fails, the function gets its code and configuration back from a published version. The "
        "property in the message, or the tag, is not a part of a version. So it cannot be changed in the same "
        "deployment. The function was not changed.",
        "Adopt the function without the property, or with the value that the tag has. Add or change it in the next "
        "update.",
    ),
    # Custom::EventSourceMapping and Custom::APIGatewayResource
    "CI269": Entry(
        "`FunctionRegion` is not the Region of the stack",
        "A mapping and its function are in the Region of the stack. The property exists only for templates of "
        "streambot. Nothing was changed.",
        "Deploy the stack in the function's Region, and remove `FunctionRegion`.",
    ),
    "CI270": Entry(
        "`StartingPositionTimestamp` is not a time",
        "The value is neither a number of seconds since 1970 nor a date in ISO 8601, or is outside the years 1 to "
        "9999. Nothing was changed.",
        "Write the time as `1767225600` or `2026-01-01T00:00:00Z`.",
    ),
    "CI271": Entry(
        "A change needs a second mapping of the same source and function",
        "Only a new mapping can have the property in the message, such as `StartingPosition`. CloudFormation creates "
        "it before it deletes the old one, and Lambda does not allow two mappings of one source and one function. The "
        "old mapping was not changed.",
        "Remove the resource from the template, deploy, add it again, and deploy again. Or undo the change.",
    ),
    "CI272": Entry(
        "`RestApiId` is not the ID of a REST API in this Region",
        "The value is an ARN, a URL or a name, or there is no REST API with this ID in the account and Region. HTTP "
        "and WebSocket APIs are not REST APIs. Nothing was changed.",
        "Give the ID that `!Ref` of an `AWS::ApiGateway::RestApi` returns.",
    ),
    "CI273": Entry(
        "`ParentId` is not a resource of the API",
        "`Path` begins at the resource that `ParentId` names, and the API has no resource with this ID. Nothing was "
        "changed.",
        "Give the ID that `!Ref` of an `AWS::ApiGateway::Resource` of the same API returns. To begin at the root, "
        "remove `ParentId`.",
    ),
    "CI274": Entry(
        "`Path` is not a valid path",
        "The path has two slashes in a row, or a part such as `{proxy+}` that is not the last one. A part with `+` "
        "takes all the rest of the path. Nothing was changed.",
        "Write one slash between two parts, and put a part with `+` last.",
    ),
    "CI275": Entry(
        "The API has no room for the tags of new resources",
        "The provider records each resource that it creates on a path in a tag of the API. An API can have [50 "
        "tags](https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "apigateway-tagging-supported-resources.html). Nothing was created.",
        "Declare the resources on the path as `AWS::ApiGateway::Resource`, and set `ParentId` to the last of them. Or "
        "remove tags from the API.",
    ),
    "CI276": Entry(
        "`FunctionArn` is only for `Type: Lambda`",
        "With the other types of `IntegrationRequest`, which are those of API Gateway, `Uri` names the function. "
        "Nothing was changed.",
        "Set `Type: Lambda`. Or replace `FunctionArn` by `Uri` and `IntegrationHttpMethod: POST`.",
    ),
    "CI277": Entry(
        "`FunctionArn` does not name a function",
        "The value is not the ARN of a function, of a version or of an alias, or the function does not exist. If it "
        "does not exist, the message has Lambda's own text.",
        "Use `!GetAtt Function.Arn`, or `!Ref` of a version or an alias. If another stack creates the function, deploy "
        "that stack first.",
    ),
    "CI278": Entry(
        "`FunctionArn` names a function in another Region or account",
        "The provider permits API Gateway to call the function, by a statement in the function's policy. It cannot "
        "change the policy of a function elsewhere. Nothing was changed.",
        "Set `Type: AWS_PROXY`, `IntegrationHttpMethod: POST` and `Uri`. Permit the call with an "
        "`AWS::Lambda::Permission` in the function's Region and account.",
    ),
    "CI279": Entry(
        "The policy of the function has no room for another method",
        "Each method adds a statement to the policy of its function, and Lambda limits a policy to [20 "
        "KB](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). That is enough for about 50 "
        "methods.",
        "Set `IntegrationRequest.Credentials` to a role that may call the function: the policy then stays as it is. Or "
        "use `Type: AWS_PROXY` with `Uri`, and one `AWS::Lambda::Permission` for all methods of the API.",
    ),
    "CI280": Entry(
        "Two responses have the same status code or selection pattern",
        "A method has one response for each status code, and API Gateway chooses a response of the integration by its "
        "pattern. Without `SelectionPattern`, a response is the default, so there is only one such response. Nothing "
        "was changed.",
        "Give each response its own `StatusCode`, and each of `IntegrationResponses` its own `SelectionPattern`.",
    ),
    "CI281": Entry(
        "`MethodResponses` lacks a status code of `IntegrationResponses`",
        "API Gateway maps a response of the integration to the method's response with the same status code, which has "
        "to exist. Nothing was changed.",
        "Add a response with this `StatusCode` to `MethodResponses`.",
    ),
    "CI282": Entry(
        "The provider is not allowed to pass the role in `Credentials` to API Gateway",
        "API Gateway calls the backend with this role, and the provider needs `iam:PassRole` for it. `RolePath` does "
        "not help, because it is for roles of functions.",
        "Allow the provider's role `iam:PassRole` for the role in `Credentials`, in a policy of `ExtraPolicyArns`. For "
        "a function, you can also remove `Credentials`: the provider then permits the call in the function's policy.",
    ),
}
