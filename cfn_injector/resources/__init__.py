"""Resource types: one module each, with ``create``, ``update`` and ``delete``."""
