"""The page at ``/``: what this server is, and a table of its products."""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from geodes_datalab.standin import portal
from geodes_datalab.standin.records import download_path, urn_of
from geodes_datalab.standin.samples.product import Product

SHOWN = 200
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #ddd;
padding: .3rem .5rem; text-align: left; vertical-align: top } .notice { background: #fff3cd;
border-left: 4px solid #b8860b; padding: .6rem 1rem } small { color: #555 } td + td + td { white-space: nowrap } img { height: 3.5rem }
"""


async def page(request: Request) -> Response:
    """Return the page."""
    here = portal.of(request)
    products = here.catalogue.products
    rows = "\n".join(_row(here, product) for product in products[:SHOWN])
    more = f"<p>... and {len(products) - SHOWN} more.</p>" if len(products) > SHOWN else ""
    base = escape(here.base(request))
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stand-in GEODES</title>
<style>{STYLE}</style></head><body>
<h1>Stand-in GEODES</h1>
<p class="notice"><strong>{escape(portal.NOTICE)}</strong></p>
<p>Catalogue: <a href="{base}/api/stac"><code>{base}/api/stac</code></a>
(profile <code>{here.profile.name}</code>), {len(products)} products. Downloads need an API key in
the header <code>X-API-Key</code>.</p>
<table><thead><tr><th></th><th>Product</th><th>Acquired</th><th>Clouds</th><th>Size</th>
<th>State</th></tr></thead><tbody>
{rows}
</tbody></table>{more}
</body></html>"""
    return HTMLResponse(text)


def _row(here: portal.Portal, product: Product) -> str:
    told = product.properties
    comment = told.get("geodes_datalab:comment", "Recorded real item; its files are not held here.")
    clouds = "" if product.collection.startswith("PEPS_S1") else f"{told['eo:cloud_cover']:.0f} %"
    state = "on tape" if urn_of(product) in here.on_tape else "online"
    size = product.files[0].size / 1e6
    return (
        f"<tr><td>{_picture(product)}</td><td>{escape(product.identifier)}<br>"
        f"<small>{escape(product.collection)}. {escape(comment)}</small></td>"
        f"<td>{escape(told['start_datetime'][:10])}</td><td>{clouds}</td>"
        f"<td>{size:.1f} MB</td><td>{state}</td></tr>"
    )


def _picture(product: Product) -> str:
    looks = [file for file in product.files if file.role == "overview" and file.path]
    if not looks:
        return ""
    source = quote(download_path(urn_of(product), looks[0]), safe="/:?=")
    return f'<img src=".{source}" alt="" loading="lazy">'
