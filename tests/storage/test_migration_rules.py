"""What `scripts/check migrations` refuses: each of these once."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent.parent.parent / "scripts" / "check_migrations.py"
REFUSED = {
    "ALTER TABLE users DROP COLUMN name": "ban-drop-column",
    "DROP TABLE sessions": "ban-drop-table",
    "ALTER TABLE users RENAME COLUMN name TO title": "renaming-column",
    "ALTER TABLE users RENAME TO people": "renaming-table",
    "ALTER TABLE users ALTER COLUMN name TYPE bytea USING name::bytea": "changing-column-type",
    "ALTER TABLE users ADD COLUMN words integer NOT NULL": "adding-required-field",
    "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid()": "adding-field-with-default",
    "ALTER TABLE users ALTER COLUMN name SET NOT NULL": "adding-not-nullable-field",
    "ALTER TABLE users ALTER COLUMN name DROP NOT NULL": "ban-drop-not-null",
    "ALTER TABLE users ALTER COLUMN role DROP DEFAULT": "ban-drop-default",
    "CREATE INDEX users_name_idx ON users (name)": "require-concurrent-index-creation",
    "REINDEX TABLE users": "require-concurrent-reindex",
    "ALTER TABLE users ADD CONSTRAINT named CHECK (name <> '')": "constraint-missing-not-valid",
    "ALTER TABLE users ADD FOREIGN KEY (image) REFERENCES images (name)": "adding-foreign-key-constraint",
    "ALTER TABLE users ADD CONSTRAINT one_name UNIQUE (name)": "disallowed-unique-constraint",
    "ALTER TABLE users DROP CONSTRAINT users_email_check": "ban-drop-constraint",
    "DROP FUNCTION log_revocation": "ban-drop-function",
    "DROP VIEW names": "ban-drop-view",
    "ALTER TABLE users SET SCHEMA others": "ban-set-schema",
    "DROP TRIGGER users_end_sign_ins ON users": "what servers of the version before rely on",
    "UPDATE users SET name = 'DROP' WHERE name IS NULL": "keeps whoever wants these rows waiting",
    "WITH old AS (SELECT id FROM users) DELETE FROM users USING old": "keeps whoever wants these rows waiting",
    "TRUNCATE sessions": "empties a table",
    "LOCK TABLE users": "holds others out",
    "CLUSTER users USING users_pkey": "while it is written anew",
    "ALTER TABLE budgets SET UNLOGGED": "while it is written anew",
    "ALTER TABLE users ADD COLUMN number bigserial": "writes the table anew",
    "ALTER TABLE users ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY": "writes the table anew",
    "ALTER TABLE users ADD COLUMN number bigint CHECK (number > 0)": "reads the whole table",
    "DO $$ BEGIN ALTER TABLE users DROP COLUMN name; END $$": "TABLE in a block of DO",
    "DO LANGUAGE plpgsql $do$ BEGIN EXECUTE 'UPDATE users SET name = null'; END $do$": "UPDATE in a block of DO",
    "CREATE INDEX CONCURRENTLY a ON users (name); CREATE INDEX CONCURRENTLY b ON users (image)": "alone in its file",
}
ALLOWED = """
-- DROP TABLE in a comment is no statement, nor is one in a text or a function's body.
CREATE TABLE words (word text PRIMARY KEY, user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE);
CREATE INDEX words_user_id_idx ON words (user_id);
ALTER TABLE users ADD COLUMN words integer NOT NULL DEFAULT 0, ADD COLUMN note text;
ALTER TABLE users ADD CONSTRAINT noted CHECK (note <> 'DELETE FROM users') NOT VALID;
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE words SET word = '';
    DELETE FROM words;
    RETURN NULL;
END
$$;
DO $$
BEGIN
    -- Of no TABLE.
    EXECUTE format('ALTER FUNCTION forget() SET search_path = %I', current_schema());
END
$$;
CREATE TRIGGER users_forget AFTER UPDATE OF note ON users FOR EACH ROW EXECUTE FUNCTION forget();
-- A wider one takes its place.
-- squawk-ignore ban-drop-constraint
ALTER TABLE users DROP CONSTRAINT users_role_check;
"""


def check(*files):
    assert shutil.which("squawk"), "squawk is missing: it is in requirements/dev.txt, which scripts/test installs"
    command = [sys.executable, CHECK, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def said_of_each(tmp_path_factory):
    """What the check says of all that it must refuse, a file each, in one run."""
    folder = tmp_path_factory.mktemp("migrations")
    for number, statement in enumerate(REFUSED):
        (folder / f"{number}.sql").write_text(f"{statement};\n")
    return check(*sorted(folder.iterdir())).stdout


@pytest.mark.requirement(64)
def test_what_holds_others_up_or_takes_from_the_version_before_is_refused(said_of_each, subtests):
    lines = said_of_each.splitlines()
    for number, (statement, why) in enumerate(REFUSED.items()):
        with subtests.test(statement):
            assert any(f"{number}.sql" in line.replace("/", " ").split(":")[0].split() and why in line
                       for line in lines), said_of_each  # fmt: skip


@pytest.mark.requirement(64)
def test_what_only_adds_is_allowed_and_so_is_every_migration(tmp_path):
    (tmp_path / "0099_words.sql").write_text(ALLOWED)
    (tmp_path / "0100_index.sql").write_text("-- Why.\nCREATE INDEX CONCURRENTLY words_idx ON words (word);\n")

    for files in (list(tmp_path.iterdir()), []):
        ended = check(*files)
        assert ended.returncode == 0, ended.stdout
