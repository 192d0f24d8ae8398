"""JSON texts by the kinds of JSONTestSuite: a parser must accept, must refuse, or may do either (RFC 8259)."""

from collections.abc import Iterator

DEEP = 100_000

ACCEPTED = {
    "number": "0 -0 1 -1 12 1.5 -1.5 1e5 1E5 1e+5 1E-5 1.5e10 0e1 0e+1 0.0 20e1 123e65 1e-2 -0.000000000000000000001",
    "literal": "true false null",
    "structure": '[] {} [[]] [[],{}] [null] [1,null,2] [""] {"":0} {"a":{"b":[]}} [[[[[]]]]]',
}
"""Texts between blanks."""
ACCEPTED_STRINGS = (
    "", "a", " ", '\\"', "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u0041", "\\u00e9", "\\u20AC", "\\uD834\\uDD1E", "é", "€",
    "\U0001d11e", "asd", "\\u0060\\u012a\\u12AB", "new\\u00A0line", "\\uFFFF", "/* comment */", "a/*b*/c", "\\\\a",
    "\\\\n", "\\u0022", "\\u002c", "[]{}:,", "\u2028", "\ufeffa",
)  # fmt: skip
ACCEPTED_SPACES = (" 1", "1 ", "\n1", "\t1\r\n", "[ ]", "[ 1 , 2 ]", '{ "a" : 1 }', "\r\n[\r\n]\r\n")

REFUSED = (
    # numbers
    "+1", "01", "-01", "-", "--1", "-a", "1.", ".5", "-.5", "1e", "1e+", "1E-", "1.e5", "1.5e", "1e5.5", "1_000", "1,5",
    "0x1", "0X1F", "0o7", "0b1", "1a", "1 000", "\uff11", "NaN", "-NaN", "Infinity", "-Infinity",
    "+Infinity", "inf", "nan",
    "1eE2", "0e", "2.e3", "-foo", "1+2", "1.2.3", "0.3e+", "9.e+", "1/2", "-1x", "1\u0660",
    # literals and words
    "True", "TRUE", "tru", "truee", "nul", "NULL", "None", "undefined", "nulll", "fals", "a", "'a'", "`a`",
    "\u201ca\u201d",
    "true false", "null null", "new Date()", "function(){}", "@", "$", "#", "\\", "*", "=1", "a:1", "<null>", "\u2060",
    # strings
    '"', '"a', 'a"', '"""', '"\\', '"\\"', '"\\u"', '"\\u1"', '"\\u12"', '"\\u123"', '"\\u123g"',
    '"\\U0041"', '"\\x41"',
    '"\\a"', '"\\v"', '"\\0"', '"\\\'"', '"\\ "', '"\\\n"', '"a\nb"', '"a\tb"', '"a\rb"', '"\x00"', '"\x01"', '"\x1f"',
    '"\\uD800\\"', '"\\uD800\\u"', '"\\u00A"', '"a" "b"', '"a"b', '"\\🌀"', '"\\é"', "\"a'", '"\\u{41}"',
    # arrays
    "[", "]", "[1", "1]", "[1,", "[,", "[,]", "[,1]", "[1,]", "[1,,2]", "[1,,]", "[1 2]", "[1;2]", "[1:2]", '["a":1]',
    "[1]]", "[[1]", "[1}", "(1)", "[-]", "[*]", "[a]", '["": 1]', "[1,\n1\n,1", "[3[4]]", '["a" 1]', "[][]", "[]x",
    # objects
    "{", "}", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{,}", '{,"a":1}', '{"a"}', '{"a" 1}',
    '{"a"::1}', "{a:1}",
    "{'a':1}", "{1:1}", "{null:1}", "{[]:1}", '{"a":1 "b":2}', '{"a":1;"b":2}', '{"a":1,,"b":2}', '{"a":"b"]', '{"a":}',
    "{:1}", '{"a":1}}', '{"a":1}{"b":2}', '{"a":1}x', '{"a":1}#', '{"a","b"}', '{"a":1:2}', '{"a":/*c*/1}',
    '{"a":1}//c',
    '{"a":1}/**/', '{"a":1}/*', "{{}}", '{"a":...}', '{"x"::"b"}', '{"a":"a" 123}', '{key: "value"}', "{9999E9999:1}",
    '{"a":1,"a":2}', '{"a":{"b":1,"b":1}}', '{"a":1,"\\u0061":2}', '{"":1,"":2}',
    # white space that is none, and comments
    "\x0b1", "\x0c1", "\u00a01", "\u20281", "\u30001", "1\x00", "\x001", "//c\n1", "/**/1", "#c\n1",
    "[\u00a01]", "1\ufeff",
)  # fmt: skip
"""Refused also where a parser may accept: names that come twice (RFC 8259 §4) would be read differently by others."""

REFUSED_BYTES = (
    b"\xef\xbb\xbf{}", b"\xef\xbb\xbf", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", b"{\0}\0", b"\0{\0}", b"\xff\xfe\0\0",
    b'"\xff"', b'"\x80"', b'"\xc0\x80"', b'"\xc0\xaf"', b'"\xe0\x80\xaf"', b'"\xf0\x80\x80\xaf"', b'"\xc3"',
    b'"\xc3\x28"',
    b'"\xe2\x82"', b'"\xed\xa0\x80"', b'"\xed\xbf\xbf"', b'"\xf4\x90\x80\x80"', b'"\xf8\x88\x80\x80\x80"', b'"\xfe"',
    b'"\xe9"', b'{"\xff":1}', b"[\xff]", b"\xe5", b"1\xe5", b"\xf0\x9f\x8c\x80", b'"\\\xe5"', b'"\\u\xe5"', b"", b" ",
    b"\n\n", b"\0", b"\x1f\x8b\x08\0", b"\x80\x04}.", b"\xa1\x61\x61\x01",
    b"[" * DEEP, b'{"a":' * DEEP, b"[" * 1000 + b"]" * 999, b'[{"":' * 20_000, b'"' + b"a" * 1000, b"[1," * 10_000,
)  # fmt: skip

EITHER = (
    # numbers that do not fit
    "1e400", "-1e400", "1e-400", "123123e100000", "0.4e00669999999999999999999999999999999999999999999999999999969999",
    "-123123123123123123123123123123", "100000000000000000000", "1.5e+9999", "-1e+9999", "123.456e78901", "1" * 400,
    "1" * 5000, "0." + "1" * 5000, "-9223372036854775809", "18446744073709551616", "9007199254740993", "1e" + "9" * 300,
    # lone surrogates and what is no character
    '"\\uD800"', '"\\uDC00"', '"\\uDADA"', '"\\uD888\\u1234"', '"\\uDd1e\\uD834"', '"\\uD800\\uD800\\n"',
    '"\\ud800abc"',
    '"\\uDFAA"', '"\\u0000"', '"\\u007f"', '"\\uFFFE"', '"\\uFDD0"', '"\x7f"', '"\u202e"', '"\\u202e"', '{"\\uD800":1}',
    # depth that a parser may limit, and size
    "[" * 500 + "]" * 500, "[" * 1000 + "]" * 1000, "[" * 20_000 + "]" * 20_000, '{"a":' * 1000 + "1" + "}" * 1000,
    "[" + "1," * 20_000 + "1]", '"' + "a" * 60_000 + '"', '"' + "\\u0041" * 9_000 + '"',
    "{" + ",".join(f'"k{n}":1' for n in range(5_000)) + "}", '{"__proto__":{"a":1}}', '{"constructor":1}',
    '{"$ref":"#"}',
)  # fmt: skip


def accepted() -> Iterator[str]:
    """Yield every text that a parser must accept."""
    for texts in ACCEPTED.values():
        yield from texts.split(" ")
    for text in ACCEPTED_STRINGS:
        yield f'"{text}"'
    yield from ACCEPTED_SPACES
