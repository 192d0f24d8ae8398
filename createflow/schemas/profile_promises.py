"""``[promises]``: what a target keeps beyond the standards. What it does not promise is not asked of it."""

from createflow.schemas.profile_section import Section


class Promises(Section):
    """``[promises]``: what the target promises beyond the standards; the checks ask for nothing else."""

    contract: bool = False
    """The whole createflow write contract (contract.md): also what neither a standard nor another key asks for, such as
    the limits of ``metadata``, the members of a refusal, a 201 with a Location, updates that are judged as creates
    are. Without ``schema_file`` and ``body`` only."""
    media_types: bool = False
    """A body of another media type than ``target.media_type`` is refused (415). Otherwise it may be read
    (RFC 9110 §15.5.16)."""
    unknown_methods: bool = False
    """A method that is not served is answered 405. Otherwise 501, 404 and 403 are right as well (RFC 9110 §9.1)."""
    strict_json: bool = False
    """NaN, a comma too many, single quotes and other extensions of JSON are refused. Otherwise a parser may take them
    (RFC 8259 §9)."""
    saturation: bool = False
    """What comes while it is too busy is refused with 503 and a Retry-After of a few seconds (RFC 9110 §15.6.4); it is
    sent again after that time. Otherwise a 503 without a fault is a failure."""
    unique_keys: bool = False
    """A body with a key twice is refused. Otherwise what happens is not defined (RFC 8259 §4)."""
    error_places: bool = False
    """The refusal of an invalid body names every invalid field, by JSON Pointer (RFC 9457 §3 has it as an example)."""
    identity_first: bool = False
    """A request without a valid token is refused with 401 whatever else is wrong with it. No standard orders this."""
    malformed_tokens: bool = False
    """What is no token is refused with 401. Otherwise 400 is right as well: ``invalid_request`` (RFC 6750 §3.1)."""
    one_spelling: bool = False
    """A valid token with padding, or with unused bits set in its last letter, is refused. Otherwise a decoder may take
    them (RFC 4648 §3.5)."""
    token_types: bool = False
    """A token of another type than ``auth.type`` is refused. Otherwise RFC 8725 §3.11 recommends it."""
    token_ends: bool = False
    """A token without ``exp`` is refused. Otherwise ``exp`` is optional (RFC 7519 §4.1.4)."""
    issue_times: bool = False
    """A token that was issued in the future is refused. ``iat`` alone forbids nothing (RFC 7519 §4.1.6)."""
