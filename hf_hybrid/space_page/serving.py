"""Pages are served with limits on every request, without monitoring, and with text that can be read in light and
dark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hf_hybrid.space_page.body_limit import BodyLimit
from hf_hybrid.space_page.uploads import keep_clean

if TYPE_CHECKING:
    import gradio as gr

# No font comes from the network.
FONTS = ("system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
_QUIET, _QUIET_DARK = "#4a5361", "#b8c0cc"
_LINK, _LINK_DARK = "#0b5cad", "#86bdf5"
# Colours of Gradio's theme that have too little contrast as they come.
_COLOURS = {
    "body_text_color_subdued": _QUIET,
    "body_text_color_subdued_dark": _QUIET_DARK,
    "block_info_text_color": _QUIET,
    "block_info_text_color_dark": _QUIET_DARK,
    "block_label_text_color": _QUIET,
    "block_label_text_color_dark": _QUIET_DARK,
    "block_title_text_color": _QUIET,
    "block_title_text_color_dark": _QUIET_DARK,
    "input_placeholder_color": "#5b6472",
    "input_placeholder_color_dark": "#a7b0bd",
    "link_text_color": _LINK,
    "link_text_color_dark": _LINK_DARK,
    "color_accent": _LINK,
    "button_primary_background_fill": _LINK,
    "button_primary_background_fill_hover": "#084a8c",
    "button_primary_background_fill_dark": _LINK,
    "button_primary_background_fill_hover_dark": "#1168bd",
    "button_primary_text_color": "#ffffff",
    "button_primary_text_color_dark": "#ffffff",
}
# Chosen tabs, and the foot of the page.
_CSS = f"""
button[role=tab][aria-selected=true] {{ color: {_LINK} !important; }}
.dark button[role=tab][aria-selected=true] {{ color: {_LINK_DARK} !important; }}
footer, footer * {{ opacity: 1 !important; color: {_QUIET} !important; }}
.dark footer, .dark footer * {{ color: {_QUIET_DARK} !important; }}
"""


def theme() -> gr.themes.Base:
    """Gradio's theme with system fonts, and with text that is dark, or light, enough."""
    import gradio as gr

    return gr.themes.Default(font=FONTS, font_mono=MONO, primary_hue="blue", neutral_hue="slate").set(**_COLOURS)


def launch(page: gr.Blocks, css: str, max_file_size: int, max_body: int, **options: Any) -> Any:
    """Serve a page until it is stopped.

    Args:
        page: what is served.
        css: its styles.
        max_file_size: bytes of an upload.
        max_body: bytes of any other request.
        options: further ones of `gradio.Blocks.launch`.
    """
    from fastapi.middleware import Middleware
    from gradio.utils import get_upload_folder

    keep_clean(get_upload_folder())
    usual: dict[str, Any] = {
        "theme": theme(),
        "css": _CSS + css,
        "max_file_size": max_file_size,
        "app_kwargs": {"middleware": [Middleware(BodyLimit, most=max_body)]},
        "show_error": False,
        "ssr_mode": False,
        "enable_monitoring": False,
        "footer_links": ["api", "gradio"],
    }
    return page.launch(**usual | options)
