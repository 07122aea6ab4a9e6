"""The provider on this machine: an emulator of AWS, the provider deployed to it, and stacks that use the provider.

Needs the extra ``local``. The provider's zip does not contain this package.
"""
