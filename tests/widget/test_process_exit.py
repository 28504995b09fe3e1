"""A process that leaves an editor open ends all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

RUN = "ed.run({}).result(60)"


@pytest.mark.parametrize("then", ["pass", "ed._repr_mimebundle_()", "del ed", "ed.close()", RUN])
def test_the_process_ends(then: str) -> None:
    document = {
        "nodes": [
            {
                "id": 1,
                "type": "PrimitiveInt",
                "widgets_values": [3, "fixed"],
                "outputs": [{"name": "INT", "links": [1]}],
            },
            {"id": 2, "type": "PreviewAny", "inputs": [{"name": "source", "type": "*", "link": 1}]},
        ],
        "links": [[1, 1, 0, 2, 0, "INT"]],
        "version": 0.4,
    }
    code = f"import comfy_notebook as cn; ed = cn.Editor({document!r}); {then}; print('done')"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert answer.stdout == "done\n", answer.stderr
    assert answer.returncode == 0
    assert "Traceback" not in answer.stderr
