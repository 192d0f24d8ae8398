"""Vega, Vega-Lite and Vega-Embed as one script, made by vl-convert from what its wheel carries: nothing is fetched."""

import importlib.util

from createflow.schemas.error import UserError

EXTRA = "charts"


def check_installed() -> None:
    """Say early that the charts cannot be drawn.

    Raises:
        UserError: the extra is not installed.
    """
    if importlib.util.find_spec("vl_convert") is None:
        raise UserError(
            "the HTML report of a load run needs a charting library that is not installed",
            hint=f"pip install 'createflow[{EXTRA}]'; every other format works without it",
        )


def script() -> str:
    """Defines ``vegaEmbed``; safe inside a script element."""
    check_installed()
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
