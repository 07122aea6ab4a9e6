"""The reference of the documentation: takes the code and the templates, returns Markdown.

Pages below ``docs/`` have blocks between markers of cog, which ``python -m reference`` fills. Each module is for one
kind of facts; its functions without an underscore are what the blocks print.
"""
