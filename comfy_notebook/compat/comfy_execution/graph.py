"""``comfy_execution.graph``: the prompt that runs, and what its running raises."""

from ...engine.plan import DependencyCycleError
from ...engine.prompt import DynamicPrompt, NodeNotFoundError
from ...protocol.blocking import ExecutionBlocker
from ...protocol.expansion import is_link

__all__ = ["DependencyCycleError", "DynamicPrompt", "ExecutionBlocker", "NodeNotFoundError", "is_link"]
