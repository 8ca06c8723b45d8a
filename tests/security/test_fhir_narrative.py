"""HTML injected into narrative, XML bombs and deep JSON: refused, each by name."""

from __future__ import annotations

import time
from typing import Any

import pytest

from services.fhir.errors import FhirInvalidError
from services.fhir.jsontext import JsonError, loads_strict
from services.fhir.validate import check, faults
from services.fhir.validate.narrative import rule_broken

_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


def div(inner: str) -> str:
    return f"{_OPEN}{inner}</div>"


def patient(text: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "a", "text": {"status": "generated", "div": text}}


HOSTILE = {
    "script": div("<script>alert(1)</script>"),
    "script in another namespace": div('<s:script xmlns:s="http://www.w3.org/2000/svg"/>'),
    "svg": div('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "event attribute": div('<p onclick="alert(1)">x</p>'),
    "event attribute of the div": '<div xmlns="http://www.w3.org/1999/xhtml" onload="x()">x</div>',
    "form": div('<form action="https://evil.example"><input name="x"/></form>'),
    "button": div("<button>x</button>"),
    "iframe": div('<iframe src="https://evil.example"/>'),
    "object": div('<object data="x.swf"/>'),
    "embed": div('<embed src="x"/>'),
    "stylesheet element": div("<style>p{color:red}</style>"),
    "stylesheet link": div('<link rel="stylesheet" href="https://evil.example/x.css"/>'),
    "stylesheet by rel": div('<a rel="stylesheet" href="x.css">x</a>'),
    "base": div('<base href="https://evil.example"/>'),
    "meta refresh": div('<meta http-equiv="refresh" content="0;url=https://evil.example"/>'),
    "xlink": div('<a xmlns:x="http://www.w3.org/1999/xlink" x:href="javascript:1">x</a>'),
    "javascript link": div('<a href="javascript:alert(1)">x</a>'),
    "javascript link in capitals": div('<a href=" JaVaScRiPt:alert(1)">x</a>'),
    "javascript link with a newline": div('<a href="java&#10;script:alert(1)">x</a>'),
    "javascript link with a tab": div('<a href="java&#9;script:alert(1)">x</a>'),
    "data link": div('<a href="data:text/html,x">x</a>'),
    "vbscript link": div('<a href="vbscript:x">x</a>'),
    "picture of another server": div('<img src="https://evil.example/beacon.png" alt="x"/>'),
    "picture of another server without scheme": div('<img src="//evil.example/x.png"/>'),
    "picture of another server by backslash": div('<img src="\\\\evil.example/x.png"/>'),
    "svg picture": div('<img src="data:image/svg+xml;base64,PHN2Zz4="/>'),
    "style with an address": div('<p style="background:url(https://evil.example/x)">x</p>'),
    "style with an expression": div('<p style="width:expression(alert(1))">x</p>'),
    "style with an escape": div('<p style="background:u\\72l(https://evil.example)">x</p>'),
    "style with an import": div('<p style="@import url(x.css)">x</p>'),
    "style with a comment": div('<p style="background:u/**/rl(x)">x</p>'),
    "srcset": div('<img src="a.png" srcset="https://evil.example/x"/>'),
    "formaction": div('<p formaction="javascript:1">x</p>'),
    "html element": "<html><body>x</body></html>",
    "no namespace": "<div>x</div>",
    "foreign namespace": '<div xmlns="http://example.org">x</div>',
    "two roots": div("x") + div("y"),
    "text after the div": div("x") + "y",
    "not closed": f"{_OPEN}<p>x",
    "html that is not xml": div("<br>"),
    "attribute without quotes": div("<p class=x>y</p>"),
    "bare ampersand": div("a & b"),
    "unknown entity": div("&evil;"),
    "entity declared": f'<!DOCTYPE div [<!ENTITY e "x">]>{div("&e;")}',
    "file by entity": f'<!DOCTYPE div [<!ENTITY e SYSTEM "file:///etc/passwd">]>{div("&e;")}',
    "doctype alone": f"<!DOCTYPE html>{div('x')}",
    "processing instruction": f'<?xml-stylesheet href="x.css"?>{div("x")}',
    "processing instruction within": div("<?php echo 1 ?>x"),
    "cdata that a browser ends early": div('<![CDATA[><img src="x" onerror="x()"/>]]>'),
    "comment that a browser ends early": div('<!--><img src="x" onerror="x()"/>-->x'),
    "comment with a dash that ends early": div('<!---><img src="x" onerror="x()"/>-->x'),
    "xml declaration": f'<?xml version="1.0"?>{div("x")}',
    "xinclude": div('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
    "nothing to read": div(" \n <p> </p>"),
    "control character": div("x\x00"),
    "control character by number": div("&#0;"),
    "another encoding": f'<?xml version="1.0" encoding="utf-7"?>{div("x")}',
}

HARMLESS = {
    "plain": div("x"),
    "table": div('<table class="grid"><tbody><tr><td colspan="2">x</td></tr></tbody></table>'),
    "links": div('<a href="https://example.org/x?y=1&amp;z=2#a">x</a><a name="b" id="b">y</a>'),
    "relative link": div('<a href="StructureDefinition-x.html">x</a> <a href="#b">y</a>'),
    "mail and telephone": div('<a href="mailto:a@example.org">x</a><a href="tel:+1">y</a>'),
    "picture of the record": div('<img src="#pic" alt="x"/>'),
    "picture by data": div('<img src="data:image/png;base64,iVBORw0KGgo=" alt="x"/>'),
    "named characters of HTML": div("a&nbsp;b &copy; &lt;p&gt; &amp;nbsp;"),
    "numbered characters": div("&#160;&#xe9;"),
    "comment": div("<!-- x -->y"),
    "language": '<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">x</div>',
    "prefixed": '<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p>x</h:p></h:div>',
    "style": div('<p style="color: red; background-image: url(line.png)">x</p>'),
    "words that look like code": div("javascript: onclick expression()"),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_narrative_is_refused_as_a_fault_of_the_div(name: str) -> None:
    with pytest.raises(FhirInvalidError) as caught:
        check(patient(HOSTILE[name]))
    assert [fault.element for fault in caught.value.faults] == ["Patient.text.div"]
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_narrative_as_real_servers_write_it_is_taken(name: str) -> None:
    check(patient(HARMLESS[name]))


def test_hostile_narrative_of_a_contained_resource_and_of_an_entry_is_refused() -> None:
    inner = {**patient(HOSTILE["script"]), "id": "p"}
    outer = {
        "resourceType": "Observation",
        "id": "a",
        "status": "final",
        "code": {"text": "x"},
        "contained": [inner],
        "subject": {"reference": "#p"},
    }
    bundle = {
        "resourceType": "Bundle",
        "id": "b",
        "type": "collection",
        "entry": [{"resource": inner}],
    }
    assert faults(outer)[0].element == "Observation.contained[0].text.div"
    assert faults(bundle)[0].element == "Bundle.entry[0].resource.text.div"


def test_an_xml_bomb_is_refused_at_once_and_not_expanded() -> None:
    laughs = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 20)
    )
    blowup = f'<!ENTITY a "{"x" * 100_000}">'
    began = time.perf_counter()
    for declared, used in ((laughs, "&a19;"), (blowup, "&a;" * 10_000)):
        assert rule_broken(f"<!DOCTYPE div [{declared}]>{div(used)}")
    assert time.perf_counter() - began < 1


def test_narrative_that_nests_without_end_is_refused() -> None:
    assert rule_broken(div("<p>" * 50 + "x" + "</p>" * 50)) is None
    assert "nests" in str(rule_broken(div("<p>" * 100_000 + "x" + "</p>" * 100_000)))


def test_narrative_of_many_megabytes_is_refused() -> None:
    assert rule_broken(div("x" * (5 << 20))) == "is longer than 4 MB"


def test_deep_json_is_refused_by_the_reader_and_by_the_check() -> None:
    with pytest.raises(JsonError):
        loads_strict('{"a":' * 100_000 + "1" + "}" * 100_000)
    value: Any = {"url": "http://example.org", "valueString": "x"}
    for _ in range(5_000):
        value = {"url": "http://example.org", "extension": [value]}
    found = faults({"resourceType": "Patient", "id": "a", "extension": [value]})
    assert "nests more than" in found[0].rule
