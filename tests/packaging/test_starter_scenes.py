"""The starter's world as data: every caption it is trained on can be read back, and its vocabulary knows every word."""

import gzip
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


def test_the_vocabulary_of_the_bundled_model_is_the_one_its_script_writes(tmp_path: Path) -> None:
    tokenizer.write(tmp_path / "merges.txt.gz")
    assert gzip.decompress(BUNDLED.read_bytes()) == gzip.decompress((tmp_path / "merges.txt.gz").read_bytes())


def test_every_word_of_the_world_is_one_token() -> None:
    clip = SimpleTokenizer(str(BUNDLED))
    assert [word for word in tokenizer.words() if len(clip.encode(word)) != 1] == []
