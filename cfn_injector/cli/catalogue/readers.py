"""CI001 to CI099: reading the variables in a function."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Reading the variables in a function"

ENTRIES: dict[str, Entry] = {
    "CI001": Entry(
        "A line of the file of variables has no `=`",
        "Each line is `NAME=VALUE`, `export NAME=VALUE`, a comment that starts with `#`, or blank. A name alone, "
        "`NAME: VALUE` and `[section]` are none of these. A value of several lines needs quotes around it.",
        "Write `NAME=VALUE`, and `NAME=` for an empty value. Put quotes around a value of several lines. In an "
        "artifact, correct the file, rebuild the artifact and deploy again.",
    ),
    "CI002": Entry(
        "A line of the file of variables has no valid name before its `=`",
        "There is nothing before the `=`, or the name has a space, a tab, a quote or a `#`. A byte order mark is "
        "allowed only at the start of the file. Only the word `export` can precede a name.",
        "Write the name without quotes and spaces. In the `Env` of a template, a name has letters, digits and `_`, "
        "and does not start with a digit. In an artifact, correct the file, rebuild the artifact and deploy again.",
    ),
    "CI003": Entry(
        "A quote in the file of variables is never closed",
        "The value starts with `'` or `\"`, and the file ends before the same quote follows. In double quotes, "
        '`\\"` does not close the value.',
        "Close the quote. Put a value that itself starts with a quote into quotes of the other kind. In double "
        "quotes, write a backslash at the end of a value as `\\\\`. In an artifact, correct the file, rebuild the "
        "artifact and deploy again.",
    ),
    "CI004": Entry(
        "Text follows a closing quote in the file of variables",
        "After a closing quote, only spaces, tabs and a comment that starts with `#` can follow on the same line. "
        "Parts with different quotes are not joined, unlike in a shell.",
        "Put the whole value between one pair of quotes. If it contains this quote, use the other kind, or double "
        'quotes with `\\"` inside. In an artifact, correct the file, rebuild the artifact and deploy again.',
    ),
    "CI005": Entry(
        "A value has a single quote that python-dotenv escaped",
        "`set_key` of python-dotenv writes `It's on` as `'It\\'s on'`. In single quotes a backslash escapes "
        "nothing here, so the value ends at the second quote, and text follows it.",
        'Put double quotes around the value: `"It\'s on"`. In an artifact, correct the file, rebuild the artifact '
        "and deploy again.",
    ),
    "CI006": Entry(
        "A value in double quotes contains double quotes",
        "`vercel env pull` puts double quotes around each value, and does not escape those inside, as in JSON. The "
        "value then ends at the second quote, and text follows it.",
        'Put single quotes around the value: `\'{"a": "b"}\'`. Or write `\\"` for each quote inside it. In an '
        "artifact, correct the file, rebuild the artifact and deploy again.",
    ),
    "CI007": Entry(
        "The file of variables is not UTF-8",
        "The line has bytes that are not UTF-8. Most often, the file was saved as UTF-16, as Windows PowerShell "
        "does, or in an older encoding such as Latin-1.",
        "Save the file as UTF-8. Encode binary values, for example in base64. In an artifact, correct the file, "
        "rebuild the artifact and deploy again.",
    ),
    "CI008": Entry(
        "A variable cannot be put into the environment",
        "`load` and `wrap` set environment variables. These cannot hold a NUL. In Python, they also cannot hold a "
        "character that the environment's encoding lacks. No variable of the file was set.",
        "Remove the character, or encode the value, for example in base64. Or read the file with `get_env` or "
        "`getEnv`, which set no environment variables. In an artifact, correct the file, rebuild the artifact and "
        "deploy again.",
    ),
    "CI009": Entry(
        "The file of variables does not exist",
        "`get_env` or `getEnv` found no file at the places in the message: the folder of the function's code, then "
        "the working directory. The artifact was deployed without variables, or `EnvFile` names another path.",
        "Deploy the function with `Custom::LambdaFunction` or `Custom::LambdaCode`, and pass the path in `EnvFile` "
        "to the reader. For tests on your machine, create the file, or use `load`, which accepts that there is "
        "none. `cfn-injector ls --env` lists the variables of deployed functions.",
    ),
    "CI010": Entry(
        "`load` of the Node.js reader was called without an object of options",
        "`load` takes one object, or nothing. It refuses a path alone, as in `load('settings.env')`, and `null`. No "
        "variable was set.",
        "Write `load({ path: 'settings.env' })`, or `load()` for `.env`.",
    ),
}
