"""What tells text that can hardly be read from text that can."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from support.contrast import faint

pytestmark = pytest.mark.browser

PAGE = """<body style="background: #111">
<main style="background: rgba(255, 255, 255, .05)">
  <p id="good" style="color: #eee">light on dark</p>
  <p id="pale" style="color: #555">grey on dark</p>
  <p id="inherits"><b style="color: rgba(255, 255, 255, .2)">see-through</b></p>
  <p id="large" style="color: #777; font-size: 30px">large, which needs less</p>
  <p id="hidden" style="color: #111; display: none">not seen</p>
  <button id="off" style="color: #222; background: #111" disabled>not to be pressed</button>
</main></body>"""


def test_pale_text_is_found_and_no_other(browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_content(PAGE)
    found = faint(page.locator("main"))
    assert ["grey on dark" in found[0], "see-through" in found[1], len(found)] == [True, True, 2]
    with pytest.raises(AssertionError, match="no text"):
        faint(page.locator("#hidden"))
    context.close()
