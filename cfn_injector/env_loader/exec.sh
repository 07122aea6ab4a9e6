#!/bin/bash
# Replaces itself with the runtime that Lambda starts, after adding the deployed variables to its environment.
#
# The file `environ` in this folder holds records NAME=VALUE that end with NUL. An empty record ends each group: first
# the variables that override the environment, then those that the environment overrides. This script reads the
# environment from the kernel and passes it on with env: a shell cannot hold every name, and adds variables of its own.
LC_ALL=C # bytes, not characters
winning=() others=() given=()
{
    while IFS= read -r -d '' record && [ -n "$record" ]; do winning+=("$record"); done
    while IFS= read -r -d '' record && [ -n "$record" ]; do others+=("$record"); done
} <"${0%/*}/environ" || exit
while IFS= read -r -d '' record; do given+=("$record"); done </proc/self/environ || exit
exec /usr/bin/env -i -- "${others[@]}" "${given[@]}" "${winning[@]}" "$@"
