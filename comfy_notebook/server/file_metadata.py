"""What a media file carries (prompt, workflow, …), for packs that look into the files dropped on the editor."""

from __future__ import annotations

from aiohttp import web

from ..workflow import metadata
from ..workflow.errors import WorkflowError
from .catalogue import in_thread
from .errors import BadRequest

routes = web.RouteTableDef()


@routes.post("/cn/metadata")
async def read_metadata(request: web.Request) -> web.Response:
    """The body is a file; answers ``{texts: {key: text}}``, 400 for one that is damaged or of an unknown kind."""
    data = await request.read()
    try:
        return web.json_response({"texts": await in_thread(metadata.read, data)})
    except WorkflowError as error:
        raise BadRequest(str(error), "no_metadata") from None
