"""Checks in an AWS account whether AWS behaves as the provider expects.

    beliefs -> throw-away stacks, functions and objects -> what AWS answers -> findings -> everything removed

``examine`` takes a session and beliefs, and returns findings. Everything that it creates has the session's name in its
own name. The provider's zip does not contain this package.
"""
