"""The pictures of the documentation: they are what the code draws, readable in both modes, and true."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from pictures import benchmark
from pictures.colors import CLASSES
from pictures.drawing import Box, Line, Picture, Shape, Text, captioned, svg
from pictures.files import FOLDER, files
from tests.support.pages import PAGES, ROOT, TOP
from tests.support.svg import Area, Shown, shown

FILES = files()
MODES = ("light", "dark")
SMALLEST_TEXT, WIDEST = 13.0, 640.0
WIDEST_TERMINAL = 830.0
"""What GitHub shows in full size. The page of a terminal has its text, too, which a phone can show."""
TEXT_CONTRAST, LINE_CONTRAST = 4.5, 3.0
"""https://www.w3.org/TR/WCAG22/#contrast-minimum and #non-text-contrast"""
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+\.svg)\)")


def contrast(one: str, other: str) -> float:
    """The contrast of two colors, from 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _behind(picture: Shown, area: Area) -> str:
    """The class of the frontmost box behind the middle of an area."""
    x, y = (area.left + area.right) / 2, (area.top + area.bottom) / 2
    boxes = [box for box in picture.boxes if box.area.contains(Area(x, y, x, y))]
    return boxes[-1].colors[0]


def text_outside(picture: Shown) -> Iterator[str]:
    """Texts that do not fit into the picture, or not into the box that they are in."""
    for text in picture.texts:
        x = (text.area.left + text.area.right) / 2
        middle = Area(x, text.area.top, x, text.area.bottom)
        frames = [picture.area, *(box.area for box in picture.boxes if box.area.contains(middle))]
        if not all(frame.contains(text.area) for frame in frames):
            yield text.content


def small_text(picture: Shown) -> Iterator[str]:
    """Texts that are too small on a phone."""
    yield from (text.content for text in picture.texts if text.size < SMALLEST_TEXT)
    if picture.area.right > (WIDEST_TERMINAL if picture.title.startswith("Terminal: ") else WIDEST):
        yield "the picture is too wide"


def texts_that_overlap(picture: Shown) -> Iterator[str]:
    for one, other in combinations(picture.texts, 2):
        if one.area.overlaps(other.area):
            yield f"{one.content} / {other.content}"


def lines_through_text(picture: Shown) -> Iterator[str]:
    for line in picture.lines:
        for (x0, y0), (x1, y1) in zip(line.points, line.points[1:], strict=False):
            for part in range(101):
                x, y = x0 + (x1 - x0) * part / 100, y0 + (y1 - y0) * part / 100
                yield from (text.content for text in picture.texts if text.area.overlaps(Area(x, y, x, y)))


def pale_colors(picture: Shown) -> Iterator[str]:
    """Texts and lines that are hard to see on what is behind them."""
    for mode in MODES:
        colors = picture.colors[mode]
        for text in picture.texts:
            (name,) = text.colors
            if contrast(colors[name], colors[_behind(picture, text.area)]) < TEXT_CONTRAST:
                yield f"{mode}: {text.content}"
        for name in {name for line in picture.lines for name in line.colors} - {"grid-line"}:
            if contrast(colors[name], colors["ground"]) < LINE_CONTRAST:
                yield f"{mode}: {name}"


def colors_of_one_mode(picture: Shown) -> set[str]:
    """Classes that have no color in one of the modes."""
    used = {name for each in (*picture.texts, *picture.boxes, *picture.lines) for name in each.colors}
    return {f"{mode}: {name}" for mode in MODES for name in used - picture.colors[mode].keys()}


def missing_words(picture: Shown) -> Iterator[str]:
    """What a reader who does not see the picture misses."""
    if picture.label != f"{picture.title} {picture.description}":
        yield "the label is not title and description"
    if len(picture.title.split()) < 3 or len(picture.description.split()) < 20:
        yield "title or description is too short"


Check = Callable[[Shown], "Iterator[str] | set[str]"]
CHECKS: tuple[Check, ...] = (
    text_outside,
    small_text,
    texts_that_overlap,
    lines_through_text,
    pale_colors,
    colors_of_one_mode,
    missing_words,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", FILES)
def test_a_picture_can_be_read(name: str, check: Check) -> None:
    assert list(check(shown(FILES[name]))) == []


def test_the_files_are_what_the_code_draws() -> None:
    assert {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()} == FILES, "run: make pictures"


def _images(page: Path) -> Iterator[tuple[str, Path]]:
    """The alternative text and the file of each picture in the page."""
    for text, target in _IMAGE.findall(page.read_text("utf-8")):
        yield text, (page.parent / target).resolve()


def test_every_picture_is_in_a_page_and_has_an_alternative_text() -> None:
    found = [image for page in (*PAGES, *TOP) for image in _images(page)]
    assert {path for _, path in found} == {FOLDER / name for name in FILES}
    assert [text for text, _ in found if len(text.split()) < 5] == []


def _picture(*shapes: Shape, width: float = 200, description: str = "word " * 20) -> Picture:
    return Picture("p", "three words long", description, width, 100, shapes)


_BOX = Box(10, 10, 100, 60, "green")


@pytest.mark.parametrize(
    ("picture", "check"),
    [
        pytest.param(_picture(Text(150, 50, "beyond the edge")), text_outside, id="text beyond the edge"),
        pytest.param(_picture(*captioned(_BOX, "wider than its box")), text_outside, id="text wider than its box"),
        pytest.param(_picture(width=700), small_text, id="a picture that a phone makes small"),
        pytest.param(_picture(Text(9, 50, "one"), Text(12, 55, "two")), texts_that_overlap, id="text upon text"),
        pytest.param(_picture(Text(9, 50, "one"), Line([(5, 46), (99, 46)])), lines_through_text, id="a line in text"),
        pytest.param(_picture(_BOX, Text(20, 40, "a", "green-area")), pale_colors, id="text as pale as its box"),
        pytest.param(_picture(Line([(5, 46), (99, 46)], "grey-area")), pale_colors, id="a line as pale as the ground"),
        pytest.param(_picture(description="short"), missing_words, id="no description"),
    ],
)
def test_what_cannot_be_read_is_found(picture: Picture, check: Check) -> None:
    assert list(check(shown(svg(picture))))


def test_small_letters_are_found() -> None:
    small = svg(_picture(Text(9, 50, "one"))).replace('font-size="14"', 'font-size="9"')
    assert list(small_text(shown(small))) == ["one"]


def test_a_class_without_a_dark_color_is_found() -> None:
    light, separator, dark = svg(_picture(Text(9, 50, "one"))).partition("@media")
    assert colors_of_one_mode(shown(light + separator + dark.replace(".text", ".other"))) == {"dark: text"}


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0550ae", "#0550ae", 1.0)]
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("hue", [name.removesuffix("-area") for name in CLASSES if name.endswith("-area")])
@pytest.mark.parametrize("mode", MODES)
def test_every_hue_can_be_text_on_its_area_and_on_the_ground(hue: str, mode: str) -> None:
    colors = {name: getattr(color, mode) for name, color in CLASSES.items()}
    assert contrast(colors[hue], colors[f"{hue}-area"]) >= TEXT_CONTRAST
    assert contrast(colors[hue], colors["ground"]) >= TEXT_CONTRAST
    assert contrast(colors["text"], colors[f"{hue}-area"]) >= TEXT_CONTRAST


def test_the_benchmark_shows_every_strategy_of_the_page() -> None:
    page = (ROOT / "docs/rewriting.md").read_text("utf-8")
    drawn = {text.content for text in shown(svg(benchmark.picture(page))).texts}
    assert set(benchmark.HUES) <= drawn
    table = page.partition("### 60 MB")[2].partition("###")[0]
    assert set(re.findall(r"^\| (\S+(?: s3 cp)?) +\| \d", table, re.MULTILINE)) == set(benchmark.HUES)


def test_the_benchmark_is_not_drawn_without_its_tables() -> None:
    with pytest.raises(KeyError):
        benchmark.picture("# A page without tables")
