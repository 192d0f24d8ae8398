"""``kind = "basic"``: user and password of each principal, in an environment variable (RFC 7617)."""

import base64

from createflow.scenarios.target.credentials import static
from createflow.schemas.error import UserError


class Provider(static.Provider):
    """Encodes ``user:password`` for the header. The user is the subject."""

    def credential(self, principal: str, value: str) -> tuple[str | None, str]:
        """The user, and ``user:password`` in base64.

        Raises:
            UserError: the variable does not hold ``user:password``.
        """
        user, colon, _ = value.partition(":")
        if not colon:
            raise UserError(f"auth.{principal}_env: the variable does not hold user:password")
        return user or None, base64.b64encode(value.encode()).decode()
