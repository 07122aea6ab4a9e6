"""Reads the `.env` file that was deployed with a Lambda function; needs nothing but the standard library."""

from .runtime import get_env, load, wrap

TYPE_CHECKING = False  # type checkers take it for true
if TYPE_CHECKING:
    from .dotenv import ParseError

__all__ = ["ParseError", "get_env", "load", "wrap"]


def __getattr__(name: str) -> object:
    """ParseError when it is asked for: most functions start without the full grammar, see ``runtime``."""
    if name == "ParseError":
        from .dotenv import ParseError

        return ParseError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
