"""``comfy_execution.graph_utils``."""

from ...protocol.blocking import ExecutionBlocker
from ...protocol.expansion import GraphBuilder, add_graph_prefix, is_link
from ...protocol.expansion import GraphNode as Node

__all__ = ["ExecutionBlocker", "GraphBuilder", "Node", "add_graph_prefix", "is_link"]
