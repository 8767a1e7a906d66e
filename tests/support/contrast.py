"""Text that can hardly be read: its contrast against what lies below it, as WCAG 2 reckons it.

axe-core gives no verdict in JupyterLab, whose panes lie upon each other; this looks at colours alone, those of the
text and of the elements that it stands in. Pictures do not count.
"""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator

ENOUGH, LARGE = 4.5, 3.0
"""Of WCAG 2, level AA: for text, and for text of 24 pixels, or bold and of 18.66."""

_MEASURE = """(root, [enough, large]) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const parsed = colour => {  // in any of CSS's notations
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
        return { rgb: [red, green, blue], alpha: alpha / 255 };
    };
    const over = (front, back) => front.rgb.map(
        (value, i) => value * front.alpha + back[i] * (1 - front.alpha));
    const ground = element => {
        if (!element) return [255, 255, 255];
        const own = parsed(getComputedStyle(element).backgroundColor);
        return own.alpha === 1 ? own.rgb : over(own, ground(element.parentElement));
    };
    const light = rgb => {
        const [red, green, blue] = rgb.map(value => value / 255).map(
            value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ratio = element => {
        const back = ground(element), front = over(parsed(getComputedStyle(element).color), back);
        const [dark, bright] = [light(front), light(back)].sort((one, other) => one - other);
        return (bright + 0.05) / (dark + 0.05);
    };
    const needed = element => {
        const { fontSize, fontWeight } = getComputedStyle(element), pixels = parseFloat(fontSize);
        return pixels >= 24 || (pixels >= 18.66 && fontWeight >= 700) ? large : enough;
    };
    const written = element => [...element.childNodes].some(
        node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
    const seen = [root, ...root.querySelectorAll("*")].filter(
        element => element.checkVisibility({ visibilityProperty: true }) && written(element)
            && !element.closest("style, script, [disabled]"));
    return {
        looked: seen.length,
        faint: seen.filter(element => ratio(element) < needed(element)).map(
            element => `${ratio(element).toFixed(1)}: ${element.outerHTML.slice(0, 160)}`),
    };
}"""


def faint(part: Locator) -> list[str]:
    """Return what can hardly be read in a part of a page: its contrast, and the element.

    Parameters
    ----------
    part
        One element, and all in it.
    """
    found: dict[str, Any] = part.evaluate(_MEASURE, [ENOUGH, LARGE])
    assert found["looked"], "no text was looked at"
    return [str(one) for one in found["faint"]]
