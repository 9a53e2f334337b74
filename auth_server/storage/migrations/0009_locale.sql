-- The language that a user is written to in: a BCP 47 tag, or none where they never said.

ALTER TABLE users
    ADD COLUMN locale text;
