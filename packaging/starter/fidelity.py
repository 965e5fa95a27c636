"""How much a number format changes the starter's captions: `python packaging/starter/fidelity.py [--pictures 200]`.

On held-out scenes, seen artwork: of the tokens of float32's greedy captions, the share that the other format would have
chosen otherwise at that place; the share of captions that come out otherwise; the mean cosine of the embeddings.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from measure import held_out
from model import read_config, tower_shape

import cocadesk
from cocadesk.catalog.cards import card
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks

PART = 50
"""Of the held-out scenes: neither watched in training nor measured in the card."""


def pictures(count: int) -> list[cocadesk.Picture]:
    seen = tower_shape(read_config(card("starter-coca").folder))
    _, drawn = held_out("seen", count, seen.side, seen.grid, part=PART)
    pixels = (drawn.permute(0, 2, 3, 1) * 0.25 + 0.5).mul(255).round().clamp(0, 255).byte().numpy()
    return [cocadesk.Picture(f"scene {number}", image) for number, image in enumerate(pixels)]


def say(model: CocaModel, picture: cocadesk.Picture) -> list[int]:
    *_, result = model.caption(picture)
    return [token.id for token in result.tokens]


@torch.inference_mode()
def choices(model: CocaModel, picture: cocadesk.Picture, said: list[int]) -> list[int]:
    """The likeliest token behind each prefix of a caption."""
    image = model.encode_image(picture).tokens
    decoder = model.int8.decoder(image) if model.int8 else CachedDecoder(TextStacks(model.module), image, len(said))
    fed = torch.tensor([model.tokenizer.start, *said[:-1]])
    return decoder.step_ahead(fed).argmax(-1).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    shown = pictures(parser.parse_args().pictures)
    exact = cocadesk.load("starter-coca", device="cpu", dtype="float32")
    said = [say(exact, picture) for picture in shown]
    embedded = exact.embed_image(shown)
    for dtype in ("bfloat16", "float16", "int8"):
        model = cocadesk.load("starter-coca", device="cpu", dtype=dtype)
        changed = [
            chosen != token
            for picture, caption in zip(shown, said, strict=True)
            for chosen, token in zip(choices(model, picture, caption), caption, strict=True)
        ]
        others = np.mean([say(model, picture) != caption for picture, caption in zip(shown, said, strict=True)])
        cosine = (model.embed_image(shown) * embedded).sum(1).mean()
        print(f"{dtype:9} {np.mean(changed):.2%} of tokens, {others:.1%} of captions changed; cosine {cosine:.6f}")


if __name__ == "__main__":
    main()
