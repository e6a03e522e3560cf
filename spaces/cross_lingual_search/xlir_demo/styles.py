"""The styles of the views, in light and dark. No font comes from the network."""

from __future__ import annotations

CSS = """
.xd { --good: #17653a; --good-soft: #e6f4ea; --up: #0b5cad; --down: #a8480f; --line: #c3c8d1; --soft: #f3f5f8; --quiet: #4a5361; --bar: #2f74b8; line-height: 1.5; }
.dark .xd { --good: #7ddba0; --good-soft: #12301f; --up: #86bdf5; --down: #f3a774; --line: #4a5160; --soft: #1d222c; --quiet: #b8c0cc; --bar: #5c9fe0; }
.xd, .xd p, .xd li, .xd td, .xd th, .xd caption, .xd h2, .xd h3, .xd summary { color: var(--body-text-color); }
.xd h2 { font-size: 1.15rem; font-weight: 650; margin: 1.6rem 0 .3rem; }
.xd h3 { font-weight: 600; margin: 1rem 0 .1rem; }
.xd a { color: var(--up); text-decoration: underline; }
.xd code { font-size: .9em; }
.xd .xd-lead { font-size: 1.05rem; margin: .3rem 0 1rem; max-width: 52rem; }
.xd .xd-note { color: var(--quiet); margin: .3rem 0 .7rem; max-width: 52rem; }
.xd-label { margin: .2rem 0 -.4rem; }
.html-container:has(> .xd), .html-container:has(> .prose > .xd) { padding: 0 !important; }
.xd-go { align-self: stretch; max-width: 14rem; }
.xd .xd-message { border-inline-start: 4px solid var(--up); background: var(--soft); padding: .6rem .9rem; margin: .5rem 0; }
.xd .xd-message[role=alert] { border-color: var(--down); }
.xd ul { list-style: disc; padding-inline-start: 1.2rem; }
.xd .xd-hits { list-style: none; max-width: 62rem; margin: 0; padding: 0; display: grid; gap: .6rem; }
.xd .xd-hit { border: 1px solid var(--line); border-radius: .6rem; padding: .55rem .8rem .6rem; }
.xd .xd-gold { border-color: var(--good); background: var(--good-soft); border-inline-start-width: 5px; }
.xd .xd-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem .7rem; font-size: .92rem; }
.xd .xd-rank { font-weight: 700; min-width: 1.6ch; font-variant-numeric: tabular-nums; }
.xd .xd-badge { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6rem; background: var(--soft); }
.xd .xd-right { color: var(--good); font-weight: 650; }
.xd .xd-score { color: var(--quiet); margin-inline-start: auto; font-variant-numeric: tabular-nums; }
.xd .xd-text { margin: .35rem 0 0; font-size: 1.02rem; overflow-wrap: anywhere; unicode-bidi: plaintext; }
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
.xd th[scope=row], .xd thead th:first-child { text-align: start; }
.xd small { color: var(--quiet); white-space: nowrap; }
.xd abbr { text-decoration: none; }
.xd .xd-words td, .xd .xd-words thead th { text-align: start; }
.xd .xd-matrix td { text-align: center; min-width: 2.3rem; padding: .3rem .2rem; }
.xd .xd-matrix th { text-align: center; padding: .3rem .4rem; }
.xd .xd-own { outline: 2px solid #111; outline-offset: -3px; }
.xd .xd-mix td:not(:last-child) { min-width: 8.5rem; }
.xd .xd-mix td > span:last-child { display: inline-block; min-width: 2.9rem; }
.xd .xd-bar { position: relative; display: inline-block; vertical-align: middle; width: calc(100% - 3rem); height: .8rem; background: var(--soft); }
.xd .xd-bar i { position: absolute; inset: 0 auto 0 0; background: var(--bar); }
.xd .xd-bar u { position: absolute; top: -.2rem; bottom: -.2rem; width: 2px; background: var(--body-text-color); }
.xd .xd-aside { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 2rem; align-items: start; }
.xd .xd-aside > div { min-width: 0; }
.xd .xd-aside h2 { margin-top: 1rem; }
@media (min-width: 1100px) { .xd .xd-aside { grid-template-columns: minmax(0, 1fr) 24rem; } .xd .xd-aside h2 { margin-top: 0; } }
.xd .xd-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 0 2rem; }
.xd .xd-two > div { min-width: 0; }
@media (max-width: 500px) { .xd .xd-mix td:not(:last-child) { min-width: 6.2rem; } .xd th, .xd td { padding: .2rem .35rem; } }
.xd .xd-slope { display: block; width: 100%; max-width: 32rem; height: auto; }
.xd .xd-slope text { font-size: 12.5px; fill: var(--body-text-color); font-variant-numeric: tabular-nums; }
.xd .xd-slope .xd-side { font-weight: 650; font-size: 13.5px; }
.xd .xd-slope line { fill: none; stroke-width: 2; stroke: var(--quiet); }
.xd .xd-slope .xd-up line { stroke: var(--up); }
.xd .xd-slope .xd-down line { stroke: var(--down); stroke-dasharray: 5 4; }
.xd details { margin: .5rem 0; }
.xd summary { cursor: pointer; padding: .3rem 0; }
.xd-question textarea, .xd-question input { unicode-bidi: plaintext; text-align: start; }
.xd-chips { gap: .4rem !important; flex-wrap: wrap; }
.xd-chips .xd-chip, button.xd-other { flex: 0 0 auto !important; width: auto !important; }
button.xd-other { align-self: flex-start; }
.xd-prose .token { color: inherit !important; }
.xd-prose pre, .xd-prose code { white-space: pre-wrap !important; overflow-wrap: anywhere; }
"""
