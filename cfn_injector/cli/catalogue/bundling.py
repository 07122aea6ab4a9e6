"""CI801 to CI899: building zips."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Building zips"

_NOTHING = "Nothing was installed or written."

ENTRIES = {
    "CI801": Entry(
        "A package that the command needs is not installed",
        "Some commands need packages beyond those of a plain installation: the extras `cli`, `cfn-lint` and `local`."
        " `build-provider` needs the packages that its zip contains, and those of `--with`. The Python that runs the"
        " command does not find the package.",
        "Run the command that the message ends with, in the environment in which `cfn-injector` is installed. With"
        " pipx, run `pipx inject cfn-injector PACKAGE`.",
    ),
    "CI802": Entry(
        "The folder to bundle does not exist, or is not a folder",
        "`bundle` takes the folder of a function's source. The path is misspelled, starts at another folder, or is"
        " that of a file.",
        "Give the path of the folder. It starts at the current folder.",
    ),
    "CI803": Entry(
        "There is nothing to bundle",
        "The folder is empty, or all of its files are left out: by `--exclude`, `.bundleignore`, `--gitignore`, or"
        " because they may hold secrets. No dependency was installed either.",
        "Give the folder with the function's source, or change the patterns. Outputs of builds are often ignored by"
        " Git: add `--include dist`.",
    ),
    "CI804": Entry(
        "The bundle would be written into its own source",
        "An output with `{hash}` has another name each time, so the next bundle would contain this one. A file of the"
        " source that is not a zip would be overwritten.",
        "Give an `--output` outside of the folder, or the name of a new zip without `{hash}`.",
    ),
    "CI805": Entry(
        "The source is for both Python and Node.js",
        "The folder has a `package.json`, and a file that only a Python function has. The command does not guess"
        " which dependencies to install.",
        "Give `--runtime`, such as `python3.13` or `nodejs22.x`, as in the template.",
    ),
    "CI806": Entry(
        "The runtime is not one of Python or Node.js",
        "`--runtime` chooses the platform for which dependencies are installed. It is `python3.N` or `nodejsN.x`, as"
        " [Lambda names runtimes](https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html).",
        "Give the `Runtime` of the template. For another language, build the function with its own tools, and bundle"
        " that folder with `--no-install`.",
    ),
    "CI807": Entry(
        "The folder `_cfn_injector` is reserved",
        "The provider adds the loaders of `EnvLoader` to an artifact in this folder. The source or a dependency has"
        " files there.",
        "Rename the folder, or leave it out with `--exclude _cfn_injector`.",
    ),
    "CI808": Entry(
        "A file or folder of the source cannot be bundled",
        "A link leads out of the folder, to nothing, or to a folder that contains it. Otherwise the entry is a device"
        " or socket, may not be read, or has a name that is not UTF-8. The message says which.",
        "Replace a link by a copy, make a file readable, or rename it. What the function does not need can be left"
        " out with `--exclude`.",
    ),
    "CI809": Entry(
        "`.bundleignore` cannot be used",
        "The file may not be read, is not UTF-8, or has a line that is not a valid pattern.",
        "Write one pattern per line, by the rules of [gitignore](https://git-scm.com/docs/gitignore).",
    ),
    "CI810": Entry(
        "`--gitignore` cannot ask Git",
        "Git is not on `PATH`, the folder is not in a work tree, or Git refuses to read it. Git does so if another"
        " user owns the repository. The message has Git's own reason.",
        "Install Git, or allow the repository with `git config --global --add safe.directory FOLDER`. Otherwise omit"
        " `--gitignore`, and list what to leave out in `.bundleignore`.",
    ),
    "CI811": Entry(
        "The source and a dependency contain different files of the same name",
        "Both files belong at the same place of the bundle, and one would replace the other. Often the source holds"
        " an old copy of an installed package.",
        "Remove the file from the source. If the source already holds its dependencies, use `--no-install`.",
    ),
    "CI812": Entry(
        "The bundle is larger than Lambda allows",
        "Lambda accepts at most [250 MB"
        " unpacked](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html), layers included. The"
        " message lists the largest packages and folders. Nothing was written.",
        "Leave out with `--exclude` what the function does not need: tests, and what its runtime or a layer provides,"
        " such as `boto3`.",
    ),
    "CI813": Entry(
        "The source lists dependencies in another language",
        "`bundle` installs dependencies for Python and Node.js only. The file in the message lists some for another"
        f" language, without which the function would not start. {_NOTHING}",
        "Build the function with the tools of its language, and bundle the result with `--no-install`. If the file is"
        " not for the function, give its `--runtime`.",
    ),
    "CI814": Entry(
        "A file of the project cannot be read",
        "A file with dependencies, a lock or settings is malformed, may not be read, or is not UTF-8. The message"
        f" names it. {_NOTHING}",
        "Correct the file, and save it in UTF-8. A tool writes its own lock file again: for `Pipfile.lock`, run"
        " `pipenv lock`.",
    ),
    "CI815": Entry(
        "A requirement is not valid",
        "A line or an entry cannot be parsed: a name, a version, an environment marker, an option without its value,"
        f" or a control character. The message names the file, and the line if there is one. {_NOTHING}",
        "Correct it, by the rules for [dependency"
        " specifiers](https://packaging.python.org/en/latest/specifications/dependency-specifiers/).",
    ),
    "CI816": Entry(
        "The dependencies are listed where they are not read",
        "The project lists its dependencies in a file that the command does not read, or leaves them to a build."
        f" Without them, the function would not start. {_NOTHING}",
        "Run the command in the message, which writes a file that is read, or list the dependencies in"
        " `requirements.txt`. If the source holds them already, use `--no-install`.",
    ),
    "CI817": Entry(
        "The project does not allow the Python of the runtime",
        "`requires-python`, or the same in another file, excludes the version that the runtime has. The message has"
        f" both versions. {_NOTHING}",
        "Give the `--runtime` of the function. If the project works with this version, correct what it requires.",
    ),
    "CI818": Entry(
        "A lock file lacks a dependency of the project",
        "The project lists a package that its lock file does not have. The lock is older than the list, and the"
        f" function would not start without the package. {_NOTHING}",
        "Write the lock file again, with the command in the message.",
    ),
    "CI819": Entry(
        "A lock file cannot be used for the function",
        "`pylock.toml` or `uv.lock` is not valid, or excludes the platform of the function. The message has the"
        f" reason. {_NOTHING}",
        "Write the lock file again with its own tool, for the function's version of Python too. Otherwise list the"
        " requirements in `requirements.txt`.",
    ),
    "CI820": Entry(
        "`poetry.lock` does not say which packages are for development",
        "Poetry before version 2 wrote lock files without groups. Packages for development would be bundled, too."
        f" {_NOTHING}",
        "Run `poetry lock` with Poetry 2, or `poetry export -o requirements.txt`.",
    ),
    "CI821": Entry(
        "A dependency is not a wheel",
        "The dependency is a folder, a repository, a source distribution or another archive. To install it, its own"
        " code would have to run on this machine, and would build for this machine.",
        "Require a version that has a wheel. Otherwise build one with `python -m build --wheel` or `pip wheel"
        " --no-deps`, put it into the source, and require it by its path.",
    ),
    "CI822": Entry(
        "A path in a list of dependencies cannot be used",
        "The path leads out of the source, does not exist, or contains a space, a quotation mark or a backslash."
        f" Only files in the source may be used, so that the source alone determines the bundle. {_NOTHING}",
        "Copy the file into the source, rename it, or correct the path.",
    ),
    "CI823": Entry(
        "An index of packages is not an http or https URL",
        "An option such as `--index-url`, or an index in `pyproject.toml`, has no URL that uv and pip may ask. The"
        " package could then come from another index, which may have other code of that name.",
        "Write an `https` URL. For a folder with wheels, use `--find-links` with a path in the source.",
    ),
    "CI824": Entry(
        "An option in a list of requirements is not allowed",
        "The option could make pip or uv build a package or run code. Allowed are indexes, files to include, digests,"
        " and options such as `--pre`. [What an installation may do](command-line.md#what-an-installation-may-do)"
        " lists them.",
        "Remove the option. Set your own preferences, such as a trusted host, in your settings of pip or uv.",
    ),
    "CI825": Entry(
        "A list of requirements contains an environment variable",
        "Few variables of your environment are passed on to uv and pip, so `${VARIABLE}` is refused. Often, such a "
        "variable is the password of an index.",
        "Set the URL of the index as `UV_INDEX_URL` or `PIP_INDEX_URL`, or in the settings of uv or pip, and remove"
        " the line.",
    ),
    "CI826": Entry(
        "A package has no wheel for the function's platform",
        "Only wheels are installed, and no wheel of this package fits the runtime, the architecture and Amazon Linux."
        " The message names the package.",
        "Require a version that has such a wheel, or choose another `--runtime` or `--architecture`. Otherwise build"
        " a wheel on that platform, and require it by its path.",
    ),
    "CI827": Entry(
        "The package index does not respond",
        "The index could not be reached by uv or pip, or did not answer. Their output above the message names the URL.",
        "Check the network, the proxy, the URL of the index and your credentials for it. Then run the command again.",
    ),
    "CI828": Entry(
        "The dependencies cannot be installed",
        "The installer (uv, pip or npm) failed. The message has its reason, and its whole output is above the"
        " message. Often two requirements contradict each other, or a version does not exist.",
        "Correct the file that the message names, and run the command again.",
    ),
    "CI829": Entry(
        "Your own settings of pip cannot be read",
        "The settings of pip are not read by uv, so the command passes their indexes on to uv. The file in the "
        "message is malformed, or is not UTF-8.",
        "Correct the file. Or set `UV_INDEX_URL` to use another index: the file is then not read.",
    ),
    "CI830": Entry(
        "Two packages contain different files of the same name",
        "An installer would unpack one file over the other, in an order that changes. The bundle would depend on"
        " chance. The message names both packages.",
        "Require only one of the packages. If the function does not need the file, leave it out with `--exclude`.",
    ),
    "CI831": Entry(
        "A file of two packages cannot be taken from one of them",
        "Several packages contain the file, and the installer has to unpack one of them again to compare it. That"
        " failed.",
        "Use the other installer: `--installer uv` or `--installer pip`.",
    ),
    "CI832": Entry(
        "Neither uv nor pip is installed",
        "`bundle` and `package` install the dependencies of Python functions with uv or pip. Neither is installed, or"
        " uv is not and `--installer uv` was given.",
        "Install [uv](https://docs.astral.sh/uv/), or run `python -m ensurepip` to install pip.",
    ),
    "CI833": Entry(
        "Two files of the source have the same place in the bundle",
        "The modules in `src/` are put at the top of the bundle, as a build of the project does. A file of the same"
        " name is there already.",
        "Rename or remove one of the two files, or leave it out with `--exclude`.",
    ),
    "CI834": Entry(
        "The project names sources of packages that uv and pip do not read",
        "Settings of Poetry, PDM, Pixi or Rye in `pyproject.toml` say where packages come from. uv and pip would"
        f" take packages of the same names from elsewhere. {_NOTHING}",
        "Write the tool's lock file or an export, with the command in the message. Both keep the sources.",
    ),
    "CI835": Entry(
        "The settings of uv would override the source of a package",
        "`pyproject.toml` names a source for a package, and lists the package in `override-dependencies` or"
        " `constraint-dependencies` too. uv would then take it from an index.",
        "Remove the package from that list, and require its version in `[project].dependencies`.",
    ),
    "CI836": Entry(
        "The project has settings of uv that pip cannot follow",
        "The settings of uv in the source take a package from one index, search an index before others, or override"
        " or exclude packages. pip has no such option, and would install something else.",
        "Install [uv](https://docs.astral.sh/uv/), and use `--installer uv`. Without these settings, pip can install"
        " the project.",
    ),
    "CI837": Entry(
        "The program npm is not installed",
        "The dependencies of Node.js functions are installed with npm, which comes with Node.js. It is not on `PATH`.",
        "Install [Node.js](https://nodejs.org). If the source already has its `node_modules`, use `--no-install`.",
    ),
    "CI838": Entry(
        "The installed npm is too old",
        "This npm cannot install for another platform. Or there is no `package-lock.json`, and it could run code of"
        f" a repository that a package requires. {_NOTHING}",
        "Run `npm install --global npm`. In the second case, `npm install --package-lock-only` in the source is"
        " enough.",
    ),
    "CI839": Entry(
        "The lock file of the project is not read by npm",
        "The versions are locked by Yarn 2 or later, pnpm or Bun, and there is no `package-lock.json`. npm would"
        f" take the latest versions instead. {_NOTHING}",
        "Run `npm install --package-lock-only`, or install with the project's own tool and use `--no-install`. To"
        " take the latest versions, `--exclude` the lock file.",
    ),
    "CI840": Entry(
        "The versions that npm would install are not those in `yarn.lock`",
        "Without `package-lock.json`, npm reads the lock file of Yarn 1, but does not always use its versions. The"
        " command compares them. The message names the packages. Nothing was written.",
        "Run `npm install --package-lock-only`, and keep `package-lock.json`. Otherwise install with Yarn and use"
        " `--no-install`.",
    ),
    "CI841": Entry(
        "A dependency of a Node.js function is outside of the source",
        "`package.json` or the lock file names a path that leads out of the folder. The source alone would not"
        f" determine the bundle. {_NOTHING}",
        "Copy the package into the source, and require it by that path, or require a version from a registry.",
    ),
    "CI842": Entry(
        "A dependency could run code while npm installs it",
        "The dependency is a repository or a URL of one. npm builds such packages with their own settings, which"
        f" [may run code](https://github.com/npm/cli/issues/4101) even without scripts. {_NOTHING}",
        "Require a version from a registry, the URL of a tarball, or a folder or tarball in the source.",
    ),
    "CI843": Entry(
        "A dependency has a protocol that npm does not know",
        "Values such as `workspace:`, `link:`, `portal:`, `catalog:`, `patch:` and `jsr:` are for Yarn, pnpm, Bun or"
        f" Deno. {_NOTHING}",
        "Require a version, or `file:` with a folder of the source. Otherwise install with the project's own tool,"
        " and use `--no-install`.",
    ),
    "CI844": Entry(
        "A dependency is another package of the workspace",
        "The workspace is not visible to npm from this folder, or npm does not read its file. It would install the"
        f" registry's package of the same name, which may be somebody else's. {_NOTHING}",
        "In a workspace of npm, bundle its root. Otherwise run `npm pack` in the other package, put the tarball into"
        " the source, and require it. A package inside of the source can be required as `file:FOLDER`.",
    ),
    "CI845": Entry(
        "An override that says where a package comes from is not read by npm",
        "`resolutions`, the overrides of pnpm, `patchedDependencies`, or overrides in the root of a workspace have"
        f" no effect in npm. It would install another package than the project means. {_NOTHING}",
        "Require the package in `package.json`, or write the value under `overrides` there. Otherwise install with"
        " the project's own tool, and use `--no-install`.",
    ),
    "CI846": Entry(
        "A registry that the project names would not be used by npm",
        "A registry in `.npmrc` or a similar file is not an http or https URL, or has a variable. Variables are not "
        f"passed on to npm. The public registry may have other packages of the same names. {_NOTHING}",
        "Set this registry in your own `~/.npmrc`, or write its whole URL into the file of the project.",
    ),
    "CI847": Entry(
        "`--allow-scripts` is not possible for this package",
        "The program that downloads the binary runs as your user. So the package, that program and all that it"
        " requires must come from the registry in your own settings.",
        "If you use another registry, set `NPM_CONFIG_REGISTRY` to it. Otherwise require a version of the package"
        " from your registry.",
    ),
    "CI848": Entry(
        "A prebuilt binary cannot be downloaded",
        "The package has no binary for the function's platform, or the download failed. The output of the program is"
        " above the message.",
        "Choose another version of the package, or another `--architecture` or `--runtime`. If the network failed,"
        " run the command again.",
    ),
    "CI849": Entry(
        "The client of Prisma was not generated",
        "`@prisma/client` needs code that `prisma generate` writes from the schema. The command takes that code from"
        " the source, and does not run Prisma itself.",
        "Run `npm install && npx prisma generate` in the source, and then this command again.",
    ),
    "CI850": Entry(
        "The client of Prisma has no engine for the function's platform",
        "The generated client contains a query engine for each of its `binaryTargets`. None of them is for the"
        " runtime and the architecture of the function.",
        "Add the name in the message to"
        " [`binaryTargets`](https://www.prisma.io/docs/orm/reference/prisma-schema-reference#binarytargets-options) in"
        " the schema. Then run `npx prisma generate`, and this command again.",
    ),
    "CI851": Entry(
        "The runtime does not run the provider",
        "The provider needs Python 3.10 or later. `--runtime` of `build-provider` names an older version, or another"
        " language.",
        "Give the `Runtime` of the provider's template, or leave out `--runtime`.",
    ),
    "CI852": Entry(
        "An installed package does not list its files",
        "`build-provider` takes the files of each package from the list that pip writes. An old pip, or another"
        " installer such as that of a distribution, leaves none.",
        "Install the package with a current pip in a virtual environment: `pip install --upgrade pip`, and then `pip"
        " install --force-reinstall PACKAGE`.",
    ),
    "CI853": Entry(
        "An installed package has another version than the provider needs",
        "The zip has to contain the versions that each package requires. The message names both packages and the"
        " required version. Nothing was built.",
        "Run the command in the message. If another project needs the other version, use a virtual environment for"
        " `cfn-injector`.",
    ),
    "CI854": Entry(
        "A package of the provider is compiled for this machine",
        "The zip is for Lambda's platform, and holds Python code only. A package of `--with`, or one that it"
        " requires, has a compiled library.",
        "Install a version of the package in pure Python, or leave the package out.",
    ),
}
