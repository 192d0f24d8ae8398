"""Liberties of credentials."""

from tests.scenarios.checks.liberties.liberty import AUTH, HTTP, REPLY, Liberty

LIBERTIES: dict[str, Liberty] = {
    "a challenge without parameters": Liberty(
        "RFC 9110 §11.6.1: parameters are optional; RFC 6750 §3 asks for one, and no check does",
        AUTH,
        {"challenges": ("Bearer",)},
        should=("auth_check.challenge_says_what_is_wrong",),
    ),
    "a scheme in lower case": Liberty("RFC 9110 §11.1", AUTH, {"challenges": ('bearer realm="a"{error}',)}),
    "another challenge before Bearer, in a field of its own": Liberty(
        "RFC 9110 §11.6.1: one or more challenges", AUTH, {"challenges": ('Basic realm="a"', 'Bearer realm="b"{error}')}
    ),
    "another challenge before Bearer, in the same field": Liberty(
        "RFC 9110 §11.6.1", AUTH, {"challenges": ('Basic realm="a, b", Bearer realm="c"{error}',)}
    ),
    "a challenge after Bearer": Liberty(
        "RFC 9110 §11.6.1", AUTH, {"challenges": ('Bearer realm="b"{error}', "Negotiate")}
    ),
    "a challenge with a token68": Liberty(
        "RFC 9110 §11.2", AUTH, {"challenges": ('Negotiate YWJj=, Bearer realm="b"{error}',)}
    ),
    "no challenge with a 403": Liberty("RFC 6750 §3.1: SHOULD", AUTH, {"challenge_on_403": False}),
    "400 to what is no token": Liberty("RFC 6750 §3.1: invalid_request", AUTH, {"malformed_token": 400}),
    "401 to two credentials": Liberty("RFC 9110 §15.5.2", AUTH, {"two_credentials": 401}),
    "400 to another scheme": Liberty("RFC 6750 §3.1: the request is malformed", AUTH, {"other_scheme": 400}),
    "padding and unused bits in a token": Liberty("RFC 4648 §3.5: MAY", AUTH, {"one_spelling": False}),
    "tokens without an end": Liberty("RFC 7519 §4.1.4: OPTIONAL", AUTH, {"needs_end": False}),
    "a leeway of a minute": Liberty("RFC 7519 §4.1.4: MAY", AUTH, {"leeway_s": 60}),
    "any typ": Liberty(
        "RFC 7519 §5.1: OPTIONAL; only RFC 9068 §4 asks for at+jwt", AUTH, {"type": None}, {"auth": {"type": "JWT"}}
    ),
    "iat is not looked at": Liberty("RFC 7519 §4.1.6: tells the age only", AUTH, {"future_tokens": True}),
    "429 after thirty bad tokens": Liberty("OWASP API2:2023: lock out", AUTH, {"most_bad_tokens": 30}, is_alone=True),
    "the media type is judged before the token": Liberty(
        "RFC 9110 §15.5: no order of errors", AUTH + HTTP, {"content_before_identity": True}
    ),
    "404 in place of 403": Liberty(
        "RFC 9110 §15.5.4; declared",
        AUTH,
        {"forbidden": 404},
        {"target": {"errors": {"statuses": {"forbidden": [403, 404]}}}},
    ),
    "no roles": Liberty(
        "no roles declared", AUTH, {"roles": False}, {"auth": {"reader_roles": (), "writer_roles": ()}}
    ),
    "no credential at all": Liberty(
        "none declared",
        AUTH + REPLY,
        {},
        {"auth": {"kind": "none"}, "target": {"owned": False, "fields": {"created_by": ""}}},
        is_alone=True,
    ),
}
