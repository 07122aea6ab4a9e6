"""CI301 to CI399: the artifact and its file of variables."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "The artifact and its file of variables"

ENTRIES: dict[str, Entry] = {
    "CI301": Entry(
        "The artifact is not a zip archive, or is incomplete",
        "The end of the artifact lacks the record with which each zip archive ends, or a part of it. The object is "
        "another kind of file, such as a tar archive, or its upload or download was interrupted. Nothing was "
        "written or deployed.",
        "Check that `S3Key` or the path names the zip. Build and upload the artifact again. `unzip -t FILE` checks "
        "an archive on your machine.",
    ),
    "CI302": Entry(
        "The artifact ended while it was being read",
        "Fewer bytes arrived than the artifact has. It was replaced or cut meanwhile, or the connection ended. "
        "Nothing was written or deployed.",
        "Give each build a key or file name of its own. Then deploy again, or run the command again.",
    ),
    "CI303": Entry(
        "The artifact is one part of a split archive",
        "The archive is divided into several files, as by `zip -s`, or its records say so. Lambda takes one file. "
        "Nothing was written or deployed.",
        "Join the parts with `zip -s 0 PART.zip --out WHOLE.zip`, or build the artifact without splitting it.",
    ),
    "CI304": Entry(
        "The end of the artifact is ambiguous",
        "A zip archive ends with a record that says where the list of entries is. This artifact has two records "
        "that tools could use, or one that its ZIP64 record contradicts. One tool could see other code than the "
        "next. Nothing was written or deployed.",
        "Do not append archives to one another, and do not put an archive into the comment of another. Build the "
        "artifact again with `cfn-injector bundle`, `zip` or another common tool, and upload it again.",
    ),
    "CI305": Entry(
        "The central directory of the artifact is damaged",
        "The central directory lists the entries of an archive. It is not where the end of the archive says, or "
        "the counts and sizes do not match. The file was cut, joined or changed after it was built, or transferred "
        "as text. Nothing was written or deployed.",
        "Build and upload the artifact again. `unzip -t FILE` checks an archive on your machine.",
    ),
    "CI306": Entry(
        "Tools read the bytes in front of the artifact in different ways",
        "Something precedes the archive, such as a script that makes it executable. Tools skip these bytes in "
        "different ways, above all in ZIP64 archives. One tool could see other code than the next. Nothing was "
        "written or deployed.",
        "Build the artifact without bytes in front of it. If you need them, run `zip -A FILE`, which corrects the "
        "offsets. [Which archives are accepted](rewriting.md#which-archives-are-accepted) has the exact rules.",
    ),
    "CI307": Entry(
        "The artifact has too many entries",
        "The provider reads archives of at most 100,000 entries, whose central directory has at most 16 MiB. "
        "Nothing was written or deployed.",
        "Take out what the function does not need, such as tests and documentation. Or bundle JavaScript into one "
        "file, for example with esbuild.",
    ),
    "CI308": Entry(
        "An extra field of an entry is malformed",
        "Extra fields hold optional data of an entry, such as the sizes of large files. The entry has one of them "
        "twice, one that exceeds its place, or ZIP64 values that do not match the entry. Nothing was written or "
        "deployed.",
        "Build the artifact again with `cfn-injector bundle`, `zip` or another common tool, and upload it again.",
    ),
    "CI309": Entry(
        "Entries of the artifact overlap",
        "According to the central directory, two entries share bytes, or an entry reaches into the directory "
        "itself. The archive is damaged, or was made to expand to far more than its size. Nothing was written or "
        "deployed.",
        "Build the artifact again with `cfn-injector bundle`, `zip` or another common tool, and upload it again. "
        "`unzip -t FILE` checks an archive on your machine.",
    ),
    "CI310": Entry(
        "An entry of the artifact is encrypted",
        "Lambda takes no password for an archive, so it cannot unpack the entry. Nothing was written or deployed.",
        "Build the artifact without a password. To keep code secret, encrypt the object in S3, or set "
        "`SourceKMSKeyArn` in `Code`.",
    ),
    "CI311": Entry(
        "An entry of the artifact has an invalid name",
        "The name is empty, contains a NUL, consists of `.` parts only, or has more than 4,096 bytes. No file can "
        "have such a name, or tools cut it in different ways. Nothing was written or deployed.",
        "Rename the file. Build the artifact again with `cfn-injector bundle`, `zip` or another common tool, and "
        "upload it again.",
    ),
    "CI312": Entry(
        "The name of an entry points outside the artifact",
        "The name, or another name by which some tools know the entry, is absolute or contains `..`. Unpacking it "
        "would write outside the function's folder. Nothing was written or deployed.",
        "Build the artifact inside the folder of the code, with relative paths: `cd src && zip -r ../app.zip .`. "
        "Do not use an artifact of this kind that you did not build yourself.",
    ),
    "CI313": Entry(
        "Two entries of the artifact have the same name",
        "One tool would unpack the first entry, and another one the second. The names may differ in `./`, in `//`, "
        "or in a backslash or Unicode field that only some tools use. Nothing was written or deployed.",
        "Build the artifact into a new file. Python's `zipfile` adds an entry of the same name in mode `a`, and "
        "does not replace the first one.",
    ),
    "CI314": Entry(
        "The artifact is signed",
        "The artifact contains a signature of AWS Signer. Each change of the archive breaks the signature, so "
        "Lambda would refuse the code or warn about it ([code "
        "signing](https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html)). Nothing was "
        "written or deployed.",
        "Use the artifact as it was before it was signed.",
    ),
    "CI315": Entry(
        "A path cannot be that of a file in an archive",
        "The path of a file of variables is absolute, empty, longer than 4,096 bytes or not valid Unicode. Or it "
        "has an empty part, `..`, a backslash or a NUL. Nothing was written or deployed.",
        "Give the path from the top of the archive, such as `.env` or `config/.env`.",
    ),
    "CI316": Entry(
        "The file of variables is not a regular file",
        "In the artifact, the entry with this name is a symbolic link, a folder or a device. Its content cannot be "
        "merged with variables. Nothing was written or deployed.",
        "Put a regular file there. `zip` stores what a link points to unless you give `-y`. Or set `EnvFile` to "
        "another path.",
    ),
    "CI317": Entry(
        "The file of variables is compressed in an unusual way",
        "The provider reads files that are stored, or compressed with deflate. The message has the number of the "
        "method. Nothing was written or deployed.",
        "Build the artifact with deflate, which is the default of `zip`. Lambda may not unpack other methods either.",
    ),
    "CI318": Entry(
        "The content of the file of variables is damaged",
        "The content cannot be decompressed, or its size or checksum is not that of the central directory. Nothing "
        "was written or deployed.",
        "Build and upload the artifact again. `unzip -t FILE` checks an archive on your machine.",
    ),
    "CI319": Entry(
        "The headers of the file of variables disagree",
        "An archive describes each entry twice: in front of its content, and in the central directory. For this "
        "file, the two differ, or what follows is not the next entry. Tools would read different files. Nothing "
        "was written or deployed.",
        "Build the artifact again with `cfn-injector bundle`, `zip` or another common tool, and upload it again.",
    ),
    "CI320": Entry(
        "The file of variables is too large",
        "The artifact's own file of variables, and the file with the template's variables in it, have at most 1 "
        "MiB. The artifact's own file has at most 20,000 lines. Nothing was written or deployed.",
        "Take comments and variables out of the file. Put large data into a file of its own, and its name into a "
        "variable. If another file of the artifact has this name, set `EnvFile` to another path.",
    ),
    "CI321": Entry(
        "An entry is the file of variables for some tools only",
        "The name of the entry has a backslash, or a Unicode field contains another name. So some tools unpack it "
        "as the file of variables, and others do not. Nothing was written or deployed.",
        "Build the artifact with `/` between folders, and give the file one name. Or set `EnvFile` to another path.",
    ),
    "CI322": Entry(
        "Another entry is in the way of a file to be added",
        "The file of variables would have the name of another file or of a folder. Or a part of its path is a file "
        "in the artifact. Nothing was written or deployed.",
        "Set `EnvFile` to a path that is free, and whose folders are not files. With inline code, do not use the "
        "name of the code, which is `index.py` or `index.js`.",
    ),
    "CI323": Entry(
        "The artifact has the folder of the loader already",
        "`EnvLoader` adds its files in `_cfn_injector/`. The artifact has this folder: it is the result of an "
        "earlier injection, or the code has a folder of this name. Nothing was written or deployed.",
        "Use the artifact as the build made it, not a package that was deployed. If the folder is your own, rename "
        "it, or set `EnvLoader: none`.",
    ),
    "CI324": Entry(
        "The artifact is larger than 250 MB when it is unpacked",
        "Lambda unpacks at most 250 MB, layers included ([quotas]"
        "(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)). The sum of all files, with "
        "those that the injection adds, is larger. Nothing was written or deployed.",
        "Take out what the function does not need, such as tests, or packages that the runtime contains. "
        "`cfn-injector inspect FILE` lists the largest files. If it is still too large, deploy a container image.",
    ),
    "CI325": Entry(
        "The archive is larger than Lambda accepts",
        "With its variables, the archive has more than 50 MB for Lambda@Edge ([quotas]"
        "(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
        "cloudfront-limits.html#limits-lambda-at-edge)), or more than 282 MiB for other functions. A larger "
        "archive does not fit into Lambda's 250 MB when it is unpacked. Nothing was written or deployed.",
        "Take out what the function does not need. `cfn-injector inspect FILE` lists the largest files.",
    ),
    "CI326": Entry(
        "The artifact's file of variables has a value with a NUL",
        "A loader puts the variables of the file into the environment, which cannot hold a NUL. The message names "
        "the variable. Nothing was written or deployed.",
        "Remove the NUL from the artifact's file, or set a value without one in `Env`. Or set `EnvLoader: none`, "
        "and read the file in the code.",
    ),
    "CI327": Entry(
        "A variable of the artifact is too long for the loader `exec`",
        "This loader starts the runtime with the variables. Linux passes at most 131,071 bytes to a program for "
        "one variable, with its name and the `=` ([execve](https://man7.org/linux/man-pages/man2/execve.2.html)). "
        "Nothing was written or deployed.",
        "Shorten the value, or put it into a file of its own. Or set `EnvLoader` to `handler` or `none`.",
    ),
    "CI328": Entry(
        "An entry of the artifact cannot be unpacked",
        "The entry is a device, a pipe or a socket, or a link whose target has more than 4,096 bytes. `run "
        "--local-handler` cannot make it, and did not run the handler.",
        "Take the entry out of the artifact, and build it again.",
    ),
    "CI329": Entry(
        "The artifact cannot be unpacked",
        "The content of an entry is damaged, or is compressed in a way that Python's `zipfile` does not know. The "
        "message has its reason. `run --local-handler` did not run the handler.",
        "Build the artifact again, with deflate. `unzip -t FILE` checks an archive on your machine.",
    ),
}
