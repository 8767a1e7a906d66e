"""The film strip: frames by date, pages of a few, one that is looked at."""

from __future__ import annotations

import pytest

from geodes_datalab.maps.filmstrip import PAGE, Filmstrip, Frame


class Person:
    """A strip, and what it told."""

    def __init__(self, count: int) -> None:
        self.picked: list[int] = []
        self.wanted: list[list[int]] = []
        frames = [Frame(100 + i, f"day {i}", f"product {i}") for i in range(count)]
        self.strip = Filmstrip(frames, self.pick, lambda items: self.wanted.append(list(items)))

    def pick(self, item: int) -> None:
        self.picked.append(item)
        self.strip.mark(item)

    def chosen(self) -> list[str]:
        return [b.description for b in self.strip.buttons if "geodes-chosen" in b._dom_classes]


def test_a_frame_is_picked_and_stands_out() -> None:
    person = Person(5)
    strip = person.strip
    assert [button.description for button in strip.buttons] == [f"day {i}" for i in range(5)]
    assert person.chosen() == []
    strip.buttons[2].click()
    assert person.picked == [102]
    assert person.chosen() == ["day 2"]
    strip.after.click()
    assert person.picked == [102, 103]
    strip.before.click()
    strip.before.click()
    strip.before.click()
    assert person.picked[-1] == 100
    assert strip.before.disabled
    assert not strip.after.disabled
    assert person.wanted == []  # one page: what it shows is asked for once, by who made it


def test_a_caption_has_a_line_for_the_date_and_one_for_clouds() -> None:
    frames = [Frame(i, f"2024-01-0{i} · ☁ {i} %", "") for i in (1, 2)]
    strip = Filmstrip(frames, lambda item: None, lambda items: None)
    assert [one.description for one in strip.buttons] == ["2024-01-01\n☁ 1 %", "2024-01-02\n☁ 2 %"]


def test_hundreds_weigh_no_more_than_a_page() -> None:
    person = Person(203)
    strip = person.strip
    assert len(strip.buttons) == PAGE
    strip.ask()
    strip.slider.value = 10
    assert person.picked == [110]
    assert strip.shown == [108 + i for i in range(PAGE)]
    assert person.chosen() == ["day 10"]
    assert person.wanted == [[100 + i for i in range(PAGE)], [108 + i for i in range(PAGE)]]
    strip.mark(302)
    assert strip.shown == [300, 301, 302]
    assert [b.layout.display for b in strip.buttons] == [None] * 3 + ["none"] * (PAGE - 3)
    assert strip.after.disabled
    assert strip.slider.value == 202


def test_pictures_come_into_the_frames_that_are_seen() -> None:
    person = Person(20)
    strip = person.strip
    strip.fill(101, "data:image/jpeg;base64,AAAA", "")
    strip.fill(119, "data:image/jpeg;base64,BBBB", "")  # of another page
    styles = [html.value for html in strip._pictures]
    assert "AAAA" in styles[1]
    assert ".geodes-frame-1 " in styles[1]
    assert not any("BBBB" in style for style in styles)
    strip.fill(102, "", "no quicklook: the server is down")
    assert strip.buttons[2].tooltip == "product 2\nno quicklook: the server is down"
    strip.mark(119)
    assert [html.value for html in strip._pictures] == [""] * PAGE  # the former page's are gone


@pytest.mark.parametrize("count", [0, 1])
def test_there_may_be_one_frame_or_none(count: int) -> None:
    person = Person(count)
    person.strip.after.click()
    person.strip.mark(999)
    assert person.picked == [100][:count]
