"""ExportUser: all that is held of a user, for them and for operators."""

import base64
import json
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from gatepost.v1 import adapter_service_pb2, export_pb2
from tests.images import an_image, shown, upload
from tests.people import refresh, refused

NOBODY = "01890000-0000-7000-8000-000000000000"


async def exported(people, user_id, caller):
    """The records, by kind."""
    request = export_pb2.ExportUserRequest(id=user_id)
    records = [record async for record in people.users.ExportUser(request, metadata=caller.bearer)]
    assert records[0].WhichOneof("record") == "user"
    found = {}
    for record in records:
        kind = record.WhichOneof("record")
        found.setdefault(kind, []).append(getattr(record, kind))
    return found


def jwt_of(claims):
    body = base64.urlsafe_b64encode(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
    return f"e30.{body.rstrip(b'=').decode()}.c2ln"


async def a_verification_token(people, identifier):
    request = adapter_service_pb2.CreateVerificationTokenRequest()
    request.verification_token.identifier = identifier
    request.verification_token.token = "a" * 64
    request.verification_token.expires.CopyFrom(Timestamp(seconds=4_000_000_000))
    await people.adapter.CreateVerificationToken(request, metadata=people.secret)


@pytest.mark.requirement(63)
async def test_a_user_is_told_of_what_is_held(people, sql):
    ann = await people.signed_in(email="Ann@example.org")
    session = await people.a_session(ann.id)
    await a_verification_token(people, "ann@example.org")
    await people.log_out(await people.login("Ann@example.org"))
    await sql.execute("UPDATE refresh_families SET user_agent = 'a browser', address = '192.0.2.1'")

    held = await exported(people, ann.id, ann)

    [user] = held["user"]
    assert (user.user.email, user.role, user.has_password) == ("Ann@example.org", "user", True)
    assert [each.id for each in held["session"]] == [session.id]
    assert [each.identifier for each in held["verification_token"]] == ["ann@example.org"]
    assert [(each.device, each.address) for each in held["sign_in"]] == [("a browser", "192.0.2.1")] * 2
    assert [each.end_reason for each in held["sign_in"]] == ["", "logout"]
    assert [each.reason for each in held["revocation"]] == ["logout"]


@pytest.mark.requirement(63)
async def test_every_refresh_of_a_sign_in_is_told(people, clock):
    ann = await people.signed_in()
    clock.stopped_at = datetime.now(UTC)
    token = ann.refresh_token
    for _ in range(3):
        clock.advance(timedelta(seconds=20))
        token = (await refresh(people, token)).refresh_token

    [sign_in] = (await exported(people, ann.id, ann))["sign_in"]

    refreshed = [time.ToDatetime(UTC) for time in sign_in.refresh_times]
    assert refreshed == [clock() - timedelta(seconds=seconds) for seconds in (40, 20, 0)]


@pytest.mark.requirement(63)
async def test_a_providers_secrets_are_named_and_not_told(people, mailbox):
    ann = await people.signed_in()
    await mailbox.verify(people)
    extras = Struct()
    extras.update({"avatar": "blue", "oauth_token_secret": "hush", "level": 3})
    await people.an_account(
        ann.id,
        provider="google",
        access_token="ya29.hush",
        id_token=jwt_of({"email": "ann@elsewhere.example", "picture": {"url": "https://x.example"}}),
        scope="openid",
        extras=extras,
    )

    held = await exported(people, ann.id, ann)

    [account] = held["account"]
    assert account.id_token_claims["email"] == "ann@elsewhere.example"
    assert dict(account.extras) == {"avatar": "blue", "level": 3}
    assert account.withheld == ["access_token", "id_token", "oauth_token_secret"]
    assert account.scope == "openid"
    assert "hush" not in str(held)


@pytest.mark.parametrize(
    "id_token", ["x", "a.b.c", "a.!!.c", jwt_of(b"[1]"), jwt_of(b'{"a": ' + b"[" * 90 + b"]" * 90 + b"}"), "ä.ä.ä"]
)
async def test_an_id_token_that_cannot_be_read_stops_no_export(people, mailbox, id_token):
    ann = await people.signed_in()
    await mailbox.verify(people)
    await people.an_account(ann.id, id_token=id_token)

    [account] = (await exported(people, ann.id, ann))["account"]

    assert not account.HasField("id_token_claims")
    assert account.withheld == ["id_token"]


async def test_more_rows_than_a_page_are_all_told_once(people, sql):
    ann, bob = await people.signed_in(), await people.signed_in()
    for user in (ann, bob):
        await sql.execute(
            "INSERT INTO sessions (token_hash, id, user_id, expires)"
            " SELECT uuid_send(gen_random_uuid()), gen_random_uuid(), $1, now() FROM generate_series(1, 1200)",
            user.id,
        )

    sessions = (await exported(people, ann.id, ann))["session"]

    ids = {str(row["id"]) for row in await sql.fetch("SELECT id FROM sessions WHERE user_id = $1", ann.id)}
    assert len(sessions) == 1200
    assert {session.id for session in sessions} == ids


@pytest.mark.requirement(59)
async def test_a_user_exports_themselves_alone_and_an_operator_anybody(people, sql):
    ann, operator = await people.signed_in(), await people.signed_in()
    with refused("PERMISSION_DENIED", grpc.StatusCode.PERMISSION_DENIED):
        await exported(people, ann.id, operator)
    await sql.execute("UPDATE users SET role = 'operator' WHERE id = $1", operator.id)

    [user] = (await exported(people, ann.id, operator))["user"]

    assert user.user.id == ann.id
    with refused("USER_NOT_FOUND", grpc.StatusCode.NOT_FOUND):
        await exported(people, NOBODY, operator)


@pytest.mark.requirement(63)
async def test_rest_exports_an_array(rest):
    ann = await rest.people.signed_in()

    answer = await rest.call("GET", f"/auth/{ann.id}/export", headers=dict(ann.bearer))
    missing = await rest.call("GET", f"/auth/{NOBODY}/export", headers=dict(ann.bearer))

    assert (answer.status, missing.status, missing.reason) == (200, 403, "PERMISSION_DENIED")
    records = answer.json
    kinds = [kind for record in records for kind in record]
    assert kinds[0] == "user"
    assert {"signIn", "auditEvent"} <= set(kinds)
    assert len(kinds) == len(records)
    assert records[0]["user"]["email"] == ann.email
    assert records[0]["user"]["hasPassword"] is True
    assert ann.access_token not in answer.text


@pytest.mark.requirement(63)
async def test_an_image_is_told_whole_over_both_doors(people, rest):
    ann = await people.signed_in()
    url = await upload(people, ann, an_image("PNG", (900, 900), "RGBA"))

    [image] = (await exported(people, ann.id, ann))["image"]
    records = (await rest.call("GET", f"/auth/{ann.id}/export", headers=dict(ann.bearer))).json

    assert (image.url, image.media_type) == (url, "image/png")
    assert shown(image.content).size == (900, 900)
    [told] = [record["image"] for record in records if "image" in record]
    assert base64.b64decode(told["content"]) == image.content


@pytest.mark.requirement(63)
async def test_an_image_that_the_store_has_no_more_is_told_without_its_content(people, image_folder):
    ann = await people.signed_in()
    url = await upload(people, ann, an_image())
    (image_folder / url.rpartition("/")[2]).unlink()

    [image] = (await exported(people, ann.id, ann))["image"]

    assert image.url == url
    assert not image.HasField("content")


@pytest.mark.requirement(63)
async def test_an_export_without_the_store_of_images_is_no_export(people, image_folder):
    ann = await people.signed_in()
    await upload(people, ann, an_image())
    aside = image_folder.rename(image_folder.with_name("aside"))
    image_folder.write_text("no folder")

    try:
        with refused("IMAGE_STORE_UNAVAILABLE"):
            await exported(people, ann.id, ann)
    finally:
        image_folder.unlink()
        aside.rename(image_folder)
