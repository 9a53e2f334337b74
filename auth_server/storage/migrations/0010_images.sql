-- The images that the store holds, so that none stays there unnoticed.

-- A row is written before its image is stored, and goes after the image is gone. It outlives its user: until then
-- the store holds something of them.
CREATE TABLE images (
    name      text        PRIMARY KEY,
    user_id   uuid        NOT NULL,
    url       text        NOT NULL,
    -- When the image is to be removed: NULL while it is the user's image, -infinity once it is not. Of one that is being
    -- stored it is an hour later, as whoever stores it may die meanwhile.
    remove_at timestamptz
);

CREATE INDEX images_user_id_idx ON images (user_id);
CREATE INDEX images_remove_at_idx ON images (remove_at) WHERE remove_at IS NOT NULL;

-- Whichever way a user gets another image, or goes: the one of ours is to be removed.
CREATE FUNCTION doom_images() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE images
       SET remove_at = '-infinity'
     WHERE user_id = OLD.id
       AND remove_at IS NULL
       AND (TG_OP = 'DELETE' OR url IS DISTINCT FROM NEW.image);
    RETURN NULL;
END
$$;

CREATE TRIGGER users_doom_former_image AFTER UPDATE OF image ON users
    FOR EACH ROW WHEN (OLD.image IS DISTINCT FROM NEW.image) EXECUTE FUNCTION doom_images();

CREATE TRIGGER users_doom_images AFTER DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION doom_images();
