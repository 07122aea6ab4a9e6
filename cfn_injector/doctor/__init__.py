"""Checks in an AWS account what the provider takes AWS to do.

    beliefs -> throw-away stacks, functions and objects -> what AWS answers -> findings -> everything removed

``examine`` takes a session and beliefs, and returns findings. Everything that it creates has the session's name in its
own name. The provider's zip does not contain this package.
"""
