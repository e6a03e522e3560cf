"""The styles of the views, in light and dark. No font comes from the network."""

from __future__ import annotations

import colorsys

from .heat import heat_css
from .languages import LANGUAGES

_BASE = """
.xd { --good: #17653a; --good-soft: #e6f4ea; --up: #0b5cad; --down: #a8480f; --line: #c3c8d1; --soft: #f3f5f8; --quiet: #4a5361; --bar: #2f74b8; --before: #8a93a1; --band: #dfe5ee; line-height: 1.5; }
.dark .xd { --good: #7ddba0; --good-soft: #12301f; --up: #86bdf5; --down: #f3a774; --line: #4a5160; --soft: #1d222c; --quiet: #b8c0cc; --bar: #5c9fe0; --before: #8790a0; --band: #2b3342; }
.xd, .xd p, .xd li, .xd td, .xd th, .xd caption, .xd h2, .xd h3, .xd summary { color: var(--body-text-color); }
.xd h2 { font-size: 1.15rem; font-weight: 650; margin: 1.6rem 0 .3rem; }
.xd h3 { font-weight: 600; margin: 1rem 0 .1rem; }
.xd a { color: var(--up); text-decoration: underline; }
.xd code { font-size: .9em; }
.xd .xd-note { color: var(--quiet); margin: .3rem 0 .7rem; max-width: 52rem; }
.html-container:has(> .xd), .html-container:has(> .prose > .xd) { padding: 0 !important; }
.xd-go { align-self: stretch; max-width: 14rem; }
.xd .xd-message { border-inline-start: 4px solid var(--up); background: var(--soft); padding: .6rem .9rem; margin: .5rem 0; }
.xd .xd-message[role=alert] { border-color: var(--down); }
.xd ul { list-style: disc; padding-inline-start: 1.2rem; }
.xd .xd-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem .7rem; font-size: .92rem; }
.xd .xd-rank { font-weight: 700; min-width: 1.6ch; font-variant-numeric: tabular-nums; }
.xd .xd-right { color: var(--good); font-weight: 650; }
.xd .xd-score { color: var(--quiet); margin-inline-start: auto; font-variant-numeric: tabular-nums; }
.xd mark { background: #ffe48a; color: #1a1a1a; border-radius: .2rem; padding: 0 .1rem; }
.xd :lang(ar), .xd:lang(ar) { font-family: "Noto Naskh Arabic", "Noto Sans Arabic", "Geeza Pro", "Segoe UI", Tahoma, sans-serif; line-height: 1.8; }
.xd :lang(hi) { font-family: "Noto Sans Devanagari", "Kohinoor Devanagari", "Nirmala UI", Mangal, sans-serif; line-height: 1.7; }
.xd :lang(th) { font-family: "Noto Sans Thai", Thonburi, "Leelawadee UI", Tahoma, sans-serif; line-height: 1.7; }
.xd :lang(zh) { font-family: "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; line-height: 1.7; }
.xd .xd-scroll { overflow-x: auto; max-width: 100%; margin: 0 0 .6rem; }
.xd .xd-scroll:focus-visible, .xd summary:focus-visible, .xd a:focus-visible { outline: 2px solid var(--up); outline-offset: 2px; }
.xd table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; width: auto; }
.xd caption { text-align: start; font-size: .9rem; padding: 0 0 .3rem; caption-side: top; }
.xd th, .xd td { border: 1px solid var(--line); padding: .25rem .55rem; text-align: end; font-weight: 400; background: none; }
.xd thead th { background: var(--soft); font-weight: 600; vertical-align: bottom; }
.xd small { color: var(--quiet); white-space: nowrap; }
.xd abbr { text-decoration: none; }
.xd .xd-words td, .xd .xd-words thead th { text-align: start; }
.xd .xd-mix td:not(:last-child) { min-width: 8.5rem; }
.xd .xd-mix td > span:last-child { display: inline-block; min-width: 2.9rem; }
.xd .xd-bar { position: relative; display: inline-block; vertical-align: middle; width: calc(100% - 3rem); height: .8rem; background: var(--soft); }
.xd .xd-bar i { position: absolute; inset: 0 auto 0 0; background: var(--bar); }
.xd .xd-bar u { position: absolute; top: -.2rem; bottom: -.2rem; width: 2px; background: var(--body-text-color); }
.xd .xd-two > div { min-width: 0; }
.xd .xd-slope { display: block; width: 100%; max-width: 32rem; height: auto; }
.xd .xd-slope text { font-size: 12.5px; fill: var(--body-text-color); font-variant-numeric: tabular-nums; }
.xd .xd-slope line { fill: none; stroke-width: 2; stroke: var(--quiet); }
.xd .xd-slope .xd-up line { stroke: var(--up); }
.xd .xd-slope .xd-down line { stroke: var(--down); stroke-dasharray: 5 4; }
.xd details { margin: .5rem 0; }
.xd summary { cursor: pointer; padding: .3rem 0; }
.xd-question textarea, .xd-question input { unicode-bidi: plaintext; text-align: start; }
.xd-label { margin: 0 0 -.5rem; }
.xd-chips { gap: .4rem !important; flex-wrap: wrap; }
.xd-chips .xd-chip, button.xd-other { flex: 0 0 auto !important; width: auto !important; }
button.xd-other { align-self: flex-start; }
h1.xd { font-size: 1.5rem; font-weight: 700; margin: 0; }
.xd .xd-lead { font-size: 1.05rem; margin: .2rem 0 .5rem; max-width: 58rem; }
.xd .xd-over { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 27rem); gap: .3rem 2rem; align-items: center; }
.xd .xd-over .xd-note { margin: 0; }
.xd .xd-chart { display: block; width: 100%; max-width: 30rem; height: auto; }
.xd .xd-chart text { font-size: 13px; fill: var(--body-text-color); font-variant-numeric: tabular-nums; }
.xd .xd-chart .xd-side, .xd .xd-slope .xd-side { font-weight: 650; font-size: 13.5px; }
.xd .xd-chart rect, .xd .xd-chart circle { fill: var(--bar); }
.xd .xd-chart .xd-is-before { fill: var(--before); }
.xd .xd-chart .xd-is-after { fill: var(--bar); }
.xd .xd-chart .xd-band { fill: var(--band); }
.xd .xd-chart line, .xd .xd-chart polyline { stroke: var(--quiet); stroke-width: 1.5; fill: none; }
.xd .xd-chart polyline { stroke: var(--bar); stroke-width: 2; }
.xd .xd-chart .xd-whisker { stroke: var(--bar); stroke-width: 2.5; }
.xd .xd-chart .xd-range { stroke: var(--body-text-color); stroke-width: 2; }
.xd .xd-chart .xd-fair { stroke: var(--body-text-color); stroke-dasharray: 4 3; }
.xd .xd-charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(25rem, 100%), 1fr)); gap: .3rem 2rem; }
.xd .xd-pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .4rem 1.4rem; align-items: start; }
.xd .xd-pair.xd-alone { grid-template-columns: minmax(0, 1fr); max-width: 62rem; }
.xd .xd-pair h2 { margin: .2rem 0 0; font-weight: 500; }
.xd .xd-pair h2 b { font-weight: 700; }
.xd .xd-pair h3 { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }
.xd .xd-side .xd-note { margin: 0 0 .3rem; }
.xd .xd-count { margin: .3rem 0; font-variant-numeric: tabular-nums; }
.xd .xd-strip { display: flex; gap: 2px; height: 1.5rem; }
.xd .xd-strip i { flex: 1 1 0; min-width: 2px; background: var(--tongue); color: #fff; font-style: normal; font-weight: 700; font-size: .8rem; text-align: center; line-height: 1.5rem; overflow: hidden; }
.xd .xd-strip i:first-child { border-radius: .3rem 0 0 .3rem; }
.xd .xd-strip i:last-child { border-radius: 0 .3rem .3rem 0; }
.xd .xd-hits { list-style: none; margin: 0; padding: 0; display: grid; gap: .45rem; }
.xd .xd-hit { border: 1px solid var(--line); border-inline-start: 7px solid var(--tongue); border-radius: .5rem; padding: .45rem .7rem .5rem; margin: 0; }
.xd .xd-gold { background: var(--good-soft); border-color: var(--good); border-inline-start-color: var(--tongue); }
.xd .xd-weak .xd-hit { border-style: dashed; border-inline-start-style: solid; }
.xd .xd-badge { border: 1px solid var(--tongue); border-radius: 1rem; padding: 0 .55rem; background: var(--soft); white-space: nowrap; }
.xd .xd-rose { color: var(--up); font-weight: 600; }
.xd .xd-fell, .xd .xd-far { color: var(--down); font-weight: 600; }
.xd .xd-hit > p.xd-text { display: block; text-align: start; margin: .3rem 0 0; font-size: 1rem; overflow-wrap: anywhere; unicode-bidi: plaintext; }
.xd .xd-hit > p.xd-gloss { display: block; margin: .15rem 0 0; font-size: .9rem; color: var(--quiet); }
.xd .xd-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 0 2rem; }
.xd .xd-two > div { min-width: 0; }
.xd th[scope=row], .xd thead th:first-child, .xd thead td:first-child { text-align: start; position: sticky; inset-inline-start: 0; background: var(--body-background-fill); z-index: 1; }
.xd thead th:first-child { background: var(--soft); }
.xd .xd-own { outline: 2px solid var(--body-text-color); outline-offset: -3px; }
.xd .xd-matrix td { text-align: center; min-width: 2.3rem; padding: .3rem .2rem; }
.xd .xd-matrix th { text-align: center; padding: .3rem .4rem; }
.xd .xd-slope path { fill: none; stroke: var(--line); stroke-width: 1; }
.xd .xd-copy { border: 1px solid var(--line); border-radius: .4rem; padding: .15rem .7rem; background: var(--soft); color: var(--body-text-color); cursor: pointer; }
.xd .xd-copy:focus-visible, .xd .xd-code:focus-visible { outline: 2px solid var(--up); outline-offset: 2px; }
.xd .xd-code { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 .8rem; }
.xd .xd-code code { background: none; border: 0; padding: 0; color: inherit; }
.xd-kind { font-size: 1rem; font-weight: 650; margin: .3rem 0 0; }
.xd-folds { flex-wrap: wrap; }
.xd-folds > * { flex: 1 1 20rem !important; min-width: min(20rem, 100%) !important; }
.xd-folds > *:has(> button.open) { flex-basis: 100% !important; }
.xd-cards { gap: .5rem !important; flex-wrap: wrap; }
.xd-cards .xd-card { flex: 1 1 13rem !important; max-width: 24rem; white-space: pre-line; text-align: start; justify-content: flex-start; line-height: 1.45; padding: .5rem .7rem; font-weight: 400; unicode-bidi: plaintext; }
/* A search that takes more than a moment is seen to run. */
.html-container { transition: opacity .15s; }
.html-container.pending { opacity: .45 !important; transition-delay: .25s; }
@media (max-width: 760px) {
  h1.xd { font-size: 1.25rem; }
  .xd .xd-lead { font-size: 1rem; }
  .xd .xd-over, .xd .xd-pair { grid-template-columns: minmax(0, 1fr); }
  .xd .xd-pair h3 { position: static; width: auto; height: auto; clip-path: none; margin: .8rem 0 .2rem; }
  .xd .xd-side .xd-note { display: none; }
  .xd .xd-mix td:not(:last-child) { min-width: 6.2rem; }
  .xd th, .xd td { padding: .2rem .35rem; }
}
"""


def _tongues() -> str:
    """A colour for each language: equal steps of hue, each as light as white marks on it allow, in both themes."""
    lines = [".xd { --tongue: var(--quiet); }", ".xd .xd-l-other { --tongue: #5d6573; }"]
    for place, tag in enumerate(LANGUAGES):
        hue = (47 + 360 * place * 4 // len(LANGUAGES)) % 360
        lightness = next(step for step in range(46, 10, -1) if _contrast_to_white(hue, 0.62, step / 100) >= 4.6)
        lines.append(f".xd .xd-l-{tag} {{ --tongue: hsl({hue} 62% {lightness}%); }}")
    return "\n".join(lines)


def _contrast_to_white(hue: float, saturation: float, lightness: float) -> float:
    """Contrast of white on a colour, by WCAG.

    Example:
        >>> round(_contrast_to_white(0, 0, 0), 1), round(_contrast_to_white(0, 0, 1), 1)
        (21.0, 1.0)
    """
    channels = colorsys.hls_to_rgb(hue / 360, lightness, saturation)
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 1.05 / (sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)


CSS = "\n".join([_BASE, _tongues(), heat_css()])
