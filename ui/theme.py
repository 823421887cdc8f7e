"""Gradio's colours and fonts, all taken from page.css, where the light and the dark ones are kept."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base


def page_theme() -> "Base":
    """Gradio's colours and fonts, all taken from page.css, where the light and the dark ones are kept."""
    from gradio.themes import Base

    sans, mono = ["system-ui", "sans-serif"], ["ui-monospace", "monospace"]
    colours = {
        "body_background_fill": "var(--paper)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--quiet)",
        "background_fill_primary": "var(--paper)",
        "background_fill_secondary": "var(--paper)",
        "block_background_fill": "transparent",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "input_background_fill": "var(--sheet)",
        "input_placeholder_color": "var(--quiet)",
        "link_text_color": "var(--accent)",
        "link_text_color_hover": "var(--accent)",
        "link_text_color_active": "var(--accent)",
        "link_text_color_visited": "var(--accent)",
        "color_accent_soft": "transparent",
        "button_secondary_background_fill": "var(--sheet)",
        "button_secondary_background_fill_hover": "var(--raised)",
        "button_secondary_text_color": "var(--ink)",
    }
    dark = {f"{name}_dark": colour for name, colour in colours.items()}
    return Base(font=sans, font_mono=mono).set(color_accent="var(--accent)", **colours, **dark)
