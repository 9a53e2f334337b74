"""The messages of users and of their tokens, made of domain values and read into them."""

from __future__ import annotations

from auth_server.domain.refresh_tokens import TokenPair
from auth_server.domain.users import Profile, ProfileValue, User
from auth_server.servicers.times import write_time
from gatepost.v1 import auth_service_pb2, user_pb2


def message_of_user(user: User) -> user_pb2.User:
    """The user as they and internal services see them."""
    message = user_pb2.User(
        id=str(user.id),
        name=user.name,
        email=user.email,
        image=user.image,
        locale=user.locale,
        profile=message_of_profile(user.profile),
    )
    if user.email_verified is not None:
        write_time(user.email_verified, message.email_verified)
    write_time(user.created_at, message.created_at)
    write_time(user.updated_at, message.updated_at)
    return message


def message_of_profile(profile: Profile) -> user_pb2.Profile:
    """The profile; what it does not tell is unset."""
    message = user_pb2.Profile()
    for name, value in profile.items():
        setattr(message, name, value)
    return message


def profile_of(message: user_pb2.Profile) -> dict[str, ProfileValue]:
    """What the profile tells."""
    return {field.name: value for field, value in message.ListFields()}


def message_of_tokens(pair: TokenPair) -> auth_service_pb2.BackendTokens:
    """The pair of tokens of a sign-in."""
    return auth_service_pb2.BackendTokens(
        access_token=pair.access_token.text,
        refresh_token=pair.refresh_token,
        expires_in=int(pair.access_token.expires.timestamp()) * 1000,
    )
