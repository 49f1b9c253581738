#!/usr/bin/env bash
# Expected: a form in a PDF that is no transparency group is drawn as if its operators stood in the page (ISO 32000-1, 8.10.1):
# blue of a form behind a soft mask of one half, or in a form that is drawn with /ca 0.5, lets half of the page through, as
# Poppler, MuPDF and Ghostscript draw it.
# Happens: PDFium applies the mask to the form as a whole and once more to what is in it, so that three quarters of the page
# show; with /ca it does so where the form holds another form. Drawn directly, in a form alone (/ca), or with a /Group, all
# is right. pypdfium2 5.15.2 (PDFium 159.0.8149.0), seen on 28 November 2026.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pypdfium2==5.15.2
cat > probe.py <<'PY'
import sys

import pypdfium2

RESOURCES = (
    b"/Resources << /ExtGState << /Half << /ca 0.5 >> /Mask << /SMask << /Type /Mask /S /Luminosity /G 5 0 R >> >> >>"
    b" /XObject << /Blue 6 0 R /Outer 7 0 R /Group 8 0 R >> >>"
)
AREA = b"0 0 1 rg 0 0 10 10 re f"


def stream(entries, content):
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)


def form(content, entries=b""):
    return stream(b"/Type /XObject /Subtype /Form /BBox [0 0 10 10] " + entries + RESOURCES, content)


def seen(content):
    group = b"/Group << /S /Transparency /CS /DeviceGray >> "
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 10 10] /Contents 4 0 R " + RESOURCES + b" >>",
        stream(b"", content),
        form(b"0.5 g 0 0 10 10 re f", group),
        form(AREA),
        form(b"/Blue Do"),
        form(AREA, b"/Group << /S /Transparency >> "),
    ]
    out, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 9 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    document = pypdfium2.PdfDocument(out + b"xref\n0 9\n0000000000 65535 f \n" + table + end)
    bitmap = document[0].render(scale=1)
    return bitmap.to_numpy()[5, 5].tolist()[1]  # of green, which the page has and blue has not


print("PDFium", pypdfium2.PDFIUM_INFO)
once, twice = range(126, 130), range(189, 195)
cases = {
    "an area behind a mask": (b"/Mask gs " + AREA, once),
    "a form behind a mask": (b"/Mask gs /Blue Do", twice),
    "a group behind a mask": (b"/Mask gs /Group Do", once),
    "a form with /ca 0.5": (b"/Half gs /Blue Do", once),
    "a form in a form with /ca 0.5": (b"/Half gs /Outer Do", twice),
}
as_described = True
for name, (content, expected) in cases.items():
    green = seen(content)
    print(f"{name}: {green} of 255, {green / 255:.0%} of the page shows")
    as_described &= green in expected
print("as described" if as_described else "this has changed")
sys.exit(not as_described)
PY
venv/bin/pip install --quiet numpy==2.3.5
venv/bin/python probe.py
