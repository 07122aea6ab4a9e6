"""Installs the provider: takes a Region of an account and parameters, leaves the provider's stack."""
