"""The editor's own routes, below ``/cn``: its bundle, its document, its runs."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..workflow.errors import WorkflowError
from . import bundle
from .catalogue import in_thread
from .editors import EditorState, StaleBase
from .errors import BadRequest, json_error, json_object
from .json_text import dumps
from .prompts import answer_submission
from .services import services

routes = web.RouteTableDef()


def editor_of(request: web.Request) -> EditorState:
    """The editor named in the address; raises :class:`BadRequest` (404) when it is closed or unknown."""
    editor = services(request).editors.get(request.match_info["id"])
    if editor is None:
        raise BadRequest("This editor was closed. Run its cell again to get it back.", "editor_closed", 404)
    return editor


@routes.get("/cn/bundle/{digest}.js")
async def get_bundle(request: web.Request) -> web.Response:
    script = bundle.read(request.match_info["digest"])
    if script is None:
        raise BadRequest("The editor was updated: reload the page.", "not_found", 404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=script, content_type="text/javascript", charset="utf-8", headers=headers)


@routes.get("/cn/editors/{id}")
async def describe(request: web.Request) -> web.Response:
    return web.json_response(editor_of(request).describe(), dumps=dumps)


@routes.get("/cn/editors/{id}/document")
async def get_document(request: web.Request) -> web.Response:
    rev, document = editor_of(request).snapshot()
    return web.json_response({"rev": rev, "document": document}, dumps=dumps)


@routes.post("/cn/editors/{id}/patch")
async def post_patch(request: web.Request) -> web.Response:
    editor, body = editor_of(request), await json_object(request)
    patch, base = body.get("patch"), body.get("base")
    if not isinstance(patch, dict) or isinstance(base, bool) or not isinstance(base, (int, type(None))):
        raise BadRequest("The body must be {view, base: revision, patch: {…}}.", "invalid_patch")
    try:
        rev = editor.apply(patch, _text(body, "view"), base)
    except (StaleBase, WorkflowError) as exc:
        return web.json_response({"rev": editor.rev, "message": str(exc)}, status=409)
    return web.json_response({"rev": rev})


@routes.post("/cn/editors/{id}/run")
async def post_run(request: web.Request) -> web.Response:
    editor, body = editor_of(request), await json_object(request, empty_ok=True)
    values, targets = body.get("values"), body.get("targets")
    if not _is_values(values):
        raise BadRequest("values must be {node: {widget: value}}.", "invalid_values")
    if targets is not None and not isinstance(targets, list):
        raise BadRequest("targets must be a list of node ids.", "invalid_targets")
    wanted = None if targets is None else [str(target) for target in targets]
    try:
        return await answer_submission(lambda: editor.run(values=values, front=bool(body.get("front")), targets=wanted))
    except WorkflowError as exc:
        return json_error(400, "invalid_workflow", str(exc))


@routes.post("/cn/editors/{id}/convert")
async def post_convert(request: web.Request) -> web.Response:
    """The prompt of a document that the view shows, which may be ahead of ours or hold more than a file can."""
    editor, body = editor_of(request), await json_object(request)
    document, values = body.get("document"), body.get("values")
    if not isinstance(document, dict) or not _is_values(values):
        raise BadRequest("The body must be {document: UI JSON, values?: {node: {widget: value}}}.", "invalid_document")
    try:
        conversion = await in_thread(editor.to_api, values, document)
    except WorkflowError as exc:
        return json_error(400, "invalid_workflow", str(exc))
    answer = {"prompt": conversion.prompt, "warnings": [str(warning) for warning in conversion.warnings]}
    return web.json_response(answer | {"missing": conversion.missing}, dumps=dumps)


@routes.post("/cn/editors/{id}/open")
async def post_open(request: web.Request) -> web.Response:
    editor, data = editor_of(request), await request.read()
    try:
        rev, warnings = await in_thread(editor.open, data, request.query.get("name", ""))
    except WorkflowError as exc:
        return json_error(400, "invalid_workflow", str(exc))
    return web.json_response({"rev": rev, "warnings": warnings})


@routes.get("/cn/editors/{id}/export")
async def export(request: web.Request) -> web.Response:
    editor, form = editor_of(request), request.query.get("format", "ui")
    if form not in ("ui", "api"):
        raise BadRequest("format must be ui or api.")
    try:
        document = await in_thread(editor.export, form)
    except WorkflowError as exc:
        return json_error(400, "invalid_workflow", str(exc))
    name = f"{_file_stem(editor.title)}{'.api' if form == 'api' else ''}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.json_response(document, headers=headers, dumps=dumps)


def _is_values(values: Any) -> bool:
    return values is None or (isinstance(values, dict) and all(isinstance(entry, dict) for entry in values.values()))


def _text(body: dict[str, Any], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) else None


def _file_stem(title: str) -> str:
    return (
        "".join(char if char.isascii() and (char.isalnum() or char in "-_ ") else "_" for char in title) or "workflow"
    )
