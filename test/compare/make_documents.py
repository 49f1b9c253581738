"""PDFs and SVGs as programs write them, over their options, for `npm run compare:pictures -- <folder>`:

    python test/compare/make_documents.py <folder> [<part of a program's name>]

Needs Pillow; each program is asked only where it is installed: LibreOffice (with python-docx, openpyxl, python-pptx), pdflatex, lualatex, dvips, Typst,
WeasyPrint, wkhtmltopdf, Chromium, matplotlib, Inkscape, rsvg-convert, groff, fpdf2, reportlab, GraphicsMagick, img2pdf, ocrmypdf, libtiff, Ghostscript,
qpdf, mutool, Poppler. What a program refuses to write is left out.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(sys.argv[1]).resolve()
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
SOURCES = FOLDER.parent / f"{FOLDER.name}.sources"
RNG = np.random.default_rng(int(os.environ.get("SEED", 67)))
FOLDER.mkdir(parents=True, exist_ok=True)
SOURCES.mkdir(parents=True, exist_ok=True)
REFUSED, PROGRAMS = [], []


def program(*needed):
    """Programs, and packages of Python with a point before them."""
    def known(maker):
        PROGRAMS.append((needed, maker))
        return maker

    return known


def has(needed):
    return importlib.util.find_spec(needed[1:]) is not None if needed.startswith(".") else shutil.which(needed) is not None


def run(name, *words, **options):
    out = FOLDER / name
    words = [str(out) if word is OUT else str(word) for word in words]
    try:
        done = subprocess.run(words, capture_output=True, timeout=options.pop("timeout", 90), **options)
        failed = done.returncode != 0 and not (words[0] == "qpdf" and done.returncode == 3)
        said = done.stderr.decode("utf8", "replace")
    except subprocess.TimeoutExpired:
        failed, said = True, "takes too long"
    if failed or not out.exists() or not out.stat().st_size:
        REFUSED.append(f"{name}: {' '.join(words)[:160]}: {said.strip()[-200:]}")
        out.unlink(missing_ok=True)
        return None
    return out


def made(name, maker):
    """By a package of Python."""
    try:
        maker(FOLDER / name)
    except Exception as error:
        REFUSED.append(f"{name}: {type(error).__name__} {error}"[:300])
        (FOLDER / name).unlink(missing_ok=True)


class OUT:
    """Where the file's own path stands in a command."""


def words_of(option):
    return re.sub(r"[^a-z0-9]+", "-", str(option).lower()).strip("-")


def source(name, text):
    path = SOURCES / name
    path.write_text(text, "utf8") if isinstance(text, str) else path.write_bytes(text)
    return path


def photo(name, width=240, height=160, mode="RGB", **options):
    y, x = np.mgrid[0:height, 0:width]
    planes = np.stack([x / width, y / height, (x + y) / (width + height)], -1)
    image = Image.fromarray(np.clip(planes * 255 + RNG.normal(0, 3, planes.shape), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.2, width * 0.5, height * 0.7), fill=(220, 30, 40))
    draw.rectangle((width * 0.6, height * 0.1, width * 0.9, height * 0.4), fill=(20, 40, 200))
    if mode == "RGBA":
        image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))))
    path = SOURCES / name
    shown = image if mode == "RGBA" else image.convert("L").point(lambda value: 255 * (value > 120)).convert("1") if mode == "1" else image.convert(mode)
    shown.save(path, **options)
    return path


RGB, RGBA, JPEG = photo("rgb.png"), photo("rgba.png", mode="RGBA"), photo("rgb.jpg", quality=90)
GREY, BITS, CMYK = photo("grey.png", mode="L"), photo("bits.png", mode="1"), photo("cmyk.jpg", mode="CMYK")
TEXT = "The quick brown fox jumps over the lazy dog. 0123456789 ÄÖÜ äöü ß é ç ñ € – “quoted” fi ffl"
CYRILLIC, GREEK, HEBREW = "Съешь ещё этих мягких булок", "Ξεσκεπάζω την ψυχοφθόρα", "דג סקרן שט בים"
WORLD = f"{CYRILLIC}. {GREEK}."

# --- office --------------------------------------------------------------------------------------------------------


def docx(path):
    import docx as word
    from docx.enum.text import WD_COLOR_INDEX
    from docx.shared import Cm, Pt, RGBColor

    document = word.Document()
    document.add_heading("Report", 0)
    for style in ("Normal", "Heading 1", "Heading 2", "List Bullet", "List Number", "Quote", "Intense Quote"):
        document.add_paragraph(f"{style}: {TEXT}", style=style)
    line = document.add_paragraph()
    for change in ("bold", "italic", "underline", "strike", "subscript", "superscript", "shadow", "outline", "emboss", "small_caps", "all_caps", "double_strike"):
        piece = line.add_run(f"{change} ")
        setattr(piece.font, change, True)
        piece.font.size, piece.font.color.rgb = Pt(13), RGBColor(20, 60, 160)
    for font in ("Arial", "Times New Roman", "Courier New", "Calibri", "Cambria", "Georgia", "Comic Sans MS", "DejaVu Sans", "Liberation Serif", "Symbol"):
        piece = document.add_paragraph().add_run(f"{font}: {TEXT[:45]} {CYRILLIC}")
        piece.font.name, piece.font.highlight_color = font, WD_COLOR_INDEX.YELLOW if font == "Arial" else None
    document.add_paragraph(WORLD)
    table = document.add_table(4, 5, style="Medium Shading 1 Accent 2")
    for row, cells in enumerate(table.rows):
        for column, cell in enumerate(cells.cells):
            cell.text = str(row * column * 37)
    for image in (RGB, RGBA, JPEG, GREY, BITS):
        document.add_picture(str(image), width=Cm(6))
    document.save(path)


def xlsx(path):
    import openpyxl
    from openpyxl.chart import AreaChart, BarChart, DoughnutChart, LineChart, PieChart, RadarChart, Reference, ScatterChart, Series
    from openpyxl.drawing.image import Image as Picture
    from openpyxl.formatting.rule import ColorScaleRule, DataBarRule, IconSetRule
    from openpyxl.styles import Border, Font, GradientFill, PatternFill, Side

    book = openpyxl.Workbook()
    sheet = book.active
    for row in range(1, 13):
        sheet.append([f"Month {row}", row * 17 % 23, row * row % 31, 40 - row])
    for column, kind in enumerate(("solid", "darkGrid", "lightUp", "gray125", "darkTrellis", "lightHorizontal"), 6):
        sheet.cell(1, column, kind).fill = PatternFill(kind, fgColor="DD2233", bgColor="FFEE99")
        sheet.cell(2, column, kind).border = Border(*[Side(style=side, color="2233DD") for side in ("thin", "double", "dashed", "thick")])
        sheet.cell(3, column, kind).fill = GradientFill(degree=45 * column, stop=("FFFFFF", "3366CC"))
        sheet.cell(4, column, 0.375).number_format = ("0%", "0.00", "# ?/?", "yyyy-mm-dd", "[Red]0.0", "@")[column - 6]
        sheet.cell(5, column, kind).font = Font(name="Courier New", size=8 + column, bold=True, color="AA00AA")
    sheet.conditional_formatting.add("B1:B12", ColorScaleRule(mid_type="percentile", mid_value=50, mid_color="FFFF00", end_type="max", end_color="00FF00", start_type="min", start_color="FF0000"))
    sheet.conditional_formatting.add("C1:C12", DataBarRule("min", 0, "max", 100, color="FF638EC6"))
    sheet.conditional_formatting.add("D1:D12", IconSetRule("3TrafficLights1", "percent", [0, 33, 67]))
    values, names = Reference(sheet, min_col=2, max_col=4, min_row=1, max_row=12), Reference(sheet, min_col=1, min_row=1, max_row=12)
    for index, kind in enumerate((BarChart, LineChart, PieChart, AreaChart, DoughnutChart, RadarChart)):
        chart = kind()
        chart.add_data(values)
        chart.set_categories(names)
        chart.title, chart.width, chart.height = kind.__name__, 9, 6
        book.create_sheet(kind.__name__).add_chart(chart, "A1") if index > 2 else sheet.add_chart(chart, f"A{15 + index * 14}")
    scatter = ScatterChart()
    scatter.series.append(Series(Reference(sheet, min_col=2, min_row=1, max_row=12), Reference(sheet, min_col=3, min_row=1, max_row=12)))
    sheet.add_chart(scatter, "F15")
    sheet.add_image(Picture(str(RGBA)), "F30")
    book.save(path)


def pptx(path):
    import pptx as point
    from pptx.chart.data import CategoryChartData
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.enum.dml import MSO_LINE, MSO_PATTERN
    from pptx.enum.shapes import MSO_SHAPE
    from pptx.util import Cm, Pt

    show = point.Presentation()
    shapes = [MSO_SHAPE.ROUNDED_RECTANGLE, MSO_SHAPE.OVAL, MSO_SHAPE.STAR_5_POINT, MSO_SHAPE.CLOUD, MSO_SHAPE.CHEVRON, MSO_SHAPE.CAN, MSO_SHAPE.CUBE, MSO_SHAPE.HEART, MSO_SHAPE.LIGHTNING_BOLT, MSO_SHAPE.SUN, MSO_SHAPE.GEAR_6, MSO_SHAPE.FUNNEL]
    for first in range(0, len(shapes), 6):
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = "Shapes"
        slide.background.fill.gradient() if first else slide.background.fill.solid()
        if not first:
            slide.background.fill.fore_color.rgb = RGBColor(250, 245, 220)
        for index, kind in enumerate(shapes[first:first + 6]):
            shape = slide.shapes.add_shape(kind, Cm(1 + index % 3 * 8), Cm(4 + index // 3 * 7), Cm(7), Cm(5))
            shape.text_frame.text = TEXT[:24]
            if index % 3 == 0:
                shape.fill.gradient()
                shape.fill.gradient_angle = 30 * index
            elif index % 3 == 1:
                shape.fill.patterned()
                shape.fill.pattern = [MSO_PATTERN.CROSS, MSO_PATTERN.WIDE_UPWARD_DIAGONAL, MSO_PATTERN.ZIG_ZAG][index % 2]
                shape.fill.fore_color.rgb = RGBColor(220, 30, 40)
            else:
                shape.line.dash_style, shape.line.width, shape.rotation, shape.shadow.inherit = MSO_LINE.DASH_DOT, Pt(4), 20, True
    data = CategoryChartData()
    data.categories = ["North", "South", "East", "West"]
    data.add_series("One", (4, 7, 2, 5))
    data.add_series("Two", (3, 1, 6, 8))
    for kind in (XL_CHART_TYPE.COLUMN_CLUSTERED, XL_CHART_TYPE.BAR_STACKED_100, XL_CHART_TYPE.LINE_MARKERS, XL_CHART_TYPE.PIE_EXPLODED, XL_CHART_TYPE.AREA_STACKED, XL_CHART_TYPE.RADAR_FILLED):
        slide = show.slides.add_slide(show.slide_layouts[6])
        chart = slide.shapes.add_chart(kind, Cm(1), Cm(1), Cm(22), Cm(16), data).chart
        chart.has_legend = True
    slide = show.slides.add_slide(show.slide_layouts[6])
    for index, image in enumerate((RGB, RGBA, GREY, JPEG)):
        picture = slide.shapes.add_picture(str(image), Cm(1 + index % 2 * 12), Cm(1 + index // 2 * 8), Cm(10))
        picture.crop_left, picture.rotation = 0.1 * index, 15 * index
    show.save(path)


ODT = """<?xml version="1.0" encoding="UTF-8"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
xmlns:form="urn:oasis:names:tc:opendocument:xmlns:form:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.3" office:mimetype="application/vnd.oasis.opendocument.%(kind)s">
<office:styles><draw:gradient draw:name="G" draw:style="%(style)s" draw:start-color="#dd2233" draw:end-color="#2233dd" draw:angle="300" draw:border="10%%" draw:cx="40%%" draw:cy="60%%"/>
<draw:hatch draw:name="H" draw:style="triple" draw:color="#008800" draw:distance="0.15cm" draw:rotation="300"/>
<draw:opacity draw:name="O" draw:style="linear" draw:start="100%%" draw:end="10%%" draw:angle="900"/></office:styles>
<office:automatic-styles><style:style style:name="g" style:family="graphic"><style:graphic-properties draw:fill="gradient" draw:fill-gradient-name="G"/></style:style>
<style:style style:name="h" style:family="graphic"><style:graphic-properties draw:fill="hatch" draw:fill-hatch-name="H" draw:fill-hatch-solid="true" draw:fill-color="#ffee99"/></style:style>
<style:style style:name="t" style:family="graphic"><style:graphic-properties draw:fill="solid" draw:fill-color="#2233dd" draw:opacity="40%%" svg:stroke-width="0.3cm" svg:stroke-color="#dd2233"/></style:style>
<style:style style:name="o" style:family="graphic"><style:graphic-properties draw:fill="solid" draw:fill-color="#119944" draw:opacity-name="O" draw:shadow="visible" draw:shadow-offset-x="0.3cm" draw:shadow-offset-y="0.3cm" draw:shadow-opacity="50%%"/></style:style></office:automatic-styles>
<office:body><office:%(body)s>%(page)s%(shapes)s%(end)s</office:%(body)s></office:body></office:document>"""


def drawing(name, style, kind="graphics"):
    shapes = "".join(f'<draw:{shape} draw:style-name="{look}" svg:x="{1 + index % 4 * 4.5}cm" svg:y="{1 + index // 4 * 4.5}cm" svg:width="4cm" svg:height="4cm"><text:p>{TEXT[:12]}</text:p></draw:{shape}>'
                     for index, (shape, look) in enumerate(product(("rect", "ellipse"), "ghto")))
    page = ('<draw:page draw:name="p">', "</draw:page>")
    return source(name, ODT % {"kind": kind, "style": style, "body": "drawing", "page": page[0], "shapes": shapes, "end": page[1]})


@program("soffice")
def libreoffice():
    office = SOURCES / "office"
    office.mkdir(exist_ok=True)
    for name, maker in {"a.docx": docx, "a.xlsx": xlsx, "a.pptx": pptx}.items():
        try:
            maker(office / name)
        except ImportError as error:
            REFUSED.append(f"{name}: {error}")
    for style in ("linear", "axial", "radial", "ellipsoid", "square", "rectangular"):
        shutil.move(drawing(f"{style}.fodg", style), office / f"{style}.fodg")
    page = source("office/page.html", f"<h1>Heading</h1><p>{TEXT}</p><p>{WORLD}</p><form><input value='name'><input type=checkbox checked><select><option>one</select><textarea>more</textarea></form><table border=1><tr><td>1<td>2</table><img src='{RGBA}'>")
    filters = {"plain": {}, "pdfa1": {"SelectPdfVersion": 1}, "pdfa2": {"SelectPdfVersion": 2}, "pdfa3": {"SelectPdfVersion": 3}, "pdf15": {"SelectPdfVersion": 15}, "pdf17": {"SelectPdfVersion": 17}, "tagged": {"UseTaggedPDF": True, "PDFUACompliance": True},
               "lossless": {"UseLosslessCompression": True}, "quality": {"Quality": 20, "ReduceImageResolution": True, "MaxImageResolution": 75}, "standard-fonts": {"EmbedStandardFonts": True}, "no-forms": {"ExportFormFields": False},
               "watermark": {"Watermark": "DRAFT"}, "tiled-watermark": {"TiledWatermark": "COPY"}, "notes": {"ExportNotesPages": True}, "bookmarks": {"ExportBookmarks": True, "IsAddStream": True}, "first": {"PageRange": "1"}, "redact": {"IsRedactMode": True}}
    for path in sorted(office.iterdir()):
        module = {"docx": "writer", "xlsx": "calc", "pptx": "impress", "fodg": "draw", "html": "writer_web"}[path.suffix[1:]]
        for name, options in filters.items():
            if path.suffix in (".fodg", ".html") and name not in ("plain", "pdfa1", "pdfa2", "lossless", "tagged"):
                continue
            written = json.dumps({key: {"type": "boolean" if isinstance(value, bool) else "long" if isinstance(value, int) else "string", "value": str(value).lower() if isinstance(value, bool) else str(value)} for key, value in options.items()})
            convert(path, f"office-{path.stem}-{path.suffix[1:]}-{name}.pdf", f"pdf:{module}_pdf_Export" + (f":{written}" if options else ""))
        for ending in ("png", "jpg", "svg", "tiff", "gif", "webp", "emf", "wmf", "eps", "bmp") if path.suffix in (".fodg", ".pptx") else ("png", "jpg"):
            convert(path, f"office-{path.stem}-{path.suffix[1:]}.{ending}", ending)


def convert(path, name, to):
    if (FOLDER / name).exists():  # it starts so slowly that a run which was cut off goes on
        return
    made_in = SOURCES / "converted"
    made_in.mkdir(exist_ok=True)
    for old in made_in.iterdir():
        old.unlink()
    words = ["soffice", "--headless", f"-env:UserInstallation=file://{SOURCES}/profile", "--convert-to", to, "--outdir", made_in, path]
    try:
        subprocess.run(words, capture_output=True, timeout=300)
    except subprocess.TimeoutExpired:
        pass  # it is left out
    found = next(iter(made_in.iterdir()), None)
    if found is None:
        REFUSED.append(f"{name}: soffice --convert-to {to}")
    else:
        shutil.move(found, FOLDER / name)


# --- TeX -------------------------------------------------------------------------------------------------------------

TIKZ = r"""\usepackage{tikz}\usetikzlibrary{patterns,shadings,fadings,shadows,arrows,decorations.pathmorphing,calc}"""
SNIPPETS = {
    "text": rf"\section{{Text}} {TEXT.replace('€', '').replace('–', '--').replace('“', '``').replace('”', chr(39) * 2)} \emph{{em}} \textbf{{bold}} \texttt{{mono}} \textsc{{Small}} \[ \int_0^\infty e^{{-x^2}}\,dx = \frac{{\sqrt\pi}}2 \quad \sum_{{k=1}}^n \binom nk \mathcal{{A}} \mathbf{{x}} \begin{{pmatrix}} 1 & 2 \\ 3 & 4 \end{{pmatrix}} \]",
    "table": r"\begin{tabular}{|l|r|c|}\hline a & 1.5 & x\\ \hline b & 22 & y\\ \hline\end{tabular}\par\medskip\rule{5cm}{3pt}\par\fbox{\parbox{4cm}{boxed text}}\footnote{A footnote.}",
    "shading": r"\begin{tikzpicture}\shade[left color=red,right color=blue] (0,0) rectangle (4,3);\shade[ball color=green] (6,1.5) circle (1.5);\shade[inner color=yellow,outer color=purple] (0,-4) rectangle (4,-1);\shade[top color=white,bottom color=black,middle color=orange,shading angle=30] (5,-4) rectangle (8,-1);\shade[lower left=red,upper left=green,upper right=blue,lower right=yellow] (0,-8) rectangle (4,-5);\end{tikzpicture}",
    "colourwheel": r"\begin{tikzpicture}\shade[shading=color wheel] (0,0) circle (2);\shade[shading=color wheel white center] (5,0) circle (2);\shade[shading=color wheel black center] (0,-5) circle (2);\shade[shading=Mandelbrot set] (5,-5) circle (2);\end{tikzpicture}",
    "patterns": r"\begin{tikzpicture}\foreach \p [count=\i] in {horizontal lines,vertical lines,north east lines,north west lines,grid,crosshatch,dots,crosshatch dots,fivepointed stars,bricks,checkerboard} {\draw[pattern=\p,pattern color=blue] ({mod(\i,4)*3},{-int(\i/4)*3}) rectangle +(2.5,2.5);}\end{tikzpicture}",
    "opacity": r"\begin{tikzpicture}\fill[red,opacity=.5] (0,0) circle (2);\fill[green,opacity=.5] (1.5,0) circle (2);\begin{scope}[transparency group,opacity=.4]\fill[blue] (0.7,1.5) circle (2);\fill[yellow] (2,2) circle (1);\end{scope}\draw[line width=8pt,opacity=.3,dash pattern=on 10pt off 4pt,line cap=round] (-2,-3) -- (4,4);\end{tikzpicture}",
    "blend": r"\begin{tikzpicture}\foreach \m [count=\i] in {multiply,screen,overlay,darken,lighten,difference,exclusion,hue,luminosity,color dodge,soft light,hard light} {\begin{scope}[shift={({mod(\i,4)*4},{-int(\i/4)*4})}]\fill[orange] (0,0) rectangle (2,2);\begin{scope}[blend mode=\m]\fill[{rgb,1:red,0;green,.55;blue,.9}] (1,1) rectangle (3,3);\end{scope}\end{scope}}\end{tikzpicture}",
    "fading": r"\begin{tikzpicture}\fill[black!20] (0,0) rectangle (8,4);\fill[red,path fading=west] (0,0) rectangle (4,4);\fill[blue,path fading=circle with fuzzy edge 15 percent] (6,2) circle (1.8);\node[circular drop shadow,fill=yellow,circle] at (4,-2) {shadow};\node[fill=green,drop shadow] at (1,-2) {drop};\end{tikzpicture}",
    "clip": r"\begin{tikzpicture}\begin{scope}\clip (0,0) circle (2);\fill[red] (-2,-2) rectangle (0,2);\fill[blue!50] (0,-2) rectangle (2,2);\node[rotate=30,scale=2] {clipped text};\end{scope}\draw[decorate,decoration={snake,amplitude=3mm},line width=2pt,->] (3,0) -- (8,0);\fill[even odd rule,purple] (5,-3) circle (1.5) (5,-3) circle (.7);\end{tikzpicture}",
    "picture": rf"\includegraphics[width=6cm]{{{RGB}}} \includegraphics[width=4cm,angle=20]{{{RGBA}}} \includegraphics[width=4cm,trim=20 20 20 20,clip]{{{JPEG}}} \includegraphics[width=4cm]{{{GREY}}} \includegraphics[width=4cm]{{{CMYK}}} \includegraphics[width=3cm]{{{BITS}}}",
    "colours": r"\colorbox{yellow}{yellow} \textcolor[cmyk]{1,0,0,0}{cyan} \textcolor[cmyk]{0,1,.5,.2}{mixed} \textcolor[gray]{.5}{grey} \textcolor[rgb]{.2,.7,.1}{green} \fcolorbox{red}{white}{framed} \textcolor[HTML]{3366CC}{html} {\color[cmyk]{.2,.8,0,.1}\rule{5cm}{2cm}}",
    "links": r"\usepackage",
    "form": r"\usepackage",
}


@program("pdflatex")
def pdflatex():
    for engine in ("pdflatex", "lualatex"):
        if not shutil.which(engine):
            continue
        for name, body in SNIPPETS.items():
            if body != r"\usepackage" and (engine == "pdflatex" or name in ("text", "shading", "opacity", "picture")):
                tex(engine, name, rf"\documentclass{{article}}\usepackage[T1]{{fontenc}}\usepackage{{amsmath,graphicx,xcolor}}{TIKZ}\begin{{document}}{body}\end{{document}}")
    for name, fonts in {"type1": "", "bitmap": r"\usepackage[T1]{fontenc}", "lm": r"\usepackage{lmodern}\usepackage[T1]{fontenc}", "times": r"\usepackage{times}", "helvet": r"\usepackage{helvet}\renewcommand\familydefault\sfdefault", "palatino": r"\usepackage{palatino}", "pslatex": r"\usepackage{pslatex}"}.items():
        tex("pdflatex", f"font-{name}", rf"\pdfmapfile{{}}\documentclass{{article}}{fonts}\begin{{document}}{SNIPPETS['text'].replace('ß', '').replace('é', 'e').replace('ç', 'c').replace('ñ', 'n')}\end{{document}}" if name == "bitmap" else rf"\documentclass{{article}}{fonts}\usepackage{{amsmath}}\begin{{document}}{SNIPPETS['text']}\end{{document}}")
    for kind in ("article", "report", "book", "letter", "beamer"):
        body = r"\begin{frame}{Title}\begin{itemize}\item<1-> one\item<2-> two\end{itemize}\begin{block}{Block}text\end{block}\end{frame}" if kind == "beamer" else r"\begin{letter}{Someone}\opening{Dear}Text\closing{Yours}\end{letter}" if kind == "letter" else rf"\title{{T}}\author{{A}}\maketitle\tableofcontents\section{{One}}{TEXT[:44]}"
        for theme in ("default", "Warsaw", "Madrid", "CambridgeUS") if kind == "beamer" else ("",):
            tex("pdflatex", f"class-{kind}-{theme}", rf"\documentclass{{{kind}}}" + (rf"\usetheme{{{theme}}}" if theme else "") + rf"\begin{{document}}{body}\end{{document}}")
    tex("pdflatex", "links", r"\documentclass{article}\usepackage{hyperref}\begin{document}\section{A}\label{a}See \ref{a}, \url{http://example.org}, \href{http://example.org}{a link}\footnote{f}.\end{document}")
    tex("pdflatex", "form", r"\documentclass{article}\usepackage{hyperref}\begin{document}\begin{Form}\TextField[name=a,value=Filled]{Name} \CheckBox[name=b,checked]{Yes} \ChoiceMenu[name=c,radio,default=x]{Pick}{x,y} \ChoiceMenu[name=d,combo,default=one]{Combo}{one,two} \PushButton[name=e]{Press}\end{Form}\end{document}")
    for level in (0, 1, 3):
        tex("pdflatex", f"compress{level}", rf"\pdfcompresslevel={level * 3}\pdfobjcompresslevel={level}\pdfminorversion={4 + level}\documentclass{{article}}\begin{{document}}{TEXT[:44]}\end{{document}}")
    for name in ("text", "table", "clip", "patterns", "shading", "colours"):
        folder = SOURCES / f"dvi-{name}"
        folder.mkdir(exist_ok=True)
        (folder / "a.tex").write_text(rf"\documentclass{{article}}\usepackage{{amsmath,graphicx,xcolor}}{TIKZ}\begin{{document}}{SNIPPETS[name]}\end{{document}}")
        if shutil.which("latex") and subprocess.run(["latex", "-interaction=nonstopmode", "a.tex"], cwd=folder, capture_output=True, timeout=90).returncode == 0:
            run(f"dvipdfmx-{name}.pdf", "dvipdfmx", "-q", "-o", OUT, "a.dvi", cwd=folder)
            for words in ("", "-Ppdf", "-V1 -D 300", "-V1 -D 600 -Pljfour"):
                ps = run(f"dvips-{name}-{words_of(words)}.ps", "dvips", "-q", *words.split(), "-o", OUT, "a.dvi", cwd=folder)
                if ps:
                    run(f"dvips-{name}-{words_of(words)}.pdf", "ps2pdf", ps, OUT)
                    ps.unlink()


def tex(engine, name, text):
    folder = SOURCES / f"{engine}-{name}"
    folder.mkdir(exist_ok=True)
    (folder / "a.tex").write_text(text, "utf8")
    done = subprocess.run([engine, "-interaction=nonstopmode", "a.tex"], cwd=folder, capture_output=True, timeout=120)
    if (folder / "a.pdf").exists():
        shutil.move(folder / "a.pdf", FOLDER / f"{engine}-{name}.pdf")
    else:
        REFUSED.append(f"{engine}-{name}: {re.findall(rb'^! .*', done.stdout, re.M)[:2]}")


# --- typesetters, browsers -------------------------------------------------------------------------------------------

CSS_BOXES = """
.a{background:linear-gradient(45deg,red,blue)} .b{background:radial-gradient(circle at 30% 30%,gold,teal 60%,navy)} .c{background:conic-gradient(red,yellow,lime,aqua,blue,magenta,red)}
.d{background:repeating-linear-gradient(30deg,#ccc 0 8px,#c33 8px 16px)} .e{background:#fc8;box-shadow:8px 8px 10px rgba(0,0,0,.5),inset 0 0 12px #900} .f{background:#8cf;border-radius:40px 10px;border:6px dashed #06c}
.g{background:#cfc;border:10px ridge #393} .h{background:rgba(0,0,255,.3);outline:4px dotted red} .i{background:#fcf;transform:rotate(15deg) skewX(10deg)} .j{background:#ffc;filter:blur(2px)} .k{background:#39c;mix-blend-mode:multiply}
.l{background:#c93;clip-path:polygon(50% 0,100% 100%,0 100%)} .m{background:url(IMAGE) center/cover;opacity:.6} .n{background:linear-gradient(rgba(255,0,0,0),red);} .o{background:#999;-webkit-mask:linear-gradient(#000,transparent);mask:linear-gradient(#000,transparent)}
.p{border-image:linear-gradient(red,blue) 20;border:10px solid} .q{background:url(IMAGE) 0 0/30px 20px repeat} .r{background:#def;border-radius:50%;border:3px double #036} .s{filter:drop-shadow(4px 4px 3px #000);color:#c00;font-size:40px} .t{background:#333;color:#fff;text-shadow:2px 2px 3px #ff0;font-size:24px}"""
PAGES = {
    "boxes": f"<style>body{{font:14px sans-serif}} div{{width:110px;height:80px;margin:12px;display:inline-block;vertical-align:top}}{CSS_BOXES.replace('IMAGE', RGB.as_uri())}</style>" + "".join(f'<div class="{letter}">{letter}</div>' for letter in "abcdefghijklmnopqrst"),
    "text": f"<style>p{{margin:6px}}</style><h1>{TEXT[:30]}</h1><p>{TEXT}</p><p style='font-family:serif'><b>bold</b> <i>italic</i> <u>under</u> <s>struck</s> <sub>sub</sub> <sup>sup</sup> <code>code</code> <mark>mark</mark></p><p>{WORLD}</p><p dir=rtl>{HEBREW}</p><p style='letter-spacing:4px;word-spacing:10px;text-transform:uppercase'>spaced</p><p style='-webkit-text-stroke:1px red;color:transparent;font-size:40px'>outline</p><p style='writing-mode:vertical-rl'>vertical</p><p style='columns:2'>{TEXT * 3}</p>",
    "emoji": "<p style='font-size:30px'>☃ ★ ♥ ✓ → ∞ √ ½ № ™ ☎ ♞ ⚙ ✈ 😀 🎉 🇩🇪 1️⃣</p><p>漢字かな交じり文 中文简体 繁體中文 한국어 ไทย हिन्दी العربية</p>",
    "table": "<style>table{border-collapse:collapse}td,th{border:1px solid #999;padding:4px}tr:nth-child(even){background:#eef}th{background:#369;color:#fff}</style><table>" + "<tr><th>A<th>B<th>C" + "".join(f"<tr><td>{n}<td>{n * n}<td>{'x' * (n % 7)}" for n in range(40)) + "</table>",
    "images": "".join(f"<img src='{path.as_uri()}' style='width:160px;margin:8px;{style}'>" for path, style in ((RGB, ""), (RGBA, "background:#ff8"), (JPEG, "transform:rotate(30deg)"), (GREY, "opacity:.4"), (BITS, "image-rendering:pixelated"), (CMYK, "border-radius:50%"), (RGB, "filter:grayscale(1)"), (RGB, "filter:hue-rotate(90deg)"), (RGB, "object-fit:cover;height:160px"))),
    "svg": "<svg width=400 height=300 viewBox='0 0 200 150'><defs><linearGradient id=g><stop stop-color=red /><stop offset=1 stop-color=blue stop-opacity=.2 /></linearGradient><pattern id=p width=10 height=10 patternUnits=userSpaceOnUse><circle cx=5 cy=5 r=3 fill=green /></pattern><mask id=m><rect width=200 height=150 fill=white /><circle cx=100 cy=75 r=40 fill=black /></mask><clipPath id=c><circle cx=50 cy=50 r=40 /></clipPath><marker id=a markerWidth=6 markerHeight=6 refX=3 refY=3 orient=auto><path d='M0 0L6 3L0 6z'/></marker><filter id=f><feGaussianBlur stdDeviation=3 /></filter></defs><rect width=90 height=60 fill='url(#g)'/><rect x=100 width=90 height=60 fill='url(#p)' stroke=black /><rect y=70 width=190 height=70 fill=orange mask='url(#m)'/><rect width=100 height=100 fill=purple opacity=.5 clip-path='url(#c)'/><path d='M10 140Q60 60 120 140T190 100' fill=none stroke=black stroke-width=2 marker-end='url(#a)' stroke-dasharray='8 3'/><circle cx=160 cy=110 r=20 fill=teal filter='url(#f)'/><text x=20 y=100 font-size=16 transform='rotate(-10 20 100)'>SVG text</text></svg>",
    "canvas": "<canvas id=c width=400 height=300></canvas><script>const x=document.getElementById('c').getContext('2d');const g=x.createLinearGradient(0,0,400,0);g.addColorStop(0,'red');g.addColorStop(1,'blue');x.fillStyle=g;x.fillRect(0,0,400,150);x.globalAlpha=.5;x.fillStyle='green';x.beginPath();x.arc(200,150,100,0,7);x.fill();x.shadowBlur=10;x.shadowColor='#000';x.font='40px serif';x.fillText('canvas',100,250)</script>",
    "forms": "<form><input value=text> <input type=password value=secret> <input type=checkbox checked> <input type=radio checked> <input type=range value=70> <input type=color value='#ff8800'> <input type=date value=2026-11-28> <progress value=.6></progress> <meter value=.7></meter> <select><option>one<option selected>two</select> <button>Press</button><textarea>many words</textarea></form>",
    "paged": "<style>@page{size:A5 landscape;margin:1cm} h1{break-before:page;background:#eee}</style>" + "".join(f"<h1>Page {n}</h1><p>{TEXT * 3}</p>" for n in range(3)),
    "small": "<style>@page{size:80mm 200mm;margin:2mm} body{font:9px monospace}</style>" + "".join(f"<div>item {n} ........ {n * 3.15:.2f}</div>" for n in range(30)),
}


@program()
def browsers():
    for name, body in PAGES.items():
        page = source(f"{name}.html", f"<!doctype html><html><head><meta charset=utf-8></head><body>{body}</body></html>")
        if shutil.which("chromium"):
            for words in ("", "--no-pdf-header-footer", "--force-device-scale-factor=2") if name in ("boxes", "text") else ("--no-pdf-header-footer",):
                run(f"chromium-{name}-{words_of(words)}.pdf", "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={SOURCES}/chromium", *words.split(), f"--print-to-pdf={FOLDER}/chromium-{name}-{words_of(words)}.pdf", page.as_uri())
        if shutil.which("wkhtmltopdf"):
            for words in ("", "--grayscale", "--lowquality", "--no-background --orientation Landscape", "--print-media-type --enable-forms", "--image-dpi 72 --image-quality 30", "--disable-smart-shrinking --page-size A6 --zoom 0.5"):
                if not words or name in ("boxes", "images", "forms"):
                    run(f"wkhtmltopdf-{name}-{words_of(words)}.pdf", "wkhtmltopdf", "-q", "--enable-local-file-access", *words.split(), page, OUT)
            for ending in ("png", "jpg", "svg"):
                run(f"wkhtmltoimage-{name}.{ending}", "wkhtmltoimage", "-q", "--enable-local-file-access", "-f", ending, page, OUT)
        if shutil.which("weasyprint") and name != "canvas":
            for words in ("", "--full-fonts", "--uncompressed-pdf", "--pdf-variant pdf/a-3b", "--pdf-variant pdf/ua-1", "--pdf-forms", "--hinting", "--optimize-images --dpi 50", "--pdf-version 1.4"):
                if not words or name in ("text", "images", "forms"):
                    run(f"weasyprint-{name}-{words_of(words)}.pdf", "weasyprint", *words.split(), page, OUT)


TYPST = {
    "text": f'#set text(lang: "en")\n= Heading\n{TEXT}\n\n*bold* _italic_ `raw` #underline[under] #strike[struck] #highlight[high] #smallcaps[Small] #sub[a]#super[b]\n\n{WORLD}\n$ integral_0^infinity e^(-x^2) dif x = sqrt(pi)/2 $ $ mat(1, 2; 3, 4) sum_(k=1)^n binom(n, k) $\n+ one\n+ two\n- three #footnote[Note]',
    "gradients": "#stack(spacing: 8pt, rect(width: 8cm, height: 2cm, fill: gradient.linear(red, blue)), rect(width: 8cm, height: 2cm, fill: gradient.radial(..color.map.rainbow)), rect(width: 8cm, height: 2cm, fill: gradient.conic(..color.map.spectral)), text(fill: gradient.linear(red, green), size: 40pt)[Gradient], circle(radius: 1cm, stroke: 6pt + gradient.conic(..color.map.viridis)), rect(width: 8cm, height: 1cm, fill: gradient.linear(red, blue, space: oklch)), rect(width: 8cm, height: 1cm, fill: gradient.linear(red, blue).sharp(5)))",
    "tilings": "#let t = tiling(size: (20pt, 20pt))[#place(line(start: (0%, 0%), end: (100%, 100%)))#place(circle(radius: 4pt, fill: red))]\n#rect(fill: t, width: 8cm, height: 3cm, stroke: 1pt)\n#polygon.regular(fill: t, vertices: 7, size: 4cm)",
    "colours": "#for c in (rgb(\"#c33a\"), cmyk(20%, 80%, 0%, 10%), luma(40%), oklab(60%, 0.1, 0.1), oklch(60%, 0.2, 200deg), color.hsl(30deg, 80%, 50%), color.hsv(200deg, 80%, 90%), color.linear-rgb(30%, 50%, 80%)) { rect(fill: c, width: 6cm, height: 1cm) }",
    "table": "#table(columns: 4, fill: (x, y) => if calc.odd(y) { luma(230) }, [*A*], [B], [C], [D], ..range(40).map(n => [#(n * 7)]))\n#block(fill: aqua, inset: 8pt, radius: 6pt, stroke: (left: 4pt + red), clip: true)[clipped block]",
    "images": f'#image("{RGB}", width: 6cm) #image("{RGBA}", width: 6cm) #image("{JPEG}", width: 6cm) #rotate(20deg, image("{GREY}", width: 4cm)) #scale(x: -100%, image("{RGB}", width: 4cm))',
}


@program(".typst")
def typst():
    import typst as engine

    for name, text in TYPST.items():
        path = source(f"{name}.typ", text)
        for standard in ("1.4", "1.7", "2.0", "a-2b", "a-3b", "a-4"):
            made(f"typst-{name}-{words_of(standard)}.pdf", lambda out: engine.compile(str(path), output=str(out), root="/", pdf_standards=[standard]))
        made(f"typst-{name}.svg", lambda out: out.write_bytes(engine.compile(str(path), format="svg", root="/")))
        made(f"typst-{name}.png", lambda out: out.write_bytes(engine.compile(str(path), format="png", root="/")))


@program("groff")
def groff():
    text = source("a.ms", f".TL\nTitle\n.AU\nAuthor\n.NH\nSection\n.PP\n{TEXT}\n.B bold\n.I italic\n.TS\nallbox;\nl r.\na\t1\nb\t2\n.TE\n.PS\nbox \"box\"; arrow; circle \"c\"; arrow dashed; ellipse fill 0.5\n.PE\n.EQ\nsum from i=1 to n x sup 2 over y\n.EN\n")
    for device in ("pdf", "ps", "html", "dvi"):
        run(f"groff.{device}", "sh", "-c", f"groff -Kutf8 -t -p -e -ms -T{device} {text} > {FOLDER}/groff.{device}", cwd=SOURCES)
    for page in ("ls", "bash", "tar"):
        run(f"groff-man-{page}.pdf", "sh", "-c", f"zcat -f $(man -w {page}) | groff -Kutf8 -t -man -Tpdf > {FOLDER}/groff-man-{page}.pdf")


# --- drawing packages ------------------------------------------------------------------------------------------------


@program(".matplotlib")
def matplotlib():
    import matplotlib as library

    library.use("Agg")
    import matplotlib.pyplot as plot

    def figures():
        x = np.linspace(0, 6, 60)
        figure, axes = plot.subplots(3, 3, figsize=(9, 8))
        for axis, hatch in zip(axes.flat, ("/", "\\", "|", "-", "+", "x", "o", "*", "O.")):
            axis.bar(range(4), [1, 3, 2, 4], hatch=hatch * 2, edgecolor="navy", facecolor="#fc8", alpha=0.8)
        yield "hatch", figure
        figure, axis = plot.subplots()
        for index, marker in enumerate(".,ov^<>12348spP*hH+xXDd|_"):
            axis.plot(x[::8], np.sin(x[::8]) + index / 3, marker=marker, linestyle=["-", "--", "-.", ":"][index % 4], alpha=0.6, label=marker)
        axis.legend(ncol=4, fontsize=6)
        yield "markers", figure
        figure, axes = plot.subplots(2, 3, figsize=(10, 6))
        grid = np.add.outer(np.sin(x), np.cos(x))
        axes[0, 0].imshow(grid, cmap="viridis")
        axes[0, 1].imshow(grid, cmap="jet", interpolation="bilinear", alpha=0.5)
        axes[0, 2].contourf(grid, 12, cmap="RdBu")
        axes[1, 0].pcolormesh(grid[:12, :12], shading="gouraud")
        axes[1, 1].pcolormesh(grid[:20, :20], rasterized=True, cmap="hot")
        figure.colorbar(axes[1, 2].scatter(x, np.cos(x), c=x, s=40 * x, cmap="plasma", alpha=0.5))
        yield "maps", figure
        figure, axis = plot.subplots()
        axis.tripcolor(RNG.random(40), RNG.random(40), RNG.random(40), shading="gouraud")
        axis.text(0.2, 0.5, "rotated " + CYRILLIC, rotation=30, bbox={"boxstyle": "round", "fc": "yellow", "alpha": 0.5})
        axis.set_title(r"$\int_0^\infty e^{-x^2}dx=\frac{\sqrt{\pi}}{2}$ " + GREEK)
        yield "text", figure
        figure = plot.figure()
        axis = figure.add_subplot(projection="3d")
        axis.plot_surface(*np.meshgrid(x[::3], x[::3]), grid[::3, ::3], cmap="coolwarm", alpha=0.8)
        yield "surface", figure
        figure, axes = plot.subplots(2, 2)
        axes[0, 0].pie([3, 2, 1], explode=(0, 0.1, 0), shadow=True, autopct="%1.0f%%")
        axes[0, 1].fill_between(x, np.sin(x), np.cos(x), alpha=0.3)
        axes[1, 0].boxplot([RNG.normal(0, 1, 50) for _ in range(3)], notch=True)
        axes[1, 1].quiver(*np.meshgrid(x[::9], x[::9]), grid[::9, ::9], grid[::9, ::9].T)
        yield "kinds", figure
        plot.xkcd()
        figure, axis = plot.subplots()
        axis.plot(x, np.sin(x))
        yield "sketch", figure
        plot.rcdefaults()

    for name, figure in figures():
        for kind in (3, 42):
            for standard in (False, True):
                library.rcParams.update({"pdf.fonttype": kind, "pdf.use14corefonts": standard, "ps.fonttype": kind})
                made(f"matplotlib-{name}-font{kind}-{standard}.pdf".lower(), lambda out: figure.savefig(out, dpi=72))
        for text in ("path", "none"):
            library.rcParams["svg.fonttype"] = text
            made(f"matplotlib-{name}-{text}.svg", lambda out: figure.savefig(out, dpi=72))
        for options in ({"transparent": True}, {"facecolor": "#ddeeff", "bbox_inches": "tight"}, {"dpi": 37}):
            made(f"matplotlib-{name}-{words_of(options)}.png", lambda out: figure.savefig(out, **options))
        made(f"matplotlib-{name}-tight.pdf", lambda out: figure.savefig(out, bbox_inches="tight", transparent=True))
        made(f"matplotlib-{name}.jpg", lambda out: figure.savefig(out))
        made(f"matplotlib-{name}.webp", lambda out: figure.savefig(out))
        made(f"matplotlib-{name}.tif", lambda out: figure.savefig(out))
        made(f"matplotlib-{name}.eps", lambda out: figure.savefig(out))
        plot.close(figure)


SVG_PARTS = {
    "filters": '<defs><filter id="a"><feGaussianBlur stdDeviation="4"/></filter><filter id="b"><feDropShadow dx="6" dy="6" stdDeviation="3" flood-opacity=".6"/></filter><filter id="c"><feColorMatrix type="hueRotate" values="120"/></filter><filter id="d"><feTurbulence baseFrequency=".05" numOctaves="2"/><feComposite in2="SourceGraphic" operator="in"/></filter><filter id="e"><feMorphology operator="dilate" radius="3"/></filter><filter id="f"><feOffset dx="10" result="o"/><feBlend in="SourceGraphic" in2="o" mode="multiply"/></filter><filter id="g"><feDiffuseLighting lighting-color="white"><feDistantLight azimuth="45" elevation="40"/></feDiffuseLighting></filter><filter id="h"><feComponentTransfer><feFuncR type="table" tableValues="1 0"/></feComponentTransfer></filter></defs>' + "".join(f'<rect x="{20 + i % 4 * 95}" y="{20 + i // 4 * 95}" width="60" height="60" rx="8" fill="#d24" stroke="#24d" stroke-width="6" filter="url(#{letter})"/>' for i, letter in enumerate("abcdefgh")),
    "clip": '<defs><clipPath id="c"><circle cx="100" cy="100" r="80"/><rect x="200" y="40" width="80" height="120"/></clipPath><mask id="m"><linearGradient id="l"><stop stop-color="#fff"/><stop offset="1"/></linearGradient><rect width="400" height="300" fill="url(#l)"/></mask></defs><g clip-path="url(#c)"><rect width="400" height="150" fill="teal"/></g><rect y="180" width="400" height="100" fill="crimson" mask="url(#m)"/>',
    "markers": '<defs><marker id="m" markerWidth="10" markerHeight="10" refX="5" refY="5" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#c00"/></marker></defs><path d="M30 250C100 20 250 20 370 250" fill="none" stroke="#036" stroke-width="5" marker-start="url(#m)" marker-mid="url(#m)" marker-end="url(#m)"/><polyline points="20,60 80,20 140,60 200,20" fill="none" stroke="#390" stroke-width="3" marker-mid="url(#m)" stroke-linejoin="round" stroke-dasharray="12 4 2 4"/>',
    "text": f'<defs><path id="p" d="M30 150Q200 20 370 150"/></defs><text font-size="20"><textPath href="#p" xlink:href="#p">{TEXT[:36]}</textPath></text><text x="20" y="200" font-size="18" font-family="serif" font-style="italic">Serif <tspan font-weight="bold" fill="#c00" dy="6">bold</tspan> {CYRILLIC}</text><text x="200" y="240" text-anchor="middle" textLength="300" font-size="16">stretched text</text><text x="20 40 60 80" y="280" rotate="10 20 30 40" font-size="20">abcd</text>',
    "gradients": '<defs><linearGradient id="a" x1="0" y1="0" x2="1" y2="1" spreadMethod="reflect"><stop offset=".2" stop-color="red"/><stop offset=".5" stop-color="#0f08"/><stop offset=".8" stop-color="blue"/></linearGradient><radialGradient id="b" fx=".2" fy=".3"><stop stop-color="#fff"/><stop offset="1" stop-color="#039"/></radialGradient><linearGradient id="c" href="#a" xlink:href="#a" gradientTransform="rotate(30)" gradientUnits="userSpaceOnUse" x1="0" x2="60"/><pattern id="p" width="20" height="20" patternUnits="userSpaceOnUse" patternTransform="rotate(20)"><rect width="10" height="10" fill="#c60"/></pattern></defs><rect x="10" y="10" width="180" height="130" fill="url(#a)"/><rect x="210" y="10" width="180" height="130" fill="url(#b)"/><rect x="10" y="160" width="180" height="130" fill="url(#c)"/><rect x="210" y="160" width="180" height="130" fill="url(#p)" stroke="url(#a)" stroke-width="8"/>',
    "groups": f'<g opacity=".5"><circle cx="120" cy="120" r="80" fill="red"/><circle cx="200" cy="120" r="80" fill="blue"/></g><g style="mix-blend-mode:multiply"><circle cx="280" cy="120" r="80" fill="lime"/></g><use href="#s" xlink:href="#s" x="20" y="200" width="80" height="80"/><symbol id="s" viewBox="0 0 10 10"><path d="M0 0h10v10h-10zM3 3v4h4v-4z" fill-rule="evenodd"/></symbol><image href="{RGB.as_uri()}" xlink:href="{RGB.as_uri()}" x="220" y="200" width="120" height="80"/><switch><text systemLanguage="xx" x="10" y="20">no</text><text x="10" y="20">yes</text></switch>',
}


@program("inkscape")
def inkscape():
    for name, body in svgs():
        for words, ending in (("--export-type=pdf", "pdf"), ("--export-type=pdf --export-text-to-path", "pdf"), ("--export-type=pdf --export-ignore-filters", "pdf"), ("--export-type=pdf --export-dpi=40", "pdf"), ("--export-plain-svg --export-type=svg", "svg"), ("--export-type=svg", "svg"), ("--export-type=png", "png"), ("--export-type=png --export-background=#ff8", "png"), ("--export-type=ps", "ps"), ("--export-type=eps", "eps"), ("--export-type=emf", "emf"), ("--export-type=wmf", "wmf")):
            run(f"inkscape-{name}-{words_of(words)}.{ending}", "inkscape", *words.split(), f"--export-filename={FOLDER}/inkscape-{name}-{words_of(words)}.{ending}", body)


@program("rsvg-convert")
def rsvg():
    for name, body in svgs():
        for form in ("pdf", "svg", "ps", "eps", "png"):
            run(f"rsvg-{name}-{words_of(form)}.{form}", "rsvg-convert", "-f", form, "-o", OUT, body)
        run(f"rsvg-{name}-large.pdf", "rsvg-convert", "-f", "pdf", "-w", "3000", "-o", OUT, body)


def svgs():
    for name, body in SVG_PARTS.items():
        yield name, source(f"{name}.svg", f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="400" height="300" viewBox="0 0 400 300">{body}</svg>')


@program(".fpdf")
def fpdf2():
    import fpdf

    def document(out, **options):
        pdf = fpdf.FPDF(**options)
        pdf.add_page()
        for font in ("helvetica", "times", "courier"):
            pdf.set_font(font, "BI", 16)
            pdf.cell(0, 10, f"{font} {TEXT[:40]}", new_x="LMARGIN", new_y="NEXT", border=1)
        pdf.set_fill_color(255, 200, 100)
        with pdf.local_context(fill_opacity=0.5, stroke_opacity=0.4, blend_mode="Multiply"):
            pdf.rect(20, 60, 60, 30, "DF")
            pdf.ellipse(50, 70, 60, 30, "F")
        with pdf.rotation(20, 100, 140):
            pdf.image(RGBA, 60, 110, 60)
        pdf.image(str(JPEG), 130, 110, 50)
        with pdf.round_clip(20, 160, 40):
            pdf.image(str(RGB), 20, 160, 60)
        pdf.set_dash_pattern(3, 2)
        pdf.line(20, 220, 190, 230)
        pdf.add_page(orientation="L")
        pdf.write_html("<h1>HTML</h1><ul><li>one<li>two</ul><table border=1><tr><td>1</td><td>2</td></tr></table>")
        pdf.output(out)

    for name, options in {"a4": {}, "letter": {"format": "letter"}, "small": {"format": (90, 260)}, "landscape": {"orientation": "L"}}.items():
        made(f"fpdf2-{name}.pdf", lambda out: document(str(out), **options))

    def aes(out):
        pdf = fpdf.FPDF()
        pdf.set_encryption("owner", encryption_method=fpdf.enums.EncryptionMethod.AES_128 if hasattr(fpdf.enums, "EncryptionMethod") else None)
        pdf.add_page()
        pdf.set_font("helvetica", size=20)
        pdf.cell(0, 10, "encrypted for its owner")
        pdf.output(str(out))

    made("fpdf2-encrypted.pdf", aes)


@program(".reportlab")
def reportlab():
    from reportlab.graphics import renderPDF
    from reportlab.graphics.barcode import code128, qr
    from reportlab.graphics.charts.barcharts import VerticalBarChart
    from reportlab.graphics.charts.piecharts import Pie
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib import colors
    from reportlab.pdfgen import canvas

    def page(out, **options):
        pdf = canvas.Canvas(str(out), **options)
        pdf.drawString(72, 780, TEXT[:50])
        pdf.setFont("ZapfDingbats", 20)
        pdf.drawString(72, 750, "abcdef")
        pdf.setFont("Symbol", 20)
        pdf.drawString(72, 720, "abgdez")
        pdf.linearGradient(72, 600, 272, 700, (colors.red, colors.yellow, colors.blue), extend=False)
        pdf.radialGradient(400, 650, 60, (colors.white, colors.green), extend=False)
        code128.Code128("ABC-1234", barHeight=40, barWidth=1.4).drawOn(pdf, 72, 500)
        drawing = Drawing(100, 100)
        drawing.add(qr.QrCodeWidget("http://example.org", barHeight=100, barWidth=100))
        renderPDF.draw(drawing, pdf, 300, 480)
        chart, pie, both = VerticalBarChart(), Pie(), Drawing(400, 200)
        chart.data, pie.data, chart.x, pie.x, pie.y = [(3, 5, 2), (1, 4, 6)], [3, 5, 2], 20, 260, 40
        both.add(chart)
        both.add(pie)
        renderPDF.draw(both, pdf, 72, 260)
        pdf.setFillColorCMYK(0.2, 0.8, 0, 0.1)
        pdf.rect(72, 100, 100, 60, fill=1)
        pdf.setFillColor(colors.CMYKColorSep(0, 1, 0.5, 0, spotName="Spot", density=0.7))
        pdf.rect(200, 100, 100, 60, fill=1)
        pdf.acroForm.textfield(name="a", x=330, y=100, value="typed", width=120)
        pdf.acroForm.checkbox(name="b", x=330, y=150, checked=True)
        pdf.acroForm.radio(name="c", value="1", x=370, y=150, selected=True)
        pdf.acroForm.radio(name="c", value="2", x=370, y=180, selected=False)
        pdf.acroForm.choice(name="d", x=400, y=150, value="one", options=["one", "two"], width=60)
        pdf.drawImage(str(RGBA), 72, 180, 90, 60, mask="auto")
        pdf.drawInlineImage(str(RGB), 200, 180, 90, 60)
        pdf.showPage()
        pdf.save()

    for name, options in {"plain": {}, "open": {"pageCompression": 0}, "version": {"pdfVersion": (1, 3)}, "encrypted": {"encrypt": None}, "bottom": {"bottomup": 0}, "ascii": {"invariant": 1}}.items():
        if name == "encrypted":
            from reportlab.lib.pdfencrypt import StandardEncryption

            for strength in (40, 128):
                made(f"reportlab-encrypted-{strength}.pdf", lambda out: page(out, encrypt=StandardEncryption("", ownerPassword="o", strength=strength)))
        else:
            made(f"reportlab-{name}.pdf", lambda out: page(out, **options))


# --- pictures in PDFs ------------------------------------------------------------------------------------------------


@program("img2pdf")
def images_in_pdfs():
    sources = {"rgb": RGB, "rgba": RGBA, "grey": GREY, "bits": BITS, "jpeg": JPEG, "cmyk": CMYK, "palette": SOURCES / "palette.png", "grey16": SOURCES / "grey16.png", "g4": SOURCES / "g4.tif", "jp2": SOURCES / "a.jp2", "progressive": SOURCES / "progressive.jpg", "turned": SOURCES / "turned.jpg", "interlaced": SOURCES / "interlaced.png"}
    Image.open(RGB).quantize(13).save(sources["palette"])
    Image.fromarray((np.mgrid[0:160, 0:240][1] * 270).astype(np.uint16)).save(sources["grey16"])
    Image.open(BITS).save(sources["g4"], compression="group4")
    Image.open(RGB).save(sources["jp2"])
    Image.open(RGB).save(sources["progressive"], progressive=True)
    exif = Image.Exif()
    exif[274] = 6
    Image.open(RGB).save(sources["turned"], exif=exif)
    subprocess.run(["convert", RGB, "-interlace", "PNG", sources["interlaced"]], capture_output=True)
    for name, path in sources.items():
        for words in ("", "--engine pikepdf", "--engine internal --nodate", "--pagesize A4 --border 2cm", "--imgsize 5cmx10cm --fit fill", "--rotation=ifvalid", "--first-frame-only --pillow-limit-break", "--crop-border 1cm", "--auto-orient --pagesize A5"):
            run(f"img2pdf-{name}-{words_of(words)}.pdf", "img2pdf", *words.split(), "-o", OUT, path)
        if shutil.which("gm"):
            for compress in ("None", "JPEG", "Zip", "LZW", "Group4", "Fax"):
                run(f"gm-{name}-{compress}.pdf".lower(), "gm", "convert", path, "-compress", compress, OUT)
        made(f"pillow-{name}.pdf", lambda out: Image.open(path).save(out))
        if shutil.which("ocrmypdf") and name in ("bits", "g4", "grey", "jpeg"):
            for words in ("--output-type pdf", "--output-type pdfa", "--optimize 3 --jbig2-lossy", "--rotate-pages --deskew --output-type pdf"):
                run(f"ocrmypdf-{name}-{words_of(words)}.pdf", "ocrmypdf", "-q", "--image-dpi", "100", "--tesseract-timeout", "0", *words.split(), path, OUT)
    for compress in ("none", "g4", "g3", "lzw", "zip", "jpeg", "packbits"):
        tif = SOURCES / f"t-{compress}.tif"
        subprocess.run(["convert", BITS if compress.startswith("g") else RGB, "-compress", "None", SOURCES / "t.tif"], capture_output=True)
        if shutil.which("tiffcp") and subprocess.run(["tiffcp", "-c", compress, SOURCES / "t.tif", tif], capture_output=True).returncode == 0:
            for words in ("", "-z", "-j -q 80", "-d", "-p A4 -F", "-n", "-i", "-u i -x 72 -y 36", "-r o"):
                run(f"tiff2pdf-{compress}-{words_of(words)}.pdf", "tiff2pdf", *words.split(), "-o", OUT, tif)
            run(f"tiff2ps-{compress}.ps", "sh", "-c", f"tiff2ps -2 {tif} > {FOLDER}/tiff2ps-{compress}.ps")


# --- programs that rewrite PDFs --------------------------------------------------------------------------------------


@program("gs", "qpdf")
def rewritten():
    """Of what others have made: run it last."""
    wanted = ("office-a-pptx-plain", "office-a-docx-plain", "office-a-xlsx-plain", "pdflatex-shading", "pdflatex-opacity", "pdflatex-blend", "pdflatex-fading", "pdflatex-patterns", "pdflatex-picture", "pdflatex-form", "chromium-boxes-no-pdf-header-footer", "chromium-svg-no-pdf-header-footer",
              "weasyprint-boxes-", "typst-gradients-1-7", "typst-colours-1-7", "matplotlib-maps-font3-false", "matplotlib-hatch-font42-false", "inkscape-filters-export-type-pdf", "inkscape-groups-export-type-pdf", "reportlab-plain", "fpdf2-a4", "img2pdf-cmyk-", "img2pdf-jp2-", "img2pdf-g4-", "rsvg-groups-pdf")
    for name in wanted:
        path = FOLDER / f"{name}.pdf"
        if not path.exists():
            continue
        stem = words_of(name)
        for words in ("-dPDFSETTINGS=/screen", "-dPDFSETTINGS=/ebook", "-dPDFSETTINGS=/printer", "-dPDFSETTINGS=/prepress", "-dCompatibilityLevel=1.3", "-dCompatibilityLevel=1.4 -dCompressPages=false", "-sColorConversionStrategy=Gray -dProcessColorModel=/DeviceGray", "-sColorConversionStrategy=CMYK -dProcessColorModel=/DeviceCMYK", "-dPDFA=2 -sColorConversionStrategy=RGB", "-dNoOutputFonts", "-dEmbedAllFonts=false -dSubsetFonts=false", "-dAutoFilterColorImages=false -dColorImageFilter=/FlateEncode", "-dASCII85EncodePages=true"):
            if "ASCII85" in words and name.startswith("chromium"):  # JPEGs that are masks come out in ASCII85 without a word of it
                continue
            run(f"gs-{stem}-{words_of(words)}.pdf", "gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pdfwrite", *words.split(), f"-sOutputFile={FOLDER}/gs-{stem}-{words_of(words)}.pdf", path)
        for device, ending in (("ps2write", "ps"), ("eps2write", "eps"), ("pdfimage24", "pdf"), ("pdfimage8", "pdf"), ("pdfimage32", "pdf"), ("pngalpha", "png"), ("tiffg4", "tif"), ("tiff32nc", "tif"), ("tiffsep1", "tif"), ("jpegcmyk", "jpg"), ("psdrgb", "psd"), ("psdcmyk", "psd"), ("pnggray", "png"), ("png256", "png"), ("tiffscaled24", "tif"), ("pamcmyk32", "pam"), ("pkmraw", "ppm"), ("bmp256", "bmp"), ("pcx24b", "pcx"), ("pclm", "pdf"), ("xpswrite", "xps")):
            if name in ("pdflatex-opacity", "chromium-boxes-no-pdf-header-footer", "reportlab-plain"):
                run(f"gs-{stem}-{device}.{ending}", "gs", "-q", "-dBATCH", "-dNOPAUSE", "-r60", "-dLastPage=1", f"-sDEVICE={device}", f"-sOutputFile={FOLDER}/gs-{stem}-{device}.{ending}", path)
        for words in ("--linearize", "--object-streams=generate", "--qdf", "--qdf --object-streams=disable", "--rotate=+90", "--rotate=180:1", "--stream-data=uncompress --compress-streams=n", "--recompress-flate --compression-level=9", "--flatten-annotations=all --generate-appearances", "--encrypt  o 40 --", "--encrypt  o 128 --use-aes=y --", "--encrypt  o 256 --", "--encrypt  o 128 --use-aes=n --", "--optimize-images", "--externalize-inline-images", "--coalesce-contents --decode-level=all", "--flatten-rotation --rotate=+270"):
            # An empty user password is an empty word.
            options = [word for word in words.split(" ")] if "encrypt" in words else words.split()
            options = (["--allow-weak-crypto"] if "encrypt" in words else []) + options
            run(f"qpdf-{stem}-{words_of(words)}.pdf", "qpdf", *options, path, OUT)
        if (FOLDER / "fpdf2-a4.pdf").exists():
            run(f"qpdf-{stem}-overlay.pdf", "qpdf", path, "--overlay", FOLDER / "fpdf2-a4.pdf", "--", OUT)
            run(f"qpdf-{stem}-underlay.pdf", "qpdf", path, "--underlay", FOLDER / "fpdf2-a4.pdf", "--", OUT)
        if shutil.which("mutool"):
            for words in ("-gggg -z", "-d -a", "-l", "-s -c"):
                run(f"mutool-{stem}-{words_of(words)}.pdf", "mutool", "clean", *words.split(), path, OUT)
        if shutil.which("pdftocairo"):
            for form in ("pdf", "ps", "eps", "svg", "png", "jpeg", "tiff"):
                ending = {"jpeg": "jpg", "tiff": "tif"}.get(form, form)
                target = FOLDER / f"cairo-{stem}.{ending}"
                single = ["-singlefile", "-r", "60"] if form in ("png", "jpeg", "tiff") else ["-f", "1", "-l", "1"]
                run(target.name, "pdftocairo", f"-{form}", *single, path, target.with_suffix("") if form in ("png", "jpeg", "tiff") else target)
        if shutil.which("pdftops"):
            run(f"poppler-{stem}.ps", "pdftops", path, OUT)


def main():
    for needed, maker in PROGRAMS:
        if ONLY not in maker.__name__:
            continue
        missing = [name for name in needed if not has(name)]
        before = len(list(FOLDER.iterdir()))
        if not missing:
            maker()
        print(f"{maker.__name__}: " + (f"is left out, {' '.join(missing)} is not installed" if missing else f"{len(list(FOLDER.iterdir())) - before} files"), flush=True)
        # Inks without a profile: each reader has its own formula.
        inks = {path.name: {"limits": {"mean": 12, "block": 64}} for path in FOLDER.iterdir() if "cmyk" in path.name and path.suffix == ".pdf"}
        # LibreOffice hatches with lines of no width, one pixel of the device: Ghostscript has them as dark as we do, others paler.
        hatched = {path.name: {"limits": {"block": 90}} for path in FOLDER.glob("office-*-fodg-*.pdf")}
        (FOLDER / "expected.json").write_text(json.dumps({"*": {}, **inks, **hatched}))
        (SOURCES / "refused.txt").write_text("\n".join(REFUSED))
    print(f"{len(list(FOLDER.iterdir())) - 1} files; {len(REFUSED)} that their programs would not write: {SOURCES / 'refused.txt'}")


main()
