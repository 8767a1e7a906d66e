"""How maps, and what stands beside them, look in JupyterLab's light and dark themes."""

from __future__ import annotations

from geodes_datalab._theme import ACCENT, FAINT, LINK, PAPER, SHADED, TEXT

NAME = "geodes-map"
"""CSS class of every map."""

TOOLS = 84
"""Pixels that stay free beside the card at the pointer, on a narrow map: the drawing tools, and edges."""

STYLE = f"""<style>
.{NAME} .leaflet-widgetcontrol, .{NAME} .leaflet-control-layers, .geodes-card, .geodes-place {{
  color: {TEXT}; background: {PAPER}; border-radius: 4px;
  box-shadow: 0 1px 4px rgba(0, 0, 0, .4);
}}
.{NAME} .widget-html, .{NAME} .jupyter-widgets {{ margin: 0; }}
.{NAME} .leaflet-control-scale-line {{
  color: {TEXT}; background: {PAPER}; border-color: {FAINT}; text-shadow: none;
}}
.{NAME} .leaflet-top.leaflet-right {{ display: flex; flex-direction: column; align-items: flex-end; }}
.{NAME} .leaflet-top.leaflet-right .leaflet-control-layers {{ order: -1; }}
.geodes-place {{ padding: 0 6px; font-size: 12px; line-height: 18px; white-space: nowrap; }}
.{NAME} {{ container-type: inline-size; }}
.geodes-card {{
  padding: 6px 8px; font-size: 12px; line-height: 1.4; overflow-wrap: anywhere;
  box-sizing: border-box; max-width: min(336px, 100cqw - {TOOLS}px);
}}
@container (max-width: 180px) {{ .geodes-card {{ display: none; }} }}
.geodes-card div {{ color: {FAINT}; }}
.{NAME} .leaflet-pm-toolbar a.leaflet-buttons-control-button:is(:hover, :focus, .pm-disabled) {{
  background-color: {SHADED};
}}
[data-jp-theme-light="false"] .{NAME} :is(.leaflet-pm-toolbar .control-icon, .leaflet-control-layers-toggle) {{
  filter: invert(1) hue-rotate(180deg) brightness(1.3);
}}
[data-jp-theme-light="false"] .{NAME} .leaflet-control-attribution a {{
  color: {LINK};
}}
.geodes-frames {{ overflow: hidden; align-items: stretch; padding: 4px 0; }}
.geodes-frames .jupyter-button.geodes-frame {{
  flex: 0 1 132px; width: auto; min-width: 64px; height: 108px; margin: 2px; padding: 74px 0 0;
  font-size: 11px; line-height: 15px; white-space: pre; color: {TEXT};
  background: {SHADED} no-repeat center 3px / auto 70px;
  border: 2px solid transparent; border-radius: 4px;
}}
.geodes-frames .jupyter-button.geodes-chosen {{ border-color: {ACCENT}; }}
.geodes-frames .jupyter-button:focus-visible {{ outline: 2px solid {TEXT}; outline-offset: 1px; }}
.geodes-frames .jupyter-button.geodes-step {{
  flex: none; width: 32px; height: auto; margin: 2px; color: {TEXT};
  background: {SHADED};
}}
</style>"""
"""Put once into a page beside a map; colours are JupyterLab's, with others where it is not."""
