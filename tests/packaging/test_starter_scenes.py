"""The starter's world as data: every caption it is trained on can be read back, and its vocabulary knows every word."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scenes
import tokenizer
from open_clip.tokenizer import SimpleTokenizer

BUNDLED = Path(__file__).parents[2] / "resources" / "models" / "starter-coca" / "merges.txt.gz"


def test_a_caption_in_any_wording_reads_back_as_its_scene() -> None:
    rng = np.random.default_rng(5)
    for _ in range(2000):
        scene = scenes.sample_scene(rng)
        text = scenes.caption(scene, rng)
        reading = scenes.read_caption(text)
        assert scenes.read_caption(text.replace("-", " - ")) == reading, text  # as CLIP's tokens are put together
        assert reading.counts == {group.noun: len(group.sprites) for group in scene.groups}, text
        assert reading.background == (scene.colour or "photo"), text
        if len(scene.groups) == 2:
            first, second = (group.noun for group in scene.groups)
            forward, backward = ("left", "right") if scene.axis == "x" else ("above", "below")
            assert (reading.order, reading.relation) in (((first, second), forward), ((second, first), backward)), text


def test_objects_stay_inside_their_groups_share_of_the_picture() -> None:
    rng = np.random.default_rng(6)
    for _ in range(500):
        scene = scenes.sample_scene(rng, groups=2)
        first, second = ([sprite.x if scene.axis == "x" else sprite.y for sprite in g.sprites] for g in scene.groups)
        assert max(first) < min(second)


@pytest.mark.parametrize(
    ("noun", "phrase"), [("hourglass", "an hourglass"), ("unicorn", "a unicorn"), ("umbrella", "an umbrella")]
)
def test_articles_follow_the_sound(noun: str, phrase: str) -> None:
    assert scenes.with_article(noun) == phrase


def test_the_vocabulary_is_the_same_in_every_process(tmp_path: Path) -> None:
    write = "import sys, pathlib, tokenizer; tokenizer.write(pathlib.Path(sys.argv[1]))"
    written = []
    for number in range(3):
        file = tmp_path / f"{number}.gz"
        subprocess.run([sys.executable, "-c", write, file], cwd=Path(tokenizer.__file__).parent, check=True)
        written.append(file.read_bytes())
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize("bundled", [True, False])
def test_every_word_of_the_world_is_one_token(bundled: bool, tmp_path: Path) -> None:
    fresh = tmp_path / "merges.txt.gz"
    tokenizer.write(fresh)
    clip = SimpleTokenizer(str(BUNDLED if bundled else fresh))
    assert [word for word in tokenizer.words() if len(clip.encode(word)) != 1] == []
