"""CI701 to CI799: the command line: arguments, files, addresses and credentials."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "The command line"

_OWN_CREDENTIALS = "The command calls AWS with your own credentials, as the AWS CLI does."

ENTRIES = {
    "CI701": Entry(
        "The arguments are not those of the command",
        "An option or a subcommand is unknown, a required argument is missing, or a value is not one of the choices. "
        "The line above the message shows the usage. The exit status is 2.",
        "Run the command with `--help`, and correct the arguments.",
    ),
    "CI702": Entry(
        "The code is not that of an error",
        "`explain` knows the codes that this version uses.",
        "Copy the code from the end of the message, such as `CI201`, or use the version that wrote the message.",
    ),
    "CI703": Entry(
        "An option cannot be used with the other arguments",
        "Some options are for one mode of a command: `--runtime` and `--handler` of `inject` are for `--loader`, and "
        "those of `run` for `--local-handler`. `--local-handler` excludes a command. `--allow` is for names that "
        "decide which code is loaded.",
        "Leave the option out, or add the one that it belongs to. The message names it.",
    ),
    "CI704": Entry(
        "An argument is missing",
        "The command line does not state a variable to inject, two stages to compare, or a command to run. "
        "Or the loader or the local handler needs a runtime and a handler, which an archive does not state.",
        "Give the argument that the message names.",
    ),
    "CI705": Entry(
        "`--env` does not have the form `NAME=VALUE`",
        "`--env` takes `NAME=VALUE`. A name has letters, digits and `_`, and does not start with a digit. The message "
        "gives the number of the option, because its text may be a secret.",
        "Correct the option, and quote it if its value contains spaces or characters of the shell.",
    ),
    "CI706": Entry(
        "A value cannot be written into the file of variables",
        "The value has a NUL or is not valid Unicode, which no `.env` file can hold. Or it has a reference such as "
        "`{{resolve:ssm:NAME}}`, which only a deployment resolves.",
        "Encode the value, for example in base64, and decode it in the function. Give the value in place of a "
        "reference.",
    ),
    "CI707": Entry(
        "The file of `--env-file` cannot be read",
        "The file does not exist, or you may not read it.",
        "Correct the path, which starts at the current folder, or the permissions of the file.",
    ),
    "CI708": Entry(
        "A line of `--env-file` is not a variable",
        "The file is not UTF-8, a line has no `=` or no valid name, or a quote is not closed. The message gives the "
        "number of the line, because its text may be a secret.",
        "Correct the line. [The .env file](env-file.md) describes the grammar.",
    ),
    "CI709": Entry(
        "The event for `--local-handler` cannot be read, or is not JSON",
        "`--local-handler` takes JSON text, a file with JSON in UTF-8, or `-` for standard input.",
        "Correct the JSON, or the path of the file.",
    ),
    "CI711": Entry(
        "An S3 or file URL is malformed",
        "An S3 URL has a bucket and a key: `s3://BUCKET/KEY`. A file URL has an absolute path and no other host: "
        "`file:///PATH`. `--artifact-older-than` takes `BUCKET/KEY`.",
        "Correct the location. Do not put credentials into it: configure them as for the AWS CLI.",
    ),
    "CI712": Entry(
        "An address of a function or stack is malformed",
        "Functions are `lambda://NAME`, `lambda://NAME:QUALIFIER`, and the same with an ARN as the name. Stacks are "
        "`stack://STACK`, and their functions `stack://STACK/LOGICAL_ID`.",
        "Correct the address. [The command line](command-line.md) lists all forms.",
    ),
    "CI713": Entry(
        "`--path` cannot be a file in an archive",
        "The path is absolute, has a part that is empty, `.` or `..`, or has a backslash or NUL.",
        "Give the path from the top of the archive, such as `.env` or `config/.env`.",
    ),
    "CI714": Entry(
        "A URL needs a package that is not installed",
        "Paths and S3 URLs need nothing more. Other URLs need smart_open, and some schemes need one of its extras.",
        "Run the command that the message ends with.",
    ),
    "CI715": Entry(
        "A URL cannot be opened",
        "The URL has a scheme that smart_open does not support, or is malformed.",
        "Correct the URL, download the file and give its path, or give an S3 URL.",
    ),
    "CI716": Entry(
        "A file or URL cannot be read",
        "The file does not exist, you may not read it, or the server refused or ended the connection. Or a template "
        "is not in UTF-8. The message has the system's reason or the HTTP status.",
        "Check that the location exists, and that you may read it. A presigned URL may have expired. Save a "
        "template in UTF-8.",
    ),
    "CI717": Entry(
        "A file changed while it was being read",
        "Another program replaced or extended the archive. Nothing was written.",
        "Run the command again when the other program has finished.",
    ),
    "CI718": Entry(
        "A server sends another range than was asked for",
        "The command reads archives in ranges. This server answers a range request with other bytes, so the archive "
        "cannot be trusted.",
        "Download the archive, and give the path of the file.",
    ),
    "CI719": Entry(
        "The result cannot be written",
        "The folder does not exist, you may not write there, or the disk is full. A local file that existed before is "
        "unchanged. At other URLs, a part of the archive may have arrived.",
        "Create the folder, make room, or choose another location.",
    ),
    "CI720": Entry(
        "The output is not a place to write to",
        "`http` and `https` URLs can only be read. S3 assigns versions itself, so an S3 URL to write to has no "
        "`versionId`. A path has to be that of a regular file, not of a folder or a device.",
        "Choose another `--output`.",
    ),
    "CI721": Entry(
        "A temporary file cannot be written",
        "The folder for temporary files is full, or you may not write there.",
        "Set `TMPDIR` to a folder with more space.",
    ),
    "CI731": Entry(
        "The AWS credentials are missing or not valid",
        f"{_OWN_CREDENTIALS} It found none, or only a part of them. Or the profile does not exist, or AWS does not "
        "accept the credentials.",
        "Give `--profile`, set `AWS_PROFILE`, or run `aws configure`. `aws sts get-caller-identity` checks them.",
    ),
    "CI732": Entry(
        "The AWS credentials have expired",
        f"{_OWN_CREDENTIALS} These are temporary, and their time is over.",
        "Sign in again, for example with `aws sso login`.",
    ),
    "CI733": Entry(
        "The AWS Region is missing or not valid",
        "Neither `--region` nor `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile names a Region.",
        "Give `--region`, such as `--region eu-central-1`.",
    ),
    "CI734": Entry(
        "The AWS configuration is missing or not valid",
        "`~/.aws/config`, or the file that `AWS_CONFIG_FILE` names, is missing or malformed. Or a setting in it, or an "
        "environment variable such as `AWS_MAX_ATTEMPTS`, has a value that is not valid.",
        "Correct the file or the variable. [The format of the "
        "file](https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html) is that of the AWS CLI.",
    ),
    "CI735": Entry(
        "AWS cannot be reached",
        "The network or a proxy does not let the request through, the certificate is not trusted, or the endpoint "
        "does not exist.",
        "Check the network, `HTTPS_PROXY`, `--region` and `--endpoint-url`. Behind a proxy that inspects TLS, set "
        "`AWS_CA_BUNDLE` to the file with its certificate authority.",
    ),
    "CI736": Entry(
        "The clock of this machine is wrong",
        "AWS refuses requests whose time differs from its own by several minutes.",
        "Set the clock, for example by NTP.",
    ),
    "CI737": Entry(
        "AWS refused a call of the command",
        f"{_OWN_CREDENTIALS} What the message names does not exist in this account and Region, or you may not read it. "
        "The message has AWS's error code.",
        "Check the name, `--profile`, `--region` and your permissions.",
    ),
    "CI738": Entry(
        "An object in S3 cannot be read or written",
        f"{_OWN_CREDENTIALS} The object or its bucket does not exist, or the bucket's policy, your permissions or a "
        "KMS key do not allow the call. Without `s3:ListBucket`, S3 answers 403 for an object that does not exist.",
        "Check the bucket, the key, and your permissions on both and on the KMS key.",
    ),
    "CI739": Entry(
        "The endpoint is not a URL",
        "`AWS_ENDPOINT_URL`, one of its variants for a service, or the profile's `endpoint_url` is malformed.",
        "Correct it, such as `http://127.0.0.1:4566`.",
    ),
    "CI740": Entry(
        "A URL is given where only a path is possible",
        "This location has to be a file on this machine.",
        "Give a path in place of a URL.",
    ),
    "CI741": Entry(
        "Lambda does not return the code of a function",
        "`GetFunction` answered without the location of the code.",
        "Check that you may call `lambda:GetFunction`, and may use the KMS key of the code.",
    ),
    "CI742": Entry(
        "The function is a container image",
        "An image has no archive with a file of variables.",
        "Name a function that is deployed as a zip.",
    ),
    "CI743": Entry(
        "Lambda does not return the environment variables of a function",
        "The variables are encrypted with a KMS key that you may not use. The message has Lambda's code.",
        "Ask for `kms:Decrypt` on the key of the function.",
    ),
    "CI744": Entry(
        "A logical ID does not lead to a function",
        "An address leads through nested stacks to a function, a version or an alias. The resource that the message "
        "names has another type.",
        "Give the logical ID of a function, after those of the nested stacks that contain it.",
    ),
    "CI745": Entry(
        "A stack is still being deployed",
        "The resource does not exist yet, or what is deployed is not complete.",
        "Wait until the deployment is complete, and run the command again.",
    ),
    "CI746": Entry(
        "A whole stack is given in place of a single function",
        "Some commands take one function. `diff` compares stacks with stacks, and functions with functions.",
        "Give `stack://STACK/LOGICAL_ID` for one function of a stack.",
    ),
    "CI747": Entry(
        "A stack holds nothing that the command could examine",
        "`diff` needs a Lambda function in each stack, and `drift` a resource of a provider.",
        "Check the name of the stack, `--profile` and `--region`.",
    ),
    "CI748": Entry(
        "The function is not a provider",
        "`drift` reads the name of the staging bucket from the provider's variables. This function has none, or you "
        "may not read them.",
        "Give the `--name` of the provider that deployed the stack, and check your permission "
        "`lambda:GetFunctionConfiguration`.",
    ),
    "CI749": Entry(
        "The parameter or secret does not exist",
        "The path has no parameter below it, or the secret has no current version.",
        "Correct the name. A name that begins with `/` is a path of parameters; any other one is a secret.",
    ),
    "CI751": Entry(
        "Node.js is not installed",
        "`run --local-handler` runs a handler with the Node.js of this machine.",
        "Install Node.js, so that `node` is on `PATH`.",
    ),
    "CI752": Entry(
        "The runtime cannot run on this machine",
        "`run --local-handler` runs handlers in Python and Node.js.",
        "Give `--runtime` an ID such as `python3.13` or `nodejs22.x`. For other runtimes use `run ADDRESS -- COMMAND`.",
    ),
    "CI753": Entry(
        "The command cannot be started",
        "The program is not on `PATH`, or is not executable. Or the variables are larger than the operating system "
        "passes to a program.",
        "Correct the first word after `--`, or `PATH`. If the variables are too large, shorten them, or let the "
        "program read the file of variables.",
    ),
    "CI754": Entry(
        "A variable cannot be passed to a process",
        "No system passes a variable whose name is empty or has `=`, or whose value has a NUL.",
        "Correct the file of variables in the artifact.",
    ),
    "CI755": Entry(
        "The file of `--provider` is not the provider's zip",
        "`inject --provider` takes the loader from the zip that `build-provider` builds.",
        "Build it: `cfn-injector build-provider --output provider.zip`.",
    ),
    "CI756": Entry(
        "A zip cannot be read",
        "The file that a template names as code is damaged, or is encrypted.",
        "Build it again, and try it with `unzip -t`.",
    ),
    "CI757": Entry(
        "An entry of the archive cannot be written to this machine",
        "`run --local-handler` unpacks the artifact into a temporary folder. This file system cannot hold the name, or "
        "the disk is full.",
        "Rename the file in the archive, or set `TMPDIR` to a folder with more space.",
    ),
}
