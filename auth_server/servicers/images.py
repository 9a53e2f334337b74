"""ImagesService: users' images, for everybody."""

from __future__ import annotations

from dataclasses import dataclass

from auth_server.interceptors.calls import Call
from auth_server.usecases.images import Images
from gatepost.v1 import images_service_pb2 as pb


@dataclass(frozen=True, slots=True)
class ImagesService:
    """The RPCs of gatepost.v1.ImagesService."""

    images: Images

    async def GetImage(self, request: pb.GetImageRequest, _: Call) -> pb.GetImageResponse:
        """Gets an image."""
        picture = await self.images.get(request.name)
        return pb.GetImageResponse(content=picture.content, media_type=picture.media_type)
