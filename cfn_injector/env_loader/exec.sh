#!/bin/bash
# Becomes the runtime that Lambda starts, with the variables that were deployed with the function in its environment.
#
# The file `environ` beside this one holds records NAME=VALUE, each ended by NUL, in groups that end with an empty one:
# those that win over the environment, then those that give way to it. The environment is read from the kernel and handed
# on whole by env, not by this shell, which cannot hold every name and would add variables of its own.
LC_ALL=C # bytes, not characters
winning=() others=() given=()
{
    while IFS= read -r -d '' record && [ -n "$record" ]; do winning+=("$record"); done
    while IFS= read -r -d '' record && [ -n "$record" ]; do others+=("$record"); done
} <"${0%/*}/environ" || exit
while IFS= read -r -d '' record; do given+=("$record"); done </proc/self/environ || exit
exec /usr/bin/env -i -- "${others[@]}" "${given[@]}" "${winning[@]}" "$@"
