from io import BytesIO
from time import process_time
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_server.domain.images import ENDINGS, find_media_type, is_polyglot, new_name
from auth_server.settings.images import ImageSettings


def a_zip(comment=b""):
    into = BytesIO()
    with ZipFile(into, "w") as archive:
        archive.writestr("index.php", "<?=1")
        archive.comment = comment
    return into.getvalue()


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    "more",
    [
        b"<script>",
        b"<SCRIPT src=x>",
        b"<html>",
        b"<!DOCTYPE html>",
        b"<iframe\nsrc=x>",
        b"<?php\nphpinfo();",
        b"%PDF-1.7",
        a_zip(),
        a_zip(b"a comment" * 100),
    ],
    ids=range(9),
)
def test_what_is_more_than_an_image_is_told_by_its_marks(more):
    assert is_polyglot(b"GIF89a" + more)
    assert is_polyglot(b"GIF89a" + bytes(500) + more)


@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    "harmless",
    [b"", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF>", b"<scripture>", b"<htmlish", b"PK\5\6" + b"x" * 18, b"PK"],
    ids=range(6),
)
def test_what_images_hold_by_themselves_is_no_mark(harmless):
    assert not is_polyglot(b"\xff\xd8\xff" + harmless + bytes(30))


@given(st.binary(max_size=2000))
def test_bytes_by_chance_are_no_marks_and_no_fault(file):
    assert is_polyglot(file) in (False, True)


@pytest.mark.parametrize("piece", [b"<", b"<scrip", b"<htmlx", b"PK\5\6"])
def test_no_file_makes_the_search_slow(piece):
    file = piece * (10_000_000 // len(piece))
    began = process_time()

    is_polyglot(file)

    assert process_time() - began < 1


@pytest.mark.parametrize("media_type", ENDINGS)
def test_a_name_tells_its_media_type_and_nothing_else(media_type):
    name = new_name(media_type)

    assert find_media_type(name) == media_type
    assert name != new_name(media_type)
    assert find_media_type(f"../{name}") is None
    assert find_media_type(f"{name}\n") is None


@pytest.mark.parametrize(
    ("given_as", "kept_at"),
    [
        ("pictures", "az://pictures"),
        ("az://pictures/of/users", "az://pictures/of/users"),
        ("s3://bucket/of/users", "s3://bucket/of/users"),
        ("gs://bucket", "gs://bucket"),
        ("file:///srv/images", "file:///srv/images"),
    ],
)
def test_a_store_is_an_url_or_a_container_of_azure(given_as, kept_at):
    assert ImageSettings(AZURE_STORAGE_CONTAINER_NAME=given_as).image_store == kept_at


@pytest.mark.parametrize(
    "wrong",
    [
        "memory:///",
        "https://bucket",
        "s3://",
        "file://",
        "file:///",
        "file://host/folder",
        "az://a@b/c",
        "s3://b?x=1",
        "Up",
    ],
)
def test_another_store_is_refused(wrong):
    with pytest.raises(ValueError, match="it must be"):
        ImageSettings(GATEPOST_IMAGE_STORE=wrong)


@pytest.mark.parametrize(
    ("base", "public", "images_at"),
    [
        (None, None, None),
        (None, "https://auth.example.org/", "https://auth.example.org/images/"),
        (None, "https://example.org/auth", "https://example.org/auth/images/"),
        ("https://cdn.example.org/u", "https://auth.example.org", "https://cdn.example.org/u/"),
    ],
)
def test_images_are_at_the_gateway_unless_the_store_is_public(base, public, images_at):
    assert ImageSettings(image_base_url=base).images_at(public) == images_at


@pytest.mark.parametrize("wrong", ["cdn.example.org", "ftp://cdn.example.org", "https://cdn.example.org/?a=b"])
def test_an_address_of_images_has_a_scheme(wrong):
    with pytest.raises(ValueError, match="it must be a scheme"):
        ImageSettings(image_base_url=wrong)
