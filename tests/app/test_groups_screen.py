"""The screen of groups, in a real Chromium, beside what the library itself says."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookgraph import Library
from tests.app.running import NARROW, WIDE, unusable
from tests.conftest import needs_module

if TYPE_CHECKING:
    from playwright.sync_api import Page

Look = Callable[..., "AbstractContextManager[Page]"]

pytestmark = pytest.mark.slow

BOTH = pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)])


@BOTH
def test_groups_are_shown_as_the_library_has_them(
    look: Look, shown: Path, size: tuple[int, int], dark: bool
) -> None:
    groups = Library.open(shown).graph().groups()
    with look(size, dark=dark) as page:
        page.goto("/groups")
        page.wait_for_selector(".group")
        names = page.locator(".group h2").all_text_contents()
        assert names == [Path(group.name).name for group in groups][:30]
        facts = page.locator(".group .facts").first.text_content()
        first = groups[0]
        weakest = min(hit.score for hit in first.pictures)
        assert facts == f"{len(first.pictures)} pictures, the weakest at {weakest:.3f}"
        told = page.locator(".told").inner_text()
        assert told.startswith(f"{len(groups)} groups; {groups.others} pictures")
        wide = page.evaluate("document.querySelector('.stMain').scrollWidth")
        assert wide <= size[0]


def test_a_group_shows_all_its_pictures_and_leads_to_them(look: Look, shown: Path) -> None:
    groups = Library.open(shown).graph().groups(0.6)
    wanted = [hit.id for hit in groups[0].pictures]
    with look() as page:
        page.goto("/groups?threshold=0.6")
        page.locator(".group h2 a").first.click()
        page.wait_for_selector(".one")
        assert page.url.endswith("/groups?threshold=0.6&group=1")
        while page.locator(".more").count():
            count = page.locator(".one li").count()
            page.locator(".more").click()
            page.wait_for_function(
                "count => [...document.querySelectorAll('*')].some((one) =>"
                " one.shadowRoot?.querySelectorAll('.one li').length > count)",
                arg=count,
            )
        links = page.locator(".one a").evaluate_all("all => all.map((one) => one.search)")
        assert links == [f"?picture={id_}" for id_ in wanted]
        page.locator(".one a").nth(1).click()
        page.wait_for_url(f"**/?picture={wanted[1]}")
        page.go_back()
        page.wait_for_selector(".one")
        page.get_by_role("link", name="on the graph").click()
        page.wait_for_url(f"**/graph?picture={wanted[0]}")


def test_a_threshold_is_chosen_by_chip_slider_and_number(look: Look, shown: Path) -> None:
    graph = Library.open(shown).graph()
    with look() as page:
        page.goto("/groups")
        page.wait_for_selector(".group")
        chips = page.locator(".chip").all_text_contents()
        assert chips[1:] == [f"{one.threshold:.4g}" for one in graph.suggestions()]
        number = page.get_by_role("spinbutton", name="Threshold")
        number.fill("0.75")
        number.press("Enter")
        page.wait_for_url("**/groups?threshold=0.75")
        told = f"{len(graph.groups(0.75))} groups;"
        page.locator(".told", has_text=told).wait_for()
        page.get_by_role("slider").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**/groups?threshold=0.755")
        page.go_back()
        page.locator(".told", has_text=told).wait_for()
        number.fill("1")
        number.press("Enter")
        page.get_by_text("Choose a lower one").wait_for()
        page.locator(".chip").first.click()
        page.wait_for_selector(".group")


def test_communities_are_there_where_what_finds_them_is(look: Look, shown: Path) -> None:
    needs_module("graspologic_native")
    found = Library.open(shown).graph().groups(communities=True)
    with look() as page:
        page.goto("/groups")
        page.get_by_role("link", name="Communities").click()
        page.wait_for_url("**/groups?communities=1")
        page.locator(".told", has_text=f"{len(found)} communities").wait_for()
        assert page.locator(".group h2").first.text_content() == Path(found[0].name).name


@pytest.mark.parametrize(
    "query",
    ["threshold=x&group=0", "threshold=0.8&group=99999", "threshold=nan&shown=-1", "group=x"],
)
def test_an_address_that_nobody_made_shows_something(look: Look, query: str) -> None:
    with look() as page:
        page.goto(f"/groups?{query}")
        page.wait_for_selector(".told")


@BOTH
def test_nobody_is_shut_out(look: Look, size: tuple[int, int], dark: bool) -> None:
    with look(size, dark=dark) as page:
        for address in ("/groups", "/groups?group=1"):
            page.goto(address)
            page.wait_for_selector(".facts")
            assert unusable(page) == []
