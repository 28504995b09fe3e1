"""Paints the sheet that shows how good the tiny model is: ten prompts, seeds 0 to 9 of each, none picked.

    python training/sample_sheet.py docs/emoji-samples.jpg

It goes through the product: the graph of ``notebooks/text_to_image.json`` with the checkpoint that the package carries.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw
from train_emoji import PROMPTS

import comfy_notebook as cn

GRAPH = Path(__file__).parents[1] / "notebooks" / "text_to_image.json"
SEEDS = 10
SIDE, LABEL, GAP = 64, 170, 4


def sheet() -> Image.Image:
    """A row for each prompt, a column for each seed."""
    workflow = cn.Workflow.load(GRAPH)
    runs = {
        (row, seed): workflow.run({"Prompt.text": prompt, "KSampler.seed": seed})
        for row, prompt in enumerate(PROMPTS)
        for seed in range(SEEDS)
    }
    whole = Image.new("RGB", (LABEL + SEEDS * (SIDE + GAP), len(PROMPTS) * (SIDE + GAP)), "white")
    draw = ImageDraw.Draw(whole)
    for row, prompt in enumerate(PROMPTS):
        draw.text((8, row * (SIDE + GAP) + SIDE // 2), prompt, fill="black", anchor="lm")
    for (row, seed), run in runs.items():
        whole.paste(run.result()["Picture"].image, (LABEL + seed * (SIDE + GAP), row * (SIDE + GAP)))
    return whole


if __name__ == "__main__":
    sheet().save(sys.argv[1], quality=90)
