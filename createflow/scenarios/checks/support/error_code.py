"""The code in the body of a refusal, by which a program tells it from others."""

from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.profile import Errors


def code_of(reply: Reply, errors: Errors) -> str | None:
    """Where the profile says that the code is, else ``code`` or ``type``; ``None`` when there is none."""
    body = reply.document or {}
    code = value_at(body, errors.code) if errors.code else body.get("code", body.get("type"))
    return str(code) if isinstance(code, (str, int)) and code not in {"", "about:blank"} else None
