"""The engine as the rest of the program sees it: submit a prompt, follow it, read what it made."""

from __future__ import annotations

import itertools
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..folders import Folders
from ..protocol.context import NodeContext
from ..protocol.expansion import is_link
from ..protocol.registry import Registry
from .backends import Backend, ThreadBackend
from .cache import ResultCache
from .cache_providers import CacheProviders
from .events import Event, EventBus
from .execute import Interrupted, PromptRun
from .failure import NodeFailure, describe, is_out_of_memory
from .history import History, HistoryEntry
from .progress import ProgressReporter, Ticker
from .prompt_handlers import Asked, PromptHandlers
from .queue import PromptQueue
from .run_record import RunRecord
from .run_services import Instances, QueueItem, RunServices
from .signature import Key
from .staleness import signatures
from .validation import PromptRejected, checked_copy, make_error, validate

log = logging.getLogger(__name__)

#: Of how many prompts values can be found by node id.
REMEMBERED_RUNS = 256


@dataclass(frozen=True)
class Submission:
    """A prompt that was accepted. ``node_errors`` tells of output nodes that will not run."""

    prompt_id: str
    number: float
    node_errors: dict[str, Any]


class Engine:
    """Runs prompts of ``registry``'s nodes one after another on a thread of its own and tells ``bus`` about it.

    ``cache`` says what results are kept (see :mod:`.cache`); ``cache_providers`` keep some elsewhere; ``on_prompt``
    holds what may change a prompt before it is validated, ``when_ended`` what is told of each that has run (on the
    engine's thread); with ``preview_method`` ``"none"`` no previews go out. Every method may be called from any thread.
    """

    def __init__(
        self, registry: Registry, bus: EventBus, folders: Folders | None = None, *, cache: ResultCache | None = None
    ) -> None:
        self.registry = registry
        self.bus = bus
        self.folders = folders
        self.cache = ResultCache() if cache is None else cache
        self.cache_providers = CacheProviders()
        self.preview_method = "auto"
        self.instances = Instances()
        self.on_prompt = PromptHandlers()
        self.when_ended: list[Callable[[HistoryEntry], None]] = []
        self.history = History()
        self._backend: Backend = ThreadBackend(self._work, self._dropped)
        self._lock = threading.RLock()
        self._runs: OrderedDict[str, RunRecord] = OrderedDict()
        self._numbers = itertools.count()
        self._interrupted: set[str] = set()
        self._ticker = Ticker()

    @property
    def queue(self) -> PromptQueue:
        """What runs and what waits."""
        return self._backend.queue

    def submit(
        self,
        prompt: Mapping[str, Any],
        *,
        client_id: str | None = None,
        prompt_id: str | None = None,
        extra_data: Mapping[str, Any] | None = None,
        number: float | None = None,
        front: bool = False,
        targets: Collection[str] | None = None,
    ) -> Submission:
        """Validate ``prompt`` (API form) here and now and queue it.

        Events of the run go to ``client_id``; ``extra_data`` may hold ``extra_pnginfo`` for saved files; ``number``
        places it in the queue (lower first), ``front`` before everything that waits; ``targets`` are the output nodes
        to run, all when None. Raises :class:`PromptRejected` when nothing of it can run.
        """
        asked = self.on_prompt.apply(Asked(prompt, client_id, prompt_id, extra_data, targets))
        mine = checked_copy(self.registry.replacements.apply(asked.prompt, self.registry.__contains__))
        validated = validate(mine, self.registry, asked.targets)
        extra = {**(asked.extra_data or {}), "create_time": int(time.time() * 1000)}
        if asked.client_id is not None:
            extra["client_id"] = asked.client_id
        with self._lock:
            prompt_id = asked.prompt_id or str(uuid.uuid4())
            known = self._runs.get(prompt_id)
            if known is not None and not known.ended.is_set():
                raise PromptRejected(
                    make_error("invalid_prompt_id", "A prompt of this id is queued already", prompt_id)
                )
            if number is None:
                count = next(self._numbers)
                number = -count if front else count
            item = QueueItem(number, prompt_id, mine, extra, validated.roots)
            self._runs[prompt_id] = RunRecord(item, self.bus)
            self._forget_old_runs()
        self._publish_status(adding=1)  # before it can run: clients hear of the queue first
        try:
            self._backend.submit(item)
        except BaseException:
            with self._lock:
                del self._runs[prompt_id]
            raise
        return Submission(prompt_id, number, validated.node_errors)

    def interrupt(self, prompt_id: str | None = None) -> bool:
        """Stop the running prompt at its next cancel point, or take a waiting one out; None means whatever runs.

        Returns whether there was something to stop.
        """
        if prompt_id is not None and self._backend.cancel(prompt_id):
            return True
        running = [item.prompt_id for item in self.queue.running() if prompt_id in (None, item.prompt_id)]
        self._interrupted.update(running)
        return bool(running)

    def wait(self, prompt_id: str, timeout: float | None = None) -> HistoryEntry:
        """Wait until a prompt has ended and return its history entry (one that was taken out of the queue has one too,
        though it never enters the history). Raises ``KeyError`` for an unknown id, ``TimeoutError`` after ``timeout``
        seconds."""
        run = self._run(prompt_id)
        if not run.ended.wait(timeout):
            raise TimeoutError(f"prompt {prompt_id} has not ended within {timeout} s")
        assert run.entry is not None
        return run.entry

    def values(self, prompt_id: str, node_id: str) -> tuple[list[Any], ...] | None:
        """The outputs of a node, a list per slot; None when the node did not run, is unknown or was evicted."""
        run = self._runs.get(prompt_id)
        key = run.keys.get(str(node_id)) if run is not None else None
        entry = self.cache.get(key) if key is not None else None
        return None if entry is None else entry.outputs

    def inputs_of(self, prompt_id: str, node_id: str) -> dict[str, list[Any]] | None:
        """What reached the linked inputs of a node, a list per input (those whose source ran and is still kept); None
        when prompt or node is unknown."""
        run = self._runs.get(prompt_id)
        node = run.item.prompt.get(str(node_id)) if run is not None else None
        if node is None:
            return None
        found = {}
        for name, value in node["inputs"].items():
            outputs = self.values(prompt_id, value[0]) if is_link(value) else None
            if outputs is not None and int(value[1]) < len(outputs):
                found[name] = outputs[int(value[1])]
        return found

    def signatures(self, prompt: Mapping[str, Any]) -> dict[str, Key]:
        """A key per node; equal keys mean the same code, constants, files and ancestors, whatever the ids.

        A node that wants to run every time (``IS_CHANGED`` NaN) has a stable key here: it is not stale for that.
        """
        return signatures(checked_copy(prompt), self.registry)

    def current_progress(self) -> ProgressReporter | None:
        """The progress of the prompt that runs: ``states()`` by node; ``start``, ``update``, ``finish`` to report."""
        running = self.queue.running()
        run = self._runs.get(running[0].prompt_id) if running else None
        return None if run is None else run.progress

    def free(self) -> None:
        """Let go of all results and node instances."""
        self.cache.clear()
        self.instances.clear()

    def shutdown(self, timeout: float | None = 5.0) -> None:
        """Stop what runs, drop what waits, end the threads; waits at most ``timeout`` seconds for a running node."""
        self.interrupt()
        self._backend.shutdown(timeout)
        self._ticker.stop()

    # What running nodes ask (ProgressSink)

    def progress(self, context: NodeContext, value: float, maximum: float, preview: Any | None) -> None:
        reporter = self._reporter(context)
        if reporter is not None and context.node_id is not None:
            reporter.update(context.node_id, value, maximum, preview if self.wants_previews(context) else None)

    def wants_previews(self, context: NodeContext) -> bool:
        run = self._runs.get(context.prompt_id or "")
        asked = run.item.extra_data.get("preview_method") if run is not None else None
        return (asked or self.preview_method) != "none"

    def text(self, context: NodeContext, text: str) -> None:
        run = self._runs.get(context.prompt_id or "")
        if run is not None:
            run.publish("progress_text", {"nodeId": context.node_id, "text": text})

    def image(self, context: NodeContext, image: Any) -> None:
        reporter = self._reporter(context)
        if reporter is not None and context.node_id is not None:
            reporter.image(context.node_id, image)

    def interrupted(self, prompt_id: str | None) -> bool:
        return prompt_id in self._interrupted

    # One prompt on the engine thread

    def _work(self, item: QueueItem) -> None:
        run = self._run(item.prompt_id)
        try:
            self._execute(item, run)
        finally:
            if not run.ended.is_set():  # whatever happened, nobody waits for ever
                self._end(run, {}, {}, succeeded=False)

    def _execute(self, item: QueueItem, run: RunRecord) -> None:
        progress = run.progress = ProgressReporter(item.prompt_id, run.publish, self._ticker)
        self._publish_status()
        self.instances.keep_only(item.prompt)
        run.status("execution_start", {})
        services = RunServices(
            registry=self.registry,
            cache=self.cache,
            providers=self.cache_providers,
            instances=self.instances,
            progress=progress,
            sink=self,
            send=run.send,
            status=run.status,
            blocked=run.blocked,
        )
        self.cache_providers.prompt_started(item.prompt_id)
        self.cache.forget_clients(self.bus.has_listener)
        prompt_run = PromptRun(item, services)
        run.keys = prompt_run.keys
        progress.dynprompt = prompt_run.prompt
        succeeded = False
        try:
            prompt_run.run()
            succeeded = True
        except Interrupted as stop:
            progress.flush()
            run.status("execution_interrupted", prompt_run.report.where(stop.node_id), everybody=True)
        except NodeFailure as failure:
            self._fail(run, prompt_run, failure)
        except BaseException as error:
            self._fail(run, prompt_run, NodeFailure("", error))
        finally:
            progress.flush()
            if succeeded:
                run.status("execution_success", {})
            self.cache_providers.prompt_ended(item.prompt_id)
            self._end(run, prompt_run.report.outputs, prompt_run.report.meta, succeeded=succeeded)

    def _fail(self, run: RunRecord, prompt_run: PromptRun, failure: NodeFailure) -> None:
        if is_out_of_memory(failure.error):
            self.cache.clear()
        prompt_run.report.failed(failure.node_id)
        where = prompt_run.report.where(failure.node_id)
        run.status("execution_error", {**where, **describe(failure), "current_outputs": list(prompt_run.keys)})

    def _end(self, run: RunRecord, outputs: Mapping[str, Any], meta: Mapping[str, Any], *, succeeded: bool) -> None:
        item = run.item
        entry = run.finish(outputs, meta, succeeded=succeeded)
        self.history.add(item.prompt_id, entry)
        self._tell(entry)
        self.queue.done(item)
        self._interrupted.discard(item.prompt_id)
        self._publish_status()
        run.send("executing", {"node": None})
        run.ended.set()

    def _tell(self, entry: HistoryEntry) -> None:
        for listener in self.when_ended:
            try:
                listener(entry)
            except Exception:
                log.exception("what is told of prompts that have run failed")

    def _dropped(self, item: QueueItem) -> None:
        self.history.add_dropped(item.prompt_id, self._run(item.prompt_id).drop())
        self._publish_status()

    # Bookkeeping

    def _run(self, prompt_id: str) -> RunRecord:
        with self._lock:
            return self._runs[prompt_id]

    def _reporter(self, context: NodeContext) -> ProgressReporter | None:
        run = self._runs.get(context.prompt_id or "")
        return None if run is None else run.progress

    def _forget_old_runs(self) -> None:
        too_many = len(self._runs) - REMEMBERED_RUNS
        if too_many > 0:
            ended = (prompt_id for prompt_id, run in self._runs.items() if run.ended.is_set())
            for prompt_id in list(itertools.islice(ended, too_many)):
                del self._runs[prompt_id]

    def _publish_status(self, adding: int = 0) -> None:
        remaining = self.queue.remaining() + adding
        self.bus.publish(Event("status", {"status": {"exec_info": {"queue_remaining": remaining}}}))
