"""Invokes a Python or Node.js handler of an artifact once, on this machine, as Lambda does.

    archive -> unpacked folder -> a process with Lambda's environment <-> Runtime API -> the handler's answer

The process runs AWS's runtime client if it is installed, and a small runner of this package otherwise. Both get the
event from the Runtime API, which ``runtime_api`` serves.
"""
