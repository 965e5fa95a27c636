"""Maps drawn as pictures: known pixels at known places."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_export import Drawing, Outputs, export_maps
from cocadesk.engine.attention_figures import Over
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_pictures import OverlayPainter, bars_picture, coloured, matrix_picture
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.errors import OptionError
from cocadesk.types import Clip, Picture

DARKEST, BRIGHTEST = (0, 0, 4), (252, 255, 164)
GREY = Picture("grey", np.full((400, 600, 3), 100, np.uint8))
LAYOUT = PatchLayout(geometry(600, 400, Preprocessing(40)), (2, 2), (20, 20), first=1)
KEYS = ("[class]", "patch 0,0", "patch 0,1", "patch 1,0", "patch 1,1")


def words(layers: int = 2, heads: int = 2) -> AttentionMaps:
    """Word 0 looks at patch 0,0 and word 1 at patch 1,1, in the last layer's last head; all else is even."""
    weights = np.full((layers, heads, 3, 5), 0.2, np.float32)
    weights[-1, -1] = 0
    weights[-1, -1, 0, 1] = weights[-1, -1, 1, 4] = weights[-1, -1, 2, 0] = 1
    tokens = ("a", " cat/dog", "[end]")
    return AttentionMaps("words", "tiny", weights, tokens, KEYS, text="a cat/dog", layout=LAYOUT)


def mixed(colour: tuple[int, int, int], opacity: float = 0.5) -> np.ndarray:
    return np.rint(100 * (1 - opacity) + np.array(colour) * opacity)


def test_the_colours_go_from_dark_to_bright() -> None:
    found = coloured(np.array([0, 0.5, 1, 7, -1], np.float32), (0, 1))

    assert found.tolist() == [list(DARKEST), [188, 55, 84], list(BRIGHTEST), list(BRIGHTEST), list(DARKEST)]
    assert coloured(np.ones((2, 2), np.float32)).tolist() == [[list(DARKEST)] * 2] * 2
    brightness = coloured(np.linspace(0, 1, 100, dtype=np.float32)).astype(int).sum(-1)
    assert (np.diff(brightness) >= 0).all()


def test_a_map_over_its_picture() -> None:
    painter = OverlayPainter(GREY, LAYOUT)

    pixels = np.asarray(painter.paint(np.array([[1, 0], [0, 0]], np.float32), smooth=False), int)

    assert pixels.shape == (400, 600, 3)
    assert np.abs(pixels[10:190, 110:290] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(pixels[10:190, 310:490] - mixed(DARKEST)).max() <= 1
    assert np.abs(pixels[210:390, 110:490] - mixed(DARKEST)).max() <= 1
    assert np.abs(pixels[:, :100] - 40).max() <= 1, "what was cropped away is dimmed"
    assert np.abs(pixels[:, 500:] - 40).max() <= 1


def test_what_is_unseen_has_no_colour() -> None:
    red = Picture("red", np.full((20, 60, 3), (250, 10, 10), np.uint8))
    painter = OverlayPainter(red, PatchLayout(geometry(60, 20, Preprocessing(20)), (2, 2), (10, 10), first=0))

    pixels = np.asarray(painter.paint(np.eye(2, dtype=np.float32)))

    assert np.ptp(pixels[:, :140].astype(int), axis=-1).max() == 0
    assert np.ptp(pixels[:, 150:298].astype(int), axis=-1).min() > 0


@pytest.mark.parametrize(
    ("size", "drawn"),
    [((600, 400), (600, 400)), ((7, 5), (448, 320)), ((4000, 3000), (1024, 768)), ((30_000, 20), (1024, 1))],
    ids=str,
)
def test_sizes(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    picture = Picture("any", np.zeros((size[1], size[0], 3), np.uint8))
    where = PatchLayout(geometry(*size, Preprocessing(40)), (2, 2), (20, 20), first=0)

    assert OverlayPainter(picture, where).paint(np.eye(2, dtype=np.float32)).size == drawn


def test_words_as_files(tmp_path: Path) -> None:
    files = export_maps(words(), tmp_path, Drawing(head=1, smooth=False), GREY)

    assert [path.name for path in files] == [
        "maps.npz",
        "00_a_layer01_head01.png",
        "01_catdog_layer01_head01.png",
        "02_end_layer01_head01.png",
        "grid.png",
    ]
    assert sorted(files) == sorted(tmp_path.iterdir())
    first, second = (np.asarray(Image.open(path), int) for path in files[1:3])
    assert np.abs(first[100, 200] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(first[300, 400] - mixed(DARKEST)).max() <= 1
    assert np.abs(second[300, 400] - mixed(BRIGHTEST)).max() <= 1
    grid = np.asarray(Image.open(files[-1]), int)
    tile_width, tile_height = 128, 85
    right, bottom = grid.shape[1] - 3 * (tile_width + 4), grid.shape[0] - 2 * (tile_height + 4)
    last = grid[bottom + tile_height + 4 :, right + tile_width + 4 :]  # the last layer's row, from the second word on
    assert np.abs(last[64, 86] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(last[20, 43] - mixed(DARKEST)).max() <= 1


def test_every_head(tmp_path: Path) -> None:
    files = export_maps(words(), tmp_path, Drawing(layer=0, head="all"), GREY)

    assert [path.name for path in files if "_a_" in path.name] == ["00_a_layer00_head00.png", "00_a_layer00_head01.png"]


def test_a_questions_maps_are_less_their_minimum(tmp_path: Path) -> None:
    question = replace(words(), kind="question")
    shared = question.weights.copy()
    shared[..., 3] += 2  # all tokens look at patch 1,0
    question = replace(question, weights=shared)

    less, with_it = (
        np.asarray(Image.open(export_maps(question, tmp_path, Drawing(-1, 1, False, less), GREY)[1]), int)
        for less in (True, False)
    )

    assert np.abs(less[300, 200] - mixed(DARKEST)).max() <= 1
    assert np.abs(with_it[300, 200] - mixed(BRIGHTEST)).max() <= 1


def test_a_picture_with_a_pooler(tmp_path: Path) -> None:
    weights = np.full((2, 3, 1, 5), 0.2, np.float32)
    pooler = AttentionMaps("image", "tiny", np.full((1, 2, 4, 5), 0.2), ("[feature]", *"123"), KEYS, 0, layout=LAYOUT)
    maps = AttentionMaps("image", "tiny", weights, ("[class]",), KEYS, 0, layout=LAYOUT, pooler=pooler)

    mean = export_maps(maps, tmp_path, Drawing(), GREY)
    every = export_maps(maps, tmp_path, Drawing(layer=0, head="all"), GREY)

    assert [path.name for path in mean] == ["maps.npz", "layer01_mean.png", "pooler_mean.png", "grid.png"]
    assert [path.stem for path in every[1:-1]] == [
        *(f"layer00_head{head:02}" for head in range(3)),
        *(f"pooler_head{head:02}" for head in range(2)),
    ]
    with np.load(tmp_path / "maps.npz") as found:
        assert found["pooler_weights"].shape == (1, 2, 4, 5)
        assert found["pooler_tokens"].tolist() == ["[feature]", "1", "2", "3"]


def test_a_clips_maps_lie_over_its_first_frame(tmp_path: Path) -> None:
    clip = Clip("clip", (GREY, Picture("white", np.full((400, 600, 3), 255, np.uint8))), (0, 1))

    files = export_maps(words(), tmp_path, Drawing(head=1, smooth=False), clip)

    assert np.abs(np.asarray(Image.open(files[1]), int)[300, 400] - mixed(DARKEST)).max() <= 1


def test_a_text_as_matrix_and_bars(tmp_path: Path) -> None:
    names = ("[start]", " cat", "[class]")
    weights = np.zeros((1, 1, 3, 3), np.float32)
    weights[0, 0] = [[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.7, 0.1]]
    maps = AttentionMaps("text", "tiny", weights, names, names, feature=2, text="cat")

    files = export_maps(maps, tmp_path, Drawing(head=0))

    assert [path.name for path in files] == [
        "maps.npz",
        "layer00_head00.png",
        "layer00_head00_arcs.png",
        "layer00_head00_bars.png",
        "grid.png",
    ]
    matrix = np.asarray(Image.open(files[1]), int)
    cells = matrix[-4 - 120 : -4, -4 - 120 : -4]
    assert cells[20, 20].tolist() == list(BRIGHTEST)
    assert cells[20, 100].tolist() == list(DARKEST)
    assert cells[100, 60].tolist() == coloured(np.array([0, 0.7, 1], np.float32))[1].tolist()


def test_names_of_columns_stand_upright_beside_their_column() -> None:
    """A wide name and an empty one: ink above the wide one's column only, and from its foot upwards."""
    pixels = np.asarray(matrix_picture(np.eye(2, dtype=np.float32), ["", ""], ["", "wwww"]), int)
    above = pixels[: pixels.shape[0] - 4 - 80]

    inked = np.argwhere(above.sum(-1) < 500)

    assert inked[:, 1].min() >= pixels.shape[1] - 4 - 40
    assert inked[:, 0].max() >= above.shape[0] - 8


def test_bars_are_as_long_as_their_weights() -> None:
    pixels = np.asarray(bars_picture(np.array([0.8, 0.2, 0.0], np.float32), ["a", "b", "c"]), int)

    first, second = (int((pixels[4 + 24 * row + 6] < 200).any(-1).sum()) for row in (0, 1))

    assert first == pytest.approx(480, abs=3)
    assert second == pytest.approx(120, abs=3)


def caption(count: int) -> AttentionMaps:
    """A caption of so many words, each of which looks at another patch."""
    weights = np.full((2, 2, count, 5), 0.2, np.float32)
    for word in range(count):
        weights[-1, :, word] = np.eye(5, dtype=np.float32)[1 + word % 4]
    tokens = tuple(f" word{word}" for word in range(count))
    return AttentionMaps("words", "tiny", weights, tokens, KEYS, text="".join(tokens).strip(), layout=LAYOUT)


def test_fewer_words_leave_no_maps_of_earlier_ones_behind(tmp_path: Path) -> None:
    mine = tmp_path / "03_word3_layer01_mean.png"
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "snail.png").write_bytes(b"mine")
    export_maps(caption(5), tmp_path, Drawing(), GREY, Outputs(strip=True, animate="words"))
    mine.write_bytes(b"changed since")

    files = export_maps(caption(2), tmp_path, Drawing(), GREY)

    assert {path.name for path in tmp_path.iterdir()} == {
        *(path.name for path in files),
        "notes.txt",
        "snail.png",
        mine.name,
    }
    assert [path.name for path in files] == [
        "maps.npz",
        "00_word0_layer01_mean.png",
        "01_word1_layer01_mean.png",
        "grid.png",
    ]
    with np.load(tmp_path / "maps.npz") as found:
        assert found["files"].tolist() == [path.name for path in files[1:]]
        assert found["weights"].shape == (2, 2, 2, 5)
    export_maps(caption(2), tmp_path, Drawing(), GREY, Outputs("svg"))
    assert not list(tmp_path.glob("0[01]*.png"))


@pytest.mark.parametrize("names", [["../outside.png", "sub/in.png", "..", ""], ["outside.png"]])
def test_a_list_that_is_not_ours_removes_nothing(tmp_path: Path, names: list[str]) -> None:
    """Names that lead out of the folder, and what is another file than the list says."""
    folder = tmp_path / "maps"
    (folder / "sub").mkdir(parents=True)
    kept = [tmp_path / "outside.png", folder / "sub" / "in.png", folder / "outside.png"]
    for file in kept:
        file.write_bytes(b"mine")
    digest = hashlib.blake2b(b"mine" if len(names) > 1 else b"other", digest_size=16).hexdigest()
    np.savez(folder / "maps.npz", files=np.array(names), digests=np.array([digest] * len(names)))

    export_maps(caption(2), folder, Drawing(), GREY)

    assert [file.read_bytes() for file in kept] == [b"mine"] * 3


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_damaged_archive_is_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "maps.npz").write_bytes(content)

    export_maps(caption(2), tmp_path, Drawing(), GREY)

    with np.load(tmp_path / "maps.npz") as found:
        assert found["weights"].shape == (2, 2, 2, 5)


def test_a_strip_of_all_words_in_rows(tmp_path: Path) -> None:
    """Ten words stand in two rows of five, each map below its word."""
    files = export_maps(caption(10), tmp_path, Drawing(smooth=False), GREY, Outputs(strip=True))

    assert files[-1].name == "strip.png"
    pixels = np.asarray(Image.open(files[-1]), int)
    width, height, head = 256, 171, 24
    left = pixels.shape[1] - 5 * (width + 4)
    assert pixels.shape[0] == 2 * (height + 4 + head)
    for word in range(10):
        row, column = divmod(word, 5)
        tile = pixels[head + row * (height + 4 + head) :, left + column * (width + 4) :][:height, :width]
        patch = word % 4
        for place, (x, y) in enumerate([(85, 42), (170, 42), (85, 128), (170, 128)]):
            assert np.abs(tile[y, x] - mixed(BRIGHTEST if place == patch else DARKEST)).max() <= 1, (word, place)


def gif_frames(path: Path) -> list[np.ndarray]:
    with Image.open(path) as found:
        return [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(found)]


def test_an_animation_goes_from_word_to_word(tmp_path: Path) -> None:
    files = export_maps(caption(3), tmp_path, Drawing(smooth=False), GREY, Outputs(animate="words"))

    assert files[-1].name == "words.gif"
    frames = gif_frames(files[-1])
    assert len(frames) == 3
    for word, frame in enumerate(frames):
        assert frame.shape == (400 * 640 // 600 + 1 + 36, 640, 3)
        for place, (x, y) in enumerate([(213, 107), (427, 107), (213, 320)]):
            patch = frame[y - 20 : y + 20, x - 20 : x + 20].mean((0, 1))
            assert np.abs(patch - mixed(BRIGHTEST if place == word else DARKEST)).max() <= 6
        assert (frame[-36:].min(-1) < 120).any(), "the word stands below"


@pytest.mark.parametrize(("over", "count"), [("layers", 2), ("heads", 2)])
def test_an_animation_through_layers_or_heads_shows_all_words(tmp_path: Path, over: Over, count: int) -> None:
    files = export_maps(
        words(), tmp_path, Drawing(smooth=False, head="all"), GREY, Outputs(animate=over, animation="mp4")
    )

    assert files[-1].name == f"{over}.mp4"
    with av.open(str(files[-1])) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == count * 8
    tile = 24 + 42, frames[0].shape[1] - 3 * 260 + 85  # patch 0,0 of the first word, where all is even at first
    before, after = (frame[tile].astype(int) for frame in (frames[2], frames[-3]))
    assert np.abs(after - mixed(BRIGHTEST)).max() <= 12
    assert np.abs(before - mixed(DARKEST)).max() <= 12


def test_what_cannot_move_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    still = replace(words(1, 1), kind="image")
    for over, part in (("words", "words of a caption"), ("layers", "a single layer"), ("heads", "a single head")):
        with pytest.raises(OptionError, match=part):
            export_maps(still, tmp_path, Drawing(), GREY, Outputs(animate=over))  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="lie over a picture"):
        export_maps(still, tmp_path, Drawing())

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("layer", "head", "part"), [(2, "mean", "no layer 2"), (0, 2, "no head 2"), (0, -3, "no head")]
)
def test_nothing_is_written_of_what_is_not_there(tmp_path: Path, layer: int, head: object, part: str) -> None:
    with pytest.raises(OptionError, match=part):
        export_maps(words(), tmp_path, Drawing(layer, head), GREY)  # type: ignore[arg-type]

    assert not list(tmp_path.iterdir())
