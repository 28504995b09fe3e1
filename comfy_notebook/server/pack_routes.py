"""Routes that packs add, at import or later, to an application that runs already.

The application itself is frozen once it serves. So packs get an application of their own that never runs; what our
routes do not know is looked up there, with and without the prefix ``/api``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from .services import services

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RouteTable(web.RouteTableDef):
    """``PromptServer.instance.routes``."""

    def forget(self, unwanted: Callable[[Any], bool]) -> None:
        """Take the routes away whose handler is ``unwanted``."""
        self._items = [item for item in self._items if not unwanted(getattr(item, "handler", None))]

    def restore(self, routes: Iterable[Any]) -> None:
        """Add routes again that were forgotten."""
        self._items += routes


class PackRoutes:
    """What packs registered. ``table`` and ``app`` may be changed from any thread at any time; what a pack registered
    can be taken away (:meth:`withdraw`) before its code is loaded again."""

    def __init__(self) -> None:
        self.table = RouteTable()
        self.app = web.Application()
        self._lock = threading.Lock()
        self._built: tuple[Any, ...] = ()
        self._router = web.UrlDispatcher()

    async def match(self, request: web.Request) -> web.UrlMappingMatchInfo | None:
        """What answers ``request``; None when nothing does."""
        self._build()
        asked = [request]
        if request.path.startswith("/api/"):
            asked.append(request.clone(rel_url=str(request.rel_url).removeprefix("/api")))
        for one in asked:
            for router in (self._router, self.app.router):
                found = await router.resolve(one)
                if found.http_exception is None:
                    return found
        return None

    def withdraw(self, is_own: Callable[[Any], bool]) -> Callable[[], None]:
        """Take away the routes, static folders and middlewares whose handler (or folder, a ``Path``) ``is_own``;
        returns the way back."""
        router, middlewares = self.app.router, self.app.middlewares
        old_items, old_middlewares = list(self.table), list(middlewares)
        old_resources = list(router.resources())
        self.table.forget(is_own)
        _set_resources(router, [item for item in old_resources if not _belongs(item, is_own)])
        middlewares[:] = [item for item in old_middlewares if not is_own(item)]

        def restore() -> None:
            self.table.restore(item for item in old_items if item not in list(self.table))
            _set_resources(router, old_resources)
            middlewares[:] = old_middlewares

        return restore

    def _build(self) -> None:
        """The table as a router; built anew when it changed."""
        with self._lock:
            items = tuple(self.table)
            if items == self._built:
                return
            router = web.UrlDispatcher()
            for item in items:
                _register(router, item)
            self._router, self._built = router, items


def _belongs(resource: web.AbstractResource, is_own: Callable[[Any], bool]) -> bool:
    if isinstance(resource, web.StaticResource):
        return is_own(Path(resource.get_info()["directory"]))
    handlers = [route.handler for route in resource]
    return bool(handlers) and all(is_own(handler) for handler in handlers)


def _set_resources(router: web.UrlDispatcher, resources: Iterable[web.AbstractResource]) -> None:
    """Make ``resources`` all there is; requests that are being answered see either the old ones or the new ones."""
    fresh = web.UrlDispatcher()
    for resource in resources:
        fresh.register_resource(resource)
    router.__dict__.update(vars(fresh))


def _register(router: web.UrlDispatcher, route: Any) -> None:
    try:
        route.register(router)
    except (RuntimeError, ValueError, TypeError) as error:
        log.warning("the route %s of a pack cannot be used: %s", getattr(route, "path", route), error)


@web.middleware
async def pack_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Requests that our routes do not know, and files below ``/extensions/``, go to the packs' routes."""
    routes = services(request).packs.routes
    is_unknown = request.match_info.http_exception is not None
    if is_unknown or request.path.removeprefix("/api").startswith("/extensions/"):
        match = await routes.match(request)
        if match is not None:
            match.add_app(request.app)
            request._match_info = match
            request._cache.pop("match_info", None)  # the answer of the routes that did not know it
            handler = match.handler
    return await _through(routes.app.middlewares, handler)(request)


def _through(middlewares: Iterable[Any], handler: Handler) -> Handler:
    """``handler`` behind the middlewares of packs, the first one outermost."""
    for middleware in reversed(list(middlewares)):
        handler = _behind(middleware, handler)
    return handler


def _behind(middleware: Any, handler: Handler) -> Handler:
    async def call(request: web.Request) -> web.StreamResponse:
        return await middleware(request, handler)  # type: ignore[no-any-return]

    return call
