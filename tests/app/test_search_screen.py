"""The search screen: ask with a picture, look, walk on, come back."""

import base64
import io
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from lookgraph import Library
from tests.app.running import NARROW, WIDE, looking, running, unusable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Look = Callable[..., "AbstractContextManager[Page]"]

pytestmark = pytest.mark.slow


def asked(page: "Page") -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def names(page: "Page") -> list[str]:
    return page.locator(".tile .name").all_text_contents()


def until(page: "Page", **values: list[str]) -> None:
    """Wait for an address and for what it shows."""
    for name, wanted in values.items():
        page.wait_for_function(
            "([name, wanted]) => JSON.stringify(new URLSearchParams(location.search).getAll(name))"
            " === JSON.stringify(wanted)",
            arg=[name, wanted],
        )
    page.wait_for_selector(".root:not(.going) .tile")


def names_of(library: Path, **question: object) -> list[str]:
    with Library.open(library) as opened:
        id_ = question.pop("id")
        hits = opened.search(str(id_), k=60, **question)  # type: ignore[arg-type]
        return [hit.path.rpartition("/")[2] for hit in hits]


def id_of(library: Path, path: str) -> str:
    with Library.open(library) as opened:
        entry = opened.store.entry(path)
        assert entry
        assert entry.picture
        return entry.picture.id


@pytest.fixture
def hat(shown: Path) -> tuple[str, Path]:
    """A hat's id and file."""
    file = sorted((shown / "hat").iterdir())[0]
    return id_of(shown, f"hat/{file.name}"), file


def test_a_newcomer_sees_pictures_and_one_click_shows_look_alikes(look: Look, shown: Path) -> None:
    with look() as page:
        page.goto("/")
        page.wait_for_selector(".tile img")
        assert "120 pictures" in page.locator(".told").first.inner_text()
        page.click(".tile:nth-child(3) .open")
        page.wait_for_selector(".rank")
        (id_,) = asked(page)["picture"]
        assert names(page) == names_of(shown, id=id_)


@pytest.mark.parametrize("rank", ["graph", "cosine"])
def test_hits_come_as_the_library_ranks_them(
    look: Look, shown: Path, hat: tuple[str, Path], rank: str
) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        if rank == "cosine":
            page.get_by_role("radio", name="Cosine").check()
            until(page, rank=["cosine"])
        assert names(page) == names_of(shown, id=hat[0], rank=rank)
        first = page.locator(".tile").first
        assert first.locator(".badge").inner_text() == "asked"
        assert first.locator(".score").inner_text().startswith("1.000")
        # What the graph has moved is told, and the cosine moves nothing.
        moved = page.locator(".up, .down").count()
        assert (moved > 0) == (rank == "graph")


def test_a_hit_becomes_the_question_and_back_leads_back(look: Look, hat: tuple[str, Path]) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        before = names(page)
        page.click(".tile:nth-child(4) .open")
        until(page, way=[hat[0]])
        (second,) = asked(page)["picture"]
        page.click(".tile:nth-child(2) .open")
        until(page, way=[f"{hat[0]},{second}"])
        assert page.locator(".way a").count() == 2
        page.go_back()
        until(page, picture=[second])
        page.go_back()
        until(page, picture=[hat[0]])
        assert names(page) == before
        page.go_forward()
        until(page, picture=[second])
        page.click(".way a")  # the crumb
        until(page, picture=[hat[0]])
        assert names(page) == before
        assert not page.locator(".way").is_visible()


def test_an_address_shows_a_colleague_the_same(
    look: Look, hat: tuple[str, Path], shown: Path
) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}&rank=cosine&under=dress&min=0.3")
        page.wait_for_selector(".rank")
        assert page.locator(".tile").count() == 12
        assert page.locator(".filters b").inner_text() == "1"
        hidden = 12 - page.locator(".tile:visible").count()
        with Library.open(shown) as library:
            hits = library.search(hat[0], k=200, rank="cosine")
        below = [hit for hit in hits if hit.path.startswith("dress/") and hit.score < 0.3]
        assert hidden == len(below) > 0


def test_an_upload_is_searched_with_and_shown(
    look: Look, shown: Path, hat: tuple[str, Path]
) -> None:
    with look() as page:
        page.goto("/")
        page.wait_for_selector(".tile img")
        buffer = io.BytesIO()
        with Image.open(hat[1]) as image:
            image.convert("RGB").resize((200, 250)).save(buffer, "PNG")
        page.set_input_files(
            "input[type=file]",
            {"name": "mine.png", "mimeType": "image/png", "buffer": buffer.getvalue()},
        )
        page.wait_for_selector(".rank")
        assert "mine.png" in page.locator("figcaption").inner_text()
        with Library.open(shown) as library:
            hits = library.search(buffer.getvalue(), k=60)
        assert names(page) == [hit.path.rpartition("/")[2] for hit in hits]
        shown_at = page.locator(".crop img").evaluate(
            "image => [image.naturalWidth, image.complete]"
        )
        assert shown_at == [200, True]


def test_pictures_can_be_dropped_and_pasted(look: Look, hat: tuple[str, Path]) -> None:
    file = base64.b64encode(hat[1].read_bytes()).decode()
    make = """([name, text]) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const held = new DataTransfer();
        held.items.add(new File([bytes], 'a.jpg', { type: 'image/jpeg' }));
        const event = name === 'paste'
            ? new ClipboardEvent('paste', { clipboardData: held, bubbles: true })
            : new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
    }"""
    for way in ("drop", "paste"):
        with look() as page:
            page.goto("/")
            page.wait_for_selector(".tile img")
            page.evaluate(make, [way, file])
            # The picture is the library's own, by its bytes.
            until(page, picture=[hat[0]])


def test_two_pictures_ask_together_and_one_can_be_taken_out(
    look: Look, hat: tuple[str, Path]
) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        page.hover(".tile:nth-child(3)")
        page.click(".tile:nth-child(3) .acts a")
        page.wait_for_selector(".pictures.several")
        pictures = asked(page)["picture"]
        assert len(pictures) == 2
        assert page.locator(".badge").count() == 2
        page.click("figure:nth-child(1) .away")
        until(page, picture=pictures[1:])


def test_a_part_is_cut_out_by_dragging_and_by_keys(
    look: Look, shown: Path, hat: tuple[str, Path]
) -> None:
    with Image.open(hat[1]) as image:
        width, height = image.size
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        box = page.locator(".crop img").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5, steps=5)
        page.mouse.up()
        page.wait_for_function("location.search.includes('crop=')")
        crop = [int(one) for one in asked(page)["crop"][0].split(",")]
        wanted = [width * 0.25, height * 0.25, width * 0.5, height * 0.25]
        assert all(abs(got - want) <= 4 for got, want in zip(crop, wanted, strict=True))
        page.wait_for_selector(".root:not(.going) .tile")
        page.wait_for_timeout(200)
        assert names(page) == names_of(shown, id=hat[0], crop=tuple(crop))
        page.click("text=Use the whole picture")
        until(page, crop=[])
        page.focus(".crop")
        for key in ("c", "ArrowRight", "Shift+ArrowDown", "Enter"):
            page.keyboard.press(key)
        page.wait_for_function("location.search.includes('crop=')")
        x, y, w, h = (int(one) for one in asked(page)["crop"][0].split(","))
        assert (x, y) == (round(width * 0.24), round(height * 0.2))
        assert (w, h) == (round(width * 0.6), round(height * 0.64))


def test_the_threshold_answers_while_it_is_dragged(look: Look, hat: tuple[str, Path]) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        scores = [float(one) for one in re.findall(r"^\d\.\d+", "\n".join(
            page.locator(".score").all_text_contents()), re.M)]  # fmt: skip
        page.locator("[name=least]").evaluate(
            "slider => { slider.value = 0.45; slider.dispatchEvent(new Event('input')); }"
        )
        over = [score for score in scores if score >= 0.45]
        assert page.locator(".tile:visible").count() == len(over) < len(scores)
        assert "min" not in asked(page)
        page.locator("[name=least]").dispatch_event("change")
        until(page, min=["0.45"])


def test_filters_hold_and_can_be_cleared(look: Look, hat: tuple[str, Path]) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        page.click(".filters summary")
        page.fill("[name=under]", "shirt")
        page.keyboard.press("Enter")
        until(page, under=["shirt"])
        assert set(page.locator(".folder").all_text_contents()) == {"shirt"}
        page.click("text=Clear filters")
        until(page, under=[])
        assert page.locator(".tile").count() == 60


def test_more_hits_are_a_click_away(look: Look, hat: tuple[str, Path]) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        assert page.locator(".tile").count() == 60
        page.click("text=Show more")
        until(page, k=["120"])
        assert page.locator(".tile").count() == 120


def test_everything_can_be_done_with_the_keyboard(look: Look, hat: tuple[str, Path]) -> None:
    with look() as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        page.locator(".tile:nth-child(2) .open").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")  # to what can be done with it
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector(".card[open]")
        assert page.locator(".card dd").nth(0).inner_text().count("/") == 1
        page.keyboard.press("Escape")
        page.wait_for_selector(".card:not([open])", state="attached")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        until(page, way=[hat[0]])


def test_what_is_no_picture_is_told_and_harms_nothing(look: Look, hat: tuple[str, Path]) -> None:
    with look(refused=422) as page:
        page.goto(f"/?picture={hat[0]}")
        page.wait_for_selector(".rank")
        cut = hat[1].read_bytes()[:2000]
        with page.expect_response("**/shown?**") as answer:
            page.set_input_files(
                "input[type=file]", {"name": "cut.jpg", "mimeType": "image/jpeg", "buffer": cut}
            )
        assert answer.value.status == 422
        page.wait_for_selector(".wrong:not(:empty)")
        assert "cut.jpg: it cannot be decoded" in page.locator(".panel .wrong").inner_text()
        assert page.locator(".rank").first.is_visible()


def test_a_picture_that_is_gone_is_told_quietly(look: Look) -> None:
    with look() as page:
        page.goto(f"/?picture={'0' * 64}")
        page.wait_for_selector(".notes .wrong")
        assert "is not here any more" in page.locator(".notes .wrong").inner_text()
        assert page.locator(".choose").is_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW, (2560, 1440)], ids=["wide", "narrow", "huge"])
def test_it_fits_and_can_be_read_by_everybody(
    look: Look, hat: tuple[str, Path], size: tuple[int, int], dark: bool, shots: Path
) -> None:
    with look(size, dark=dark) as page:
        page.goto(f"/?picture={hat[0]}&way={hat[0]}")
        page.wait_for_selector(".rank")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=shots / f"search-{size[0]}-{'dark' if dark else 'light'}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert unusable(page) == []


def test_odd_names_are_shown_as_they_are_and_do_nothing(
    browser: "Browser", hat: tuple[str, Path], tmp_path: Path
) -> None:
    odd = ["<img src=x onerror=alert(1)>.jpg", "**bold** [link](mailto:evil) $x$.jpg"]
    names_ = [os.fsencode(name) for name in odd] + [b"bad\xff\xfename.jpg"]
    for number, name in enumerate(names_):
        content = hat[1].read_bytes() + bytes([number])
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(content)
    with Library.open(tmp_path) as library:
        library.index()
        library.graph().build()
    with running(tmp_path) as address, looking(browser, address) as page:
        page.on("dialog", lambda _: pytest.fail("a name was executed"))
        page.goto("/")
        page.wait_for_selector(".tile img")
        assert set(names(page)) == {*odd, "bad\ufffd\ufffdname.jpg"}
        page.click(".tile .open")
        page.wait_for_selector(".rank")
        for screen in ("library", "graph", "map", "groups", "duplicates"):
            page.goto(f"/{screen}")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(300)
