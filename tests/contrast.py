"""Pages as a browser paints them: their room, and the contrast of their text (WCAG 2.1, 1.4.3: at least 4.5 to 1)."""

from __future__ import annotations

import os
from typing import Any

GROUNDS = {"light": [255, 255, 255], "dark": [17, 17, 17]}
_INK = {"light": "rgba(0, 0, 0, 0.87)", "dark": "#fff"}
_SHOTS = os.environ.get("LEADFLOW_SCREENSHOTS")
# What is wider than the page or than its own box, apart from tables, which scroll.
_OUTSIDE = """width => [...document.querySelectorAll('.lf *, .lf-live *')].filter(e => !e.closest('.scroll') && (
    e.getBoundingClientRect().right > width ||
    (e.matches('.num, .num b, .check, .note') && e.scrollWidth > e.clientWidth)
)).map(e => e.outerHTML.slice(0, 80))"""

LEAST = 4.5

# Every text of the page whose contrast is below `least`: its words, its contrast, its color and its ground. Colors are
# mixed with what is behind them; the opacity of an element counts for its text.
FAINT = """([least, ground]) => {
    const parse = text => {
        const n = (text.match(/-?[\\d.]+(e-?\\d+)?/g) || []).map(Number);
        const scale = text.startsWith('color(') ? 255 : 1;
        return [n[0] * scale, n[1] * scale, n[2] * scale, n.length > 3 ? n[3] : 1];
    };
    const over = (top, alpha, below) => [0, 1, 2].map(i => top[i] * alpha + below[i] * (1 - alpha));
    const light = rgb => {
        const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const e of document.querySelectorAll('.lf *, .lf-live *, .lf-panel *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.getClientRects().length || e.tagName === 'STYLE' || e.tagName === 'title') continue;
        const chain = [];
        for (let at = e; at; at = at.parentElement) chain.unshift(at);
        const style = at => getComputedStyle(at);
        const behind = chain.reduce((below, at) => {
            const c = parse(style(at).backgroundColor);
            return over(c, c[3], below);
        }, ground);
        const ink = parse(e.namespaceURI.includes('svg') ? style(e).fill : style(e).color);
        const alpha = chain.reduce((a, at) => a * Number(style(at).opacity), ink[3]);
        const [a, b] = [light(over(ink, alpha, behind)), light(behind)].sort((x, y) => y - x);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < least) found.push([e.textContent.trim().slice(0, 40), contrast.toFixed(2), e.className, alpha]);
    }
    return found;
}"""


def notebook_page(browser: Any, html: str, scheme: str, width: int, height: int = 900) -> Any:
    """A page with the colors of a notebook's theme around an output."""
    page = browser.new_page(viewport={"width": width, "height": height})
    ground = "rgb({}, {}, {})".format(*GROUNDS[scheme])
    style = f"margin:8px;background:{ground};--jp-content-font-color1:{_INK[scheme]}"
    page.set_content(f"<!doctype html><body style='{style}'>{html}")
    return page


def is_readable(page: Any, shot: str, scheme: str, width: int) -> bool:
    """All text has enough contrast, and nothing is wider than the page. Takes its picture if wanted."""
    if _SHOTS:
        page.screenshot(path=f"{_SHOTS}/{shot}_{scheme}_{width}.png", full_page=True)
    assert page.evaluate(FAINT, [LEAST, GROUNDS[scheme]]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_OUTSIDE, width) == []
    return True
