"""Small documents of every format, made by hand or by the libraries that write them."""

import io

SENTENCE = "The council widened the sanctions on Thursday after a debate that went on for five hours."
HTML = f"""<!doctype html><html><head><title>Council widens sanctions | The Ledger</title>
<meta name="author" content="Jane Doe"><meta property="og:site_name" content="The Ledger">
<meta property="article:published_time" content="2021-03-04T10:00:00Z">
<link rel="canonical" href="https://ledger.example/council"></head>
<body><nav><a href="/">Home</a> <a href="/news">News</a></nav>
<article><h1>Council widens sanctions</h1><p>{SENTENCE}</p>
<p>“It is caf&eacute; politics,” an envoy said of a vote on 1 January 1999 that nobody remembers any more.</p></article>
<footer>All rights reserved, but not these words.</footer></body></html>"""


def pdf(lines: list[str], title: str = "") -> bytes:
    """A PDF of one page with the lines below one another, written by hand."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    content = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (%s) >>" % title.encode("latin-1"),
    ]
    raw = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    xref = len(raw)
    raw += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    raw += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    raw += b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(raw)


def encrypted_pdf(password: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([SENTENCE]))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def docx(*, title: str = "") -> bytes:
    from docx import Document

    document = Document()
    document.core_properties.title = title
    document.add_paragraph("Council widens sanctions", style="Title")
    document.add_paragraph(SENTENCE)
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(table.row_cells(0), ("For", "For", "Against"), strict=True):
        cell.text = text
    table.cell(1, 0).merge(table.cell(1, 1)).text = "15"
    table.cell(1, 2).text = "0"
    document.add_paragraph("The end.")
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()
