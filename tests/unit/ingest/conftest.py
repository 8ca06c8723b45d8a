"""A manifest, and a maker of small PDFs."""

from __future__ import annotations

import pytest

from services.bricks.ingest import manifest_of

FIELDS = {
    "id": "leaflets",
    "title": "Leaflets",
    "publisher": "City Hospital",
    "licence": "CC BY 4.0",
    "date": "2025-06-30",
    "url": "https://example.org/leaflets",
}


@pytest.fixture
def fields():
    return dict(FIELDS)


@pytest.fixture
def pack():
    return manifest_of(FIELDS)


def pdf_of(*pages: str, title: str = "") -> bytes:
    """A PDF whose pages have these content streams; /F1 is Helvetica, /Clear is transparent."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    resources = (
        "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
        " /ExtGState << /Clear << /ca 0 >> >> >>"
    )
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        f"<< /Title ({title}) >>",
    ]
    for number, content in enumerate(pages):
        place = f"/Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R"
        objects += [
            f"<< /Type /Page {place} /Resources {resources} >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>"
    return out + f"{head}{trailer}\nstartxref\n{len(out)}\n%%EOF".encode()


def lines_of(*lines: str, before: str = "0 g") -> str:
    """A content stream that shows lines from the top, after some operators."""
    shown = "".join(f"({line}) Tj 0 -20 Td " for line in lines)
    return f"BT /F1 12 Tf {before} 50 700 Td {shown}ET"


@pytest.fixture
def make_pdf():
    return pdf_of


@pytest.fixture
def make_lines():
    return lines_of
