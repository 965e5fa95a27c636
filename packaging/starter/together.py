"""All three starters at once, on one tower: what each task teaches it helps the others, and pictures are seen once."""

from __future__ import annotations

from pathlib import Path

import marks
import torch
import vit_model
import vqa_model
from scenes import Scene
from tokenizer import CaptionEncoder
from torch import Tensor, nn
from trainees import CocaTrainee, Losses, VitTrainee, VqaTrainee


class TogetherTrainee(CocaTrainee):
    """The CoCa, the BLIP and the vision transformer with the CoCa's tower, behind which each has a norm of its own.

    Args:
        words: Numbers of the CoCa's tokens of nouns.
        folders: Of a CoCa, a BLIP and a vision transformer to begin with.
        read: The CoCa's tokenizer.
        seeing: Folder of a starter whose tower all take; None for the CoCa's.
    """

    def __init__(self, words: list[int], folders: list[Path], read: CaptionEncoder, seeing: Path | None = None) -> None:
        coca, vqa, vit = folders
        super().__init__(words, coca, read, seeing)
        self.vqa, self.vit = VqaTrainee(vqa, seeing or coca), VitTrainee(vit, seeing or coca)
        self.read = (read, self.vqa.words)
        self.weights |= {"answer": 1.0, "question pointing": 0.3, "class": 0.5}
        self._vqa_norm, self._vit_norm = self.vqa.blip.vision_model.post_layernorm, self.vit.vit.norm
        self.vqa.blip.vision_model.requires_grad_(requires_grad=False)
        self.vit.vit.requires_grad_(requires_grad=False)
        for unused in (self.vqa.patch_head, self.vqa.count_head, self.vit.patch_head):
            unused.requires_grad_(requires_grad=False)
        for own in (self._vqa_norm, self._vit_norm, self.vit.vit.head):
            own.requires_grad_()

    def forward(self, lesson: dict[str, Tensor]) -> Losses:
        seen = self.see(lesson["pictures"])
        asked = self.vqa.answer(self._vqa_norm(seen.tokens), lesson)
        return {
            **self.learn(seen, lesson),
            "answer": asked["answer"],
            "question pointing": asked["pointing"],
            "class": self.vit.classify(self._vit_norm(seen.tokens), lesson["classes"]),
        }

    @torch.no_grad()
    def _hand_over(self) -> None:
        """Let the other two see as the tower does by now."""
        weights = vit_model.tower_weights(self.coca.visual)
        vqa_model.see(self.vqa.blip, weights | _named("norm", self._vqa_norm))
        vit_model.see(self.vit.vit, weights | _named("norm", self._vit_norm))

    def export(self, *folders: Path) -> None:
        self._hand_over()
        for trainee, folder in zip((super(), self.vqa, self.vit), folders, strict=True):
            trainee.export(folder)

    def watch(self, scenes: list[Scene], pictures: Tensor, single: Tensor, nouns: Tensor) -> dict[str, float]:
        self._hand_over()
        answers = self.vqa.watch(scenes, pictures, single, nouns)
        return {
            **super().watch(scenes, pictures, single, nouns),
            **{f"{kind}?": share for kind, share in answers.items()},
            "class": marks.top1(self.vit.vit(single), nouns),
        }


def _named(name: str, module: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{part}": value for part, value in module.state_dict().items()}
