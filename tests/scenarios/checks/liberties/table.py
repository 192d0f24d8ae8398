"""All liberties, by their names."""

from tests.scenarios.checks.liberties import (
    body_liberties,
    framework_liberties,
    http_liberties,
    reply_liberties,
    token_liberties,
)
from tests.scenarios.checks.liberties.liberty import Liberty

LIBERTIES: dict[str, Liberty] = {
    **http_liberties.LIBERTIES,
    **token_liberties.LIBERTIES,
    **body_liberties.LIBERTIES,
    **reply_liberties.LIBERTIES,
    **framework_liberties.LIBERTIES,
}
