"""The pinned versions can be installed with the oldest Python that the project promises to run on."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, metadata, version

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .environments import ROOT

LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = [Requirement(line) for line in LINES if line and not line.startswith("#")]
OLDEST = {"python_version": "3.10", "python_full_version": "3.10.0"}


@pytest.mark.parametrize("pin", [pin for pin in PINS if pin.marker is None or pin.marker.evaluate(OLDEST)], ids=str)
def test_what_is_pinned_for_the_oldest_python_runs_on_it(pin: Requirement) -> None:
    try:
        if version(pin.name) not in pin.specifier:
            pytest.skip(f"another version of {pin.name} is installed")
        wanted = SpecifierSet(metadata(pin.name)["Requires-Python"] or "")
    except PackageNotFoundError:
        pytest.skip(f"{pin.name} is not installed")
    assert "3.10.99" in wanted, f'{pin} needs Python {wanted}: add ; python_version >= "…"'
