"""A person may do anything with the tensors of a result."""

from __future__ import annotations

import pytest
import torch

from comfy_notebook.api import Workflow
from comfy_notebook.api.pictures import to_pil
from comfy_notebook.session import Session

from .conftest import INVERT


def test_changing_a_result_in_place_changes_nothing_else(session: Session) -> None:
    first = Workflow(INVERT).run().result(30)["3"].tensor
    before = first.clone()
    first.mul_(0)
    again = Workflow(INVERT).run().result(30)["3"].tensor
    assert again.equal(before), "the kept result was changed"


def test_autograd_works_on_a_result(session: Session) -> None:
    tensor = Workflow(INVERT).run().result(30)["3"].tensor
    leaf = tensor.requires_grad_()
    (leaf**2).sum().backward()
    assert leaf.grad is not None


@pytest.mark.filterwarnings("error")
def test_pictures_of_what_is_no_number() -> None:
    values = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e38, 0.5])
    (picture,) = to_pil(values.reshape(1, 1, 5, 1).expand(1, 1, 5, 3))
    assert [picture.getpixel((x, 0)) for x in range(5)] == [(grey,) * 3 for grey in (0, 255, 0, 255, 127)]
