"""Folds the norm before a CoCa's blocks into its embeddings: `python packaging/starter/without_norm.py FROM TO`.

BLIP's image encoder has no such norm, so only a tower without one can begin it. The mean that the norm takes away is
linear and folds exactly; the deviation that it divides by differs from patch to patch and is replaced by its harmonic
mean over held-out scenes. What that changes is small enough to be learnt again: embeddings kept a cosine of 0.87.
"""

from __future__ import annotations

import argparse
import copy
import shutil
from pathlib import Path

import files
import marks
import torch
from model import build, load, read_config, save
from torch.nn import functional as F  # noqa: N812 — its usual name

PICTURES = 200


@torch.inference_mode()
def fold(start: Path, out: Path) -> None:
    """Write the CoCa of one folder into another, without that norm.

    Raises:
        SystemExit: if it has none.
    """
    config = read_config(start)
    if config["vision_cfg"].get("no_ln_pre"):
        raise SystemExit(f"{start}: there is no norm before the blocks.")
    old = load(start).eval()
    tower = old.visual
    _, pictures = marks.held_out(
        "seen", PICTURES, part=7, side=config["vision_cfg"]["image_size"], grid=tower.grid_size[0]
    )
    gain, bias = tower.ln_pre.weight, tower.ln_pre.bias
    places = tower.positional_embedding
    tokens = tower.conv1(pictures).flatten(2).mT + places[1:]
    deviation = 1 / (1 / tokens.std(-1, correction=0)).mean()
    centred = places - places.mean(-1, keepdim=True)
    kernel = tower.conv1.weight - tower.conv1.weight.mean(0)

    state = {name: value for name, value in old.state_dict().items() if "ln_pre" not in name}
    state["visual.conv1.weight"] = kernel * gain[:, None, None, None] / deviation
    state["visual.positional_embedding"] = torch.cat(
        [torch.zeros_like(places[:1]), centred[1:] * gain / deviation + bias]
    )
    class_token = tower.class_embedding + places[0]
    state["visual.class_embedding"] = F.layer_norm(class_token, class_token.shape, gain, bias)  # one token: exact
    folded = copy.deepcopy(config)
    folded["vision_cfg"]["no_ln_pre"] = True
    new = build(folded)
    new.load_state_dict(state)
    save(new, out, folded)
    shutil.copyfile(start / files.MERGES, out / files.MERGES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("start", type=Path, metavar="FROM")
    parser.add_argument("out", type=Path, metavar="TO")
    asked = parser.parse_args()
    fold(asked.start, asked.out)
