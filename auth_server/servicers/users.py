"""UsersService: users for themselves and for operators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from auth_server.interceptors.calls import Call
from auth_server.servicers.export_messages import record_of
from auth_server.servicers.user_messages import message_of_user, profile_of
from auth_server.usecases.erasure import Erasure
from auth_server.usecases.exporting import Exporting
from auth_server.usecases.images import Images
from auth_server.usecases.users import Users
from gatepost.v1 import export_pb2, user_pb2
from gatepost.v1 import users_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class UsersService:
    """The RPCs of gatepost.v1.UsersService."""

    users: Users
    erasure: Erasure
    exporting: Exporting
    images: Images

    async def GetUser(self, request: pb.GetUserRequest, _: Call) -> pb.GetUserResponse:
        """Gets a user."""
        return pb.GetUserResponse(user=message_of_user(await self.users.get(request.id)))

    async def ListUsers(self, request: pb.ListUsersRequest, _: Call) -> pb.ListUsersResponse:
        """Lists users."""
        page = await self.users.page(request.page_size, request.page_token, request.search)
        return pb.ListUsersResponse(users=map(message_of_user, page.users), next_page_token=page.next_token)

    async def UpdateUser(self, request: pb.UpdateUserRequest, _: Call) -> pb.UpdateUserResponse:
        """Changes the fields of the mask; all that have a value where there is no mask (AIP-134)."""
        values = values_of(request.user)
        mask = request.update_mask.paths if request.HasField("update_mask") else values
        user = await self.users.change_own(request.id, values, mask)
        return pb.UpdateUserResponse(user=message_of_user(user))

    async def UploadUserImage(
        self, requests: AsyncIterator[pb.UploadUserImageRequest], _: Call
    ) -> pb.UploadUserImageResponse:
        """Gives a user an image; the first request names the user."""
        first = await anext(requests)
        return pb.UploadUserImageResponse(
            image_url=await self.images.replace(first.id, (request.chunk async for request in requests))
        )

    async def DeleteUser(self, request: pb.DeleteUserRequest, _: Call) -> pb.DeleteUserResponse:
        """Deletes a user."""
        await self.erasure.erase(request.id)
        return pb.DeleteUserResponse()

    async def ExportUser(
        self, request: export_pb2.ExportUserRequest, _: Call
    ) -> AsyncIterator[export_pb2.ExportUserResponse]:
        """Exports a user."""
        held = await self.exporting.of(request.id)
        return (record_of(each) async for each in held)

    async def DisableUser(self, request: pb.DisableUserRequest, _: Call) -> pb.DisableUserResponse:
        """Disables a user."""
        await self.users.disable(request.id)
        return pb.DisableUserResponse()

    async def EnableUser(self, request: pb.EnableUserRequest, _: Call) -> pb.EnableUserResponse:
        """Lets a disabled user sign in again."""
        await self.users.enable(request.id)
        return pb.EnableUserResponse()


def values_of(user: user_pb2.User) -> Mapping[str, object]:
    """The fields of the message that have a value, by their path."""
    own = {field.name: value for field, value in user.ListFields() if field.name != "profile"}
    return own | {f"profile.{name}": value for name, value in profile_of(user.profile).items()}
