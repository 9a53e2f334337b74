"""Whether the floors' statements are still those that auth_server/storage runs."""

import ast
import sys
from pathlib import Path

_COPIES = [Path(__file__).with_name(name) for name in ("sql.py", "statements.py")]
_ORIGINALS = Path(__file__).parents[2] / "auth_server" / "storage"
_VERBS = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", ", added AS")


def statements_without_original() -> list[str]:
    """Statements of the floors, on one line each, that stand nowhere in auth_server/storage."""
    originals = set[str]().union(*map(_statements_of, _ORIGINALS.glob("*.py")))
    return sorted(set[str]().union(*map(_statements_of, _COPIES)) - originals)


def _statements_of(module: Path) -> set[str]:
    nodes = ast.walk(ast.parse(module.read_text()))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {" ".join(text.split()) for text in texts if text.lstrip().startswith(_VERBS)}


if __name__ == "__main__":
    sys.exit("\n".join(statements_without_original()) or None)
