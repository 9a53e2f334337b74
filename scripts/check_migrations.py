"""Checks that migrations hold nobody up and take nothing from the version that still runs.

By squawk, whose rules .squawk.toml chooses, and for statements that it lets pass. A line `-- squawk-ignore RULE` allows
a statement that squawk refuses, with the reason in the line before: a reviewer should look at it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "auth_server" / "storage" / "migrations"

# What is no statement's own words: comments, bodies of functions, texts.
_NOT_ITS_OWN = re.compile(r"--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|'(?:[^']|'')*'", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# What is done at once, though it stands in a text: neither squawk looks into it, nor the rules below.
_BLOCK = re.compile(r"\bDO\s+(?:LANGUAGE\s+\w+\s+)?(\$\w*\$|')(?P<body>.*?)\1", re.DOTALL | re.IGNORECASE)
_OF_TABLES = re.compile(
    r"\b(TABLE|INDEX|TRIGGER|VIEW|DROP|UPDATE|DELETE|MERGE|TRUNCATE|LOCK|CLUSTER|VACUUM)\b", re.IGNORECASE
)
_REFUSED = {
    r"(WITH\b.*\b)?(UPDATE|DELETE FROM|MERGE INTO) ": "keeps whoever wants these rows waiting: let a server's"
    " background work do it in batches",
    r"TRUNCATE ": "empties a table",
    r"LOCK ": "holds others out of a table",
    r"(CLUSTER|VACUUM FULL)\b": "holds everybody out of a table while it is written anew",
    r"ALTER TABLE .*\bSET (UNLOGGED|LOGGED)\b": "holds everybody out of a table while it is written anew",
    r"DROP TRIGGER ": "takes away what servers of the version before rely on",
    r"ALTER TABLE .*\bADD COLUMN .*\b(BIG|SMALL)?SERIAL\b": "writes the table anew, with everybody held out",
    r"ALTER TABLE .*\bADD COLUMN .*\bAS IDENTITY\b": "writes the table anew, with everybody held out",
    r"ALTER TABLE .*\bADD COLUMN [^,]*\bCHECK\b": "reads the whole table with everybody held out: add the check by"
    " itself, NOT VALID",
}


def statements_of(sql: str) -> list[str]:
    """Each statement on a line, without comments, texts and bodies of functions."""
    bare = (" ".join(each.split()) for each in _NOT_ITS_OWN.sub(" ", sql).split(";"))
    return [each for each in bare if each]


def faults_of(sql: str) -> list[str]:
    """What squawk lets pass, a sentence each."""
    statements = statements_of(sql)
    found = [
        f"{each[:60]}: {why}"
        for each in statements
        for pattern, why in _REFUSED.items()
        if re.match(pattern, each, re.IGNORECASE)
    ]
    found += [
        f"{word[0]} in a block of DO, which no rule looks into: write it outside of one"
        for block in _BLOCK.finditer(_COMMENT.sub(" ", sql))
        if (word := _OF_TABLES.search(block["body"]))
    ]
    if len(statements) > 1 and any(re.search(r"\bINDEX CONCURRENTLY\b", each, re.IGNORECASE) for each in statements):
        found.append("CONCURRENTLY must be alone in its file, which then runs outside of a transaction")
    return found


def main() -> None:
    """Checks the files that are named, else all of them."""
    files = [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.sql"))
    said = [f"{file.name}: {fault}" for file in files for fault in faults_of(file.read_text("utf-8"))]
    command = ["squawk", "--reporter", "gcc", "--config", str(ROOT / ".squawk.toml"), *map(str, files)]
    squawk = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if squawk.returncode:
        said.append(squawk.stdout + squawk.stderr)
    print("\n".join(said))
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
