"""Pictures as programs write them, over their options, for `npm run compare:pictures -- <folder>`:

    python test/compare/make_programs.py <folder> [<part of a program's name>]

Needs numpy and Pillow; each program is asked only where it is installed: ImageMagick, GraphicsMagick, netpbm, libtiff's tools, GDAL, ffmpeg, vips, exactimage,
libjpeg-turbo's, libwebp's, gifsicle, cjxl, avifenc, heif-enc, opj_compress, dcmtk. What a program refuses to write is left out. SEED changes the noise.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw

FOLDER = Path(sys.argv[1]).resolve()
ONLY = sys.argv[2] if len(sys.argv) > 2 else ""
SOURCES = FOLDER.parent / f"{FOLDER.name}.sources"
RNG = np.random.default_rng(int(os.environ.get("SEED", 61)))
FOLDER.mkdir(parents=True, exist_ok=True)
SOURCES.mkdir(parents=True, exist_ok=True)
REFUSED, PROGRAMS = [], []


def program(*tools):
    def known(maker):
        PROGRAMS.append((tools, maker))
        return maker

    return known


def run(name, *words, **options):
    """The file of that name as the program writes it, or none."""
    out = FOLDER / name
    words = [str(out) if word is OUT else str(word) for word in words]
    try:
        done = subprocess.run(words, capture_output=True, timeout=60, **options)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode or not out.exists() or not out.stat().st_size:
        REFUSED.append(f"{name}: {' '.join(words)[:160]}: {(done.stderr if done else b'').decode('utf8', 'replace').strip()[-160:]}")
        out.unlink(missing_ok=True)
        return False
    return True


def piped(name, *words):
    """A program that writes to its standard output."""
    done = subprocess.run([str(word) for word in words], capture_output=True, timeout=60)
    if done.returncode or not done.stdout:
        REFUSED.append(f"{name}: {' '.join(map(str, words))[:160]}: {done.stderr.decode('utf8', 'replace').strip()[-160:]}")
    else:
        (FOLDER / name).write_bytes(done.stdout)


class OUT:
    """Where the file's own path stands in a command."""


def words_of(option):
    return re.sub(r"[^a-z0-9]+", "-", str(option).lower()).strip("-")


# --- what is encoded -------------------------------------------------------------------------------------------------


def scene(width, height):
    y, x = np.mgrid[0:height, 0:width]
    planes = np.stack([x / max(width - 1, 1), y / max(height - 1, 1), (x + y) / max(width + height - 2, 1)], -1)
    image = Image.fromarray(np.clip(planes * 255 + RNG.normal(0, 3, planes.shape), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((width * 0.1, height * 0.2, width * 0.5, height * 0.7), fill=(220, 30, 40))
    draw.rectangle((width * 0.6, height * 0.1, width * 0.9, height * 0.4), fill=(20, 40, 200))
    draw.text((width * 0.55, height * 0.6), "Agz 42", fill=(0, 0, 0))
    return image


def source(name, image, **options):
    path = SOURCES / name
    image.save(path, **options)
    return path


PHOTO = scene(96, 64)
VEIL = Image.fromarray(np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1)))
SEEN = PHOTO.copy()
SEEN.putalpha(VEIL)
MAGNIFIED = np.asarray(PHOTO).astype(np.uint16) * 257 - RNG.integers(0, 200, (64, 96, 3)).clip(0, np.asarray(PHOTO).astype(np.uint16) * 257).astype(np.uint16)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
OTHER = None
for wide in ("/usr/share/color/icc/ghostscript/a98.icc", "/usr/share/color/icc/colord/AdobeRGB1998.icc", "/usr/share/color/icc/ghostscript/srgb.icc"):
    if Path(wide).exists():
        OTHER = Path(wide).read_bytes()
        break
RGB = source("rgb.png", PHOTO)
PPM = source("rgb.ppm", PHOTO)
GREY = source("grey.png", PHOTO.convert("L"))
PGM = source("grey.pgm", PHOTO.convert("L"))
BITS = source("bits.png", PHOTO.convert("1"))
PBM = source("bits.pbm", PHOTO.convert("1"))
RGBA = source("rgba.png", SEEN)
GREYA = source("greya.png", SEEN.convert("LA"))
PALETTE = source("palette.png", PHOTO.quantize(16))
PALETTEA = source("palettea.png", PHOTO.quantize(16), transparency=bytes([0, 128] + [255] * 14))
WIDE = source("wide.png", PHOTO, icc_profile=OTHER)
CMYK = source("cmyk.tif", PHOTO.convert("CMYK"))
JPEG = source("rgb.jpg", PHOTO, quality=92)
GREY16 = source("grey16.png", Image.fromarray(MAGNIFIED[..., 0]))
TALL = source("tall.png", scene(1, 300))
LONG = source("long.png", scene(1500, 3))
ODD = source("odd.png", scene(33, 31))
DOT = source("dot.png", Image.new("RGB", (1, 1), (200, 30, 60)))
COLOURFUL = {"rgb": RGB, "grey": GREY, "bits": BITS, "rgba": RGBA, "greya": GREYA, "palette": PALETTE, "palettea": PALETTEA, "wide": WIDE, "cmyk": CMYK, "grey16": GREY16}
STRANGE = {"tall": TALL, "long": LONG, "odd": ODD, "dot": DOT}


def frames(folder="frames"):
    """Four pictures of a film, see-through in part."""
    top = SOURCES / folder
    top.mkdir(exist_ok=True)
    for index in range(4):
        image = Image.new("RGBA", (48, 32), (0, 0, 0, 0) if index else (240, 240, 200, 255))
        ImageDraw.Draw(image).ellipse((4 + index * 9, 6, 20 + index * 9, 24), fill=(40 * index, 120, 220 - 40 * index, 255))
        image.save(top / f"f{index}.png")
    return [top / f"f{index}.png" for index in range(4)]


FRAMES = frames()


@program("ffmpeg")
def rgb48():
    """Sixteen bits of three colours, which Pillow cannot write."""
    raw = SOURCES / "rgb48.raw"
    raw.write_bytes(MAGNIFIED.astype("<u2").tobytes())
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "96x64", "-i", raw, SOURCES / "rgb16.png"], check=True)
    COLOURFUL["rgb16"] = SOURCES / "rgb16.png"


# --- ImageMagick and GraphicsMagick ----------------------------------------------------------------------------------

MAGICKS = {"im": ["convert"], "gm": ["gm", "convert"]}


def magick(tool, name, *words):
    return run(f"{tool}-{name}", *MAGICKS[tool], *words, OUT)


@program("convert")
def imagemagick():
    of_magick("im")


@program("gm")
def graphicsmagick():
    of_magick("gm")


def of_magick(tool):
    for compress, (kind, image) in product(("None", "LZW", "Zip", "RLE", "JPEG", "Group4", "Fax", "WebP", "ZSTD", "LZMA"), COLOURFUL.items()):
        if compress in ("Group4", "Fax") and kind != "bits":
            continue
        magick(tool, f"{kind}-{compress}.tif".lower(), image, "-compress", compress)
    for kind, words in product(("Bilevel", "Grayscale", "GrayscaleMatte", "Palette", "PaletteMatte", "TrueColor", "TrueColorMatte", "ColorSeparation", "ColorSeparationMatte"),
                               ((), ("-endian", "MSB"), ("-depth", "16"), ("-interlace", "Plane"), ("-define", "tiff:tile-geometry=32x32"), ("-define", "tiff:rows-per-strip=7"))):
        magick(tool, f"{kind}-{words_of(words[-1:])}.tif".lower(), RGBA, "-type", kind, *words)
    for depth, form, kind in product((1, 2, 4, 8, 12, 16, 24, 32, 64), ("unsigned", "floating-point"), ("rgb", "grey")):
        magick(tool, f"{kind}-{depth}-{form}.tif", COLOURFUL[kind], "-depth", str(depth), "-define", f"quantum:format={form}")
    for space in ("Lab", "YCbCr", "CMYK", "Gray", "LinearGray", "RGB", "HSL", "XYZ", "Rec709YCbCr", "Luv", "YUV"):
        magick(tool, f"space-{space}.tif".lower(), RGB, "-colorspace", space)
        magick(tool, f"space-{space}.jpg".lower(), RGB, "-colorspace", space)
        magick(tool, f"space-{space}.png".lower(), RGB, "-colorspace", space)
        magick(tool, f"space-{space}.psd".lower(), RGB, "-colorspace", space)
    for way in range(1, 9):
        names = ("TopLeft", "TopRight", "BottomRight", "BottomLeft", "LeftTop", "RightTop", "RightBottom", "LeftBottom")
        for ending in ("tif", "jpg", "png"):
            magick(tool, f"way-{way}.{ending}", RGB, "-orient", names[way - 1])
    for sampling, quality, interlace, (kind, image) in product(("4:4:4", "4:2:2", "4:2:0", "4:1:1", "4:4:0", "4:1:0"), ("75", "100"), ("None", "Plane"), {"rgb": RGB, **STRANGE}.items()):
        if tool == "im" or quality == "75":
            magick(tool, f"{kind}-{words_of(sampling)}-{quality}-{interlace}.jpg".lower(), image, "-sampling-factor", sampling, "-quality", quality, "-interlace", interlace)
    for (kind, image), ending in product({**COLOURFUL, **STRANGE}.items(), ("png", "jpg", "gif", "bmp", "webp", "tga", "psd", "psb", "jp2", "j2k", "jxl", "heic", "avif", "ico", "ppm", "pam", "pfm", "tif", "ptif", "icb", "vda")):
        magick(tool, f"{kind}.{ending}", image)
    for (kind, image), form in product(COLOURFUL.items(), ("PNG8", "PNG24", "PNG32", "PNG48", "PNG64", "PNG00", "BMP2", "BMP3", "BMP", "GIF87", "TIFF64", "PGM", "PBM", "PNM")):
        ending = {"PNG": "png", "BMP": "bmp", "GIF": "gif", "TIF": "tif"}.get(form[:3], form.lower())
        magick_as = [*MAGICKS[tool], image, f"{form}:{FOLDER / f'{tool}-{kind}-{form.lower()}.{ending}'}"]
        run(f"{tool}-{kind}-{form.lower()}.{ending}", *magick_as)
    for kind, depth, interlace in product(("rgb", "grey", "palette", "rgba", "greya"), ("1", "2", "4", "8", "16"), ("None", "Line")):
        magick(tool, f"{kind}-depth{depth}-{interlace}.png".lower(), COLOURFUL[kind], "-depth", depth, "-interlace", interlace)
        if interlace == "None":
            magick(tool, f"{kind}-depth{depth}.pam", COLOURFUL[kind], "-depth", depth)
            magick(tool, f"{kind}-depth{depth}.psd", COLOURFUL[kind], "-depth", depth)
    for (kind, image), compress in product(COLOURFUL.items(), ("None", "RLE")):
        for ending in ("bmp", "tga", "psd", "sgi"):
            magick(tool, f"{kind}-{compress}.{ending}".lower(), image, "-compress", compress)
    for kind in ("grey", "rgb"):
        magick(tool, f"{kind}-plain.pnm", COLOURFUL[kind], "-compress", "None")
        magick(tool, f"{kind}-jpeg-in.tif", COLOURFUL[kind], "-compress", "JPEG", "-quality", "90", "-sampling-factor", "2x2")
        magick(tool, f"{kind}-lossless.jpg", COLOURFUL[kind], "-compress", "LosslessJPEG")
        magick(tool, f"{kind}-lossless.webp", COLOURFUL[kind], "-define", "webp:lossless=true")
    magick(tool, "trim-page.png", RGB, "-repage", "200x200+20+30")
    magick(tool, "trim-page.gif", RGB, "-repage", "200x200+20+30")
    magick(tool, "gamma.png", RGB, "-gamma", "2.2", "-set", "gamma", "0.45455")
    magick(tool, "several.tif", RGB, GREY, BITS)
    magick(tool, "several.psd", RGB, RGBA)
    magick(tool, "several.ico", DOT, ODD)
    magick(tool, "several.gif", RGB, GREY, PALETTEA)
    for dispose in ("None", "Background", "Previous"):
        magick(tool, f"film-{dispose}.gif".lower(), "-dispose", dispose, "-delay", "10", *FRAMES, "-loop", "0")
        magick(tool, f"film-{dispose}.webp".lower(), "-dispose", dispose, "-delay", "10", *FRAMES, "-loop", "0")
    magick(tool, "film-layers.gif", "-delay", "10", *FRAMES, "-layers", "Optimize")
    magick(tool, "uneven-dots.tif", RGB, "-units", "PixelsPerInch", "-density", "204x98")
    for ending in ("pcx", "dds", "xpm", "xbm", "xwd", "sun", "fits", "miff", "mng", "jng", "wbmp", "exr", "hdr", "dpx", "cin", "viff", "pict", "pcd", "vicar", "otb", "palm", "jbig", "rgf", "sixel", "xcf", "flif", "fax"):
        magick(tool, f"refused.{ending}", RGB if ending not in ("wbmp", "otb", "fax", "jbig") else BITS)


# --- netpbm ----------------------------------------------------------------------------------------------------------


@program("pnmtopng")
def netpbm():
    for words in ("", "-interlace", "-gamma 0.45", "-transparent =rgb:dc/1e/28", "-background red", "-compression 9 -paeth", "-force", "-nofilter", "-sub", "-phys 4 2 1", "-size 4 2 0",
                  "-srgbintent perceptual", "-chroma 0.3127 0.329 0.64 0.33 0.3 0.6 0.15 0.06"):
        piped(f"netpbm-{words_of(words)}.png", "pnmtopng", *words.split(), PPM)
    for name, image in {"grey": PGM, "bits": PBM}.items():
        piped(f"netpbm-{name}.png", "pnmtopng", image)
        piped(f"netpbm-{name}-i.png", "pnmtopng", "-interlace", image)
    for words, (name, image) in product(("", "-optimize", "-progressive", "-grayscale", "-smooth 40", "-restart 2", "-dct float", "-sample 2x1", "-sample 4x1", "-sample 1x2", "-sample 1x1", "-density 204x98dpi"),
                                        {"rgb": PPM, "grey": PGM}.items()):
        piped(f"netpbm-{name}-{words_of(words)}.jpg", "pnmtojpeg", *words.split(), image)
    for words, (name, image) in product(("-none", "-packbits", "-lzw", "-flate", "-adobeflate", "-g3", "-g4", "-g3 -2d", "-g3 -fill", "-msb2lsb -g4", "-lsb2msb -g4", "-lsb2msb", "-predictor 2 -lzw", "-rowsperstrip 5",
                                         "-truecolor", "-color", "-indexbits 2", "-minisblack", "-miniswhite", "-orientation bottom-left"),
                                        {"rgb": PPM, "grey": PGM, "bits": PBM}.items()):
        run(f"netpbm-{name}-{words_of(words)}.tif", "sh", "-c", f"pamtotiff {words} -output={FOLDER}/netpbm-{name}-{words_of(words)}.tif {image}")
    for words in ("-windows", "-os2", "-windows -bpp 24", "-os2 -bpp 24", "-windows -bpp 8", "-windows -bpp 4", "-windows -bpp 1"):
        few = "ppm" if "24" in words or "bpp" not in words else str(2 ** int(words[-1]))
        colours = PPM if few == "ppm" else source(f"few{few}.ppm", PHOTO.quantize(int(few)).convert("RGB"))
        piped(f"netpbm-{words_of(words)}.bmp", "ppmtobmp", *words.split(), colours)
    for words, image in (("-rgb", PPM), ("-rgb -norle", PPM), ("-mono", PGM), ("-cmap", source("few200.ppm", PHOTO.quantize(200).convert("RGB"))), ("-cmap -norle", SOURCES / "few200.ppm")):
        piped(f"netpbm-{words_of(words)}.tga", "pamtotga", *words.split(), image)
    for words in ("", "-interlace", "-noclear", "-sort", "-transparent =rgb:dc/1e/28", "-nolzw"):
        few = source("few90.ppm", PHOTO.quantize(90).convert("RGB"))
        piped(f"netpbm-{words_of(words)}.gif", "pamtogif", *words.split(), few)
    for depth, image in product((1, 3, 15, 31, 100, 255, 1000, 4095, 65535), (PPM, PGM)):
        piped(f"netpbm-max{depth}-{image.name}", "pamdepth", str(depth), image)
        if depth < 65535:
            piped(f"netpbm-plain{depth}-{image.name}", "pnmtoplainpnm", FOLDER / f"netpbm-max{depth}-{image.name}")
        piped(f"netpbm-png{depth}-{image.stem}.png", "pnmtopng", FOLDER / f"netpbm-max{depth}-{image.name}")
    piped("netpbm-plain.pbm", "pnmtoplainpnm", PBM)
    piped("netpbm-little.pfm", "pamtopfm", "-endian=little", PPM)
    piped("netpbm-big.pfm", "pamtopfm", "-endian=big", PGM)
    piped("netpbm-alpha.pam", "pngtopam", "-alphapam", RGBA)
    piped("netpbm-alpha16.pam", "sh", "-c", f"pngtopam -alphapam {RGBA} | pamdepth 65535")
    piped("netpbm-gif.gif", "sh", "-c", f"pngtopam -alphapam {RGBA} | pamtogif")
    (FOLDER / "netpbm-two.ppm").write_bytes(PPM.read_bytes() + PPM.read_bytes())
    few = source("few60.ppm", PHOTO.quantize(60).convert("RGB"))
    for ending, words in {"pcx": ["ppmtopcx"], "sgi": ["pnmtosgi"], "rast": ["pnmtorast"], "xpm": ["ppmtoxpm"], "pict": ["ppmtopict"], "lbm": ["ppmtoilbm", "-24if"], "fits": ["pnmtofits"], "xwd": ["pnmtoxwd"],
                          "ddif": ["pnmtoddif"], "uil": ["ppmtouil"], "sixel": ["ppmtosixel"], "palm": ["pnmtopalm"], "ps": ["pnmtops"], "eps": ["pnmtops", "-nosetpage", "-noturn"], "ico": ["ppmtowinicon"],
                          "jxr": ["ppmtojxr"], "acad": ["ppmtoacad"], "leaf": ["ppmtoleaf"], "mitsu": ["ppmtomitsu"], "pjxl": ["ppmtopjxl"]}.items():
        if shutil.which(words[0]):
            piped(f"netpbm-refused.{ending}", *words, few)
    for ending, words in {"g3": ["pbmtog3"], "xbm": ["pbmtoxbm"], "mgr": ["pbmtomgr"], "wbmp": ["pbmtowbmp"], "macp": ["pbmtomacp"], "cis": ["pbmtocis"], "pi3": ["pbmtopi3"], "gem": ["pbmtogem"], "x10bm": ["pbmtox10bm"], "jbg": ["pbmtojbg"], "pk": ["pbmtolj"], "escp2": ["pbmtoescp2"]}.items():
        if shutil.which(words[0]):
            piped(f"netpbm-refused.{ending}", *words, PBM)


# --- libtiff and GDAL ------------------------------------------------------------------------------------------------


@program("tiffcp")
def libtiff():
    plain = {}
    for kind, image in COLOURFUL.items():
        if subprocess.run(["convert", image, "-compress", "None", SOURCES / f"{kind}.tif"], capture_output=True).returncode == 0:
            plain[kind] = SOURCES / f"{kind}.tif"
    if not plain:
        plain = {"rgb": source("rgb.tif", PHOTO), "grey": source("grey.tif", PHOTO.convert("L")), "bits": source("bits.tif", PHOTO.convert("1"))}
    for words, (kind, image) in product(("none", "packbits", "lzw", "lzw:2", "zip", "zip:2", "zip:p9", "zip:3", "lzma", "lzma:2", "zstd", "zstd:2:p5", "webp", "webp:p100", "lerc", "lerc:1", "jpeg", "jpeg:60", "jpeg:r", "g3", "g3:2d", "g3:fill", "g3:1d:fill", "g4", "sgilog", "jbig"), plain.items()):
        if words.startswith(("g3", "g4", "jbig")) == (kind == "bits") or words in ("none", "packbits", "lzw", "zip", "lzma", "zstd"):
            run(f"tiffcp-{kind}-{words_of(words)}.tif", "tiffcp", "-c", words, image, OUT)
    for words, kind in product(("-s -r 7", "-s -r 1", "-t -w 16 -l 16", "-t -w 32 -l 48", "-p separate", "-p separate -t -w 16 -l 16", "-B", "-L", "-8", "-8 -B -c zip:2", "-f lsb2msb", "-f lsb2msb -c g4", "-f lsb2msb -c g3:2d",
                                "-f lsb2msb -c lzw", "-B -c lzw:2", "-B -p separate -c zip:2", "-c jpeg -t -w 32 -l 32", "-c jpeg -s -r 16", "-c jpeg -p separate", "-c zip:3 -t -w 16 -l 16 -B"), plain):
        run(f"tiffcp-{kind}-{words_of(words)}.tif", "tiffcp", *words.split(), plain[kind], OUT)
    run("tiffcp-pages.tif", "tiffcp", plain["rgb"], plain["grey"], plain["bits"], OUT)
    run("tiffcp-pages-g4.tif", "tiffcp", "-c", "g4", plain["bits"], plain["bits"], OUT)
    run("tiff2bw.tif", "tiff2bw", plain["rgb"], OUT)
    run("tiffdither.tif", "tiffdither", plain["grey"], OUT)
    run("tiffmedian.tif", "tiffmedian", "-C", "40", plain["rgb"], OUT)
    for kind, words in product(plain, ("-c none", "-c lzw", "-n", "-b")):
        run(f"tiff2rgba-{kind}-{words_of(words)}.tif", "tiff2rgba", *words.split(), plain[kind], OUT)
    for words in ("-c none", "-c lzw:2", "-c zip:2", "-c jpeg", "-R 90"):
        run(f"ppm2tiff-{words_of(words)}.tif", "ppm2tiff", *words.split(), PPM, OUT)
        run(f"ppm2tiff-bits-{words_of(words)}.tif", "ppm2tiff", *words.split(), PBM, OUT)
    for way in range(1, 9):
        shutil.copy(plain["rgb"], FOLDER / f"tiffset-way{way}.tif")
        run(f"tiffset-way{way}.tif", "tiffset", "-s", "274", str(way), OUT)
    raw = SOURCES / "rgb.raw"
    for dtype, words in (("u1", "-d byte"), ("<u2", "-d short -L"), (">u2", "-d short -M"), ("<f4", "-d float -L")):
        values = (MAGNIFIED / 65535).astype(dtype) if dtype == "<f4" else (MAGNIFIED >> 8 if dtype == "u1" else MAGNIFIED).astype(dtype)
        raw.write_bytes(values.tobytes())
        run(f"raw2tiff-{words_of(words)}.tif", "raw2tiff", "-w", "96", "-l", "64", "-b", "3", "-p", "rgb", *words.split(), raw, OUT)


@program("gdal_translate")
def gdal():
    def translate(name, image, *words):
        run(f"gdal-{name}", "gdal_translate", "-q", *words, image, OUT)

    for compress, predictor, tiled, kind in product(("NONE", "LZW", "PACKBITS", "JPEG", "DEFLATE", "ZSTD", "LZMA", "LERC", "LERC_DEFLATE", "LERC_ZSTD", "WEBP", "JXL", "CCITTFAX4"), ("1", "2", "3"), ("YES", "NO"), ("rgb", "grey", "rgba", "rgb16", "grey16", "palette", "bits")):
        if (predictor != "1" and compress not in ("LZW", "DEFLATE", "ZSTD")) or (predictor == "3" and kind != "grey16") or (compress == "CCITTFAX4") != (kind == "bits") or kind not in COLOURFUL:
            continue
        words = ["-co", f"COMPRESS={compress}", "-co", f"TILED={tiled}", "-co", f"PREDICTOR={predictor}", "-co", "BLOCKXSIZE=32", "-co", "BLOCKYSIZE=32" if tiled == "YES" else "BLOCKYSIZE=9"]
        if predictor == "3":
            words += ["-ot", "Float32", "-scale", "0", "65535", "0", "1"]
        if kind == "bits":
            words += ["-co", "NBITS=1", "-scale", "0", "255", "0", "1"]
        translate(f"{kind}-{compress}-{predictor}-{tiled}.tif".lower(), COLOURFUL[kind], *words)
    for option, kind in product(("INTERLEAVE=BAND", "INTERLEAVE=PIXEL", "BIGTIFF=YES", "ENDIANNESS=BIG", "PHOTOMETRIC=MINISWHITE", "PHOTOMETRIC=RGB", "PHOTOMETRIC=YCBCR", "ALPHA=PREMULTIPLIED", "ALPHA=NO", "ALPHA=YES", "SPARSE_OK=TRUE",
                                 "DISCARD_LSB=2", "NBITS=7", "NBITS=4", "NBITS=12", "PIXELTYPE=SIGNEDBYTE", "COPY_SRC_OVERVIEWS=YES", "GEOTIFF_KEYS_FLAVOR=ESRI_PE", "PROFILE=BASELINE"), ("rgb", "grey", "rgba", "greya", "rgb16", "grey16")):
        if kind in COLOURFUL:
            extra = ["-co", "COMPRESS=JPEG"] if "YCBCR" in option else []
            translate(f"{kind}-{words_of(option)}.tif", COLOURFUL[kind], "-co", option, *extra)
    for number in ("Byte", "UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64", "CInt16", "CFloat32"):
        translate(f"number-{number}.tif".lower(), GREY16, "-ot", number)
        translate(f"number-{number}-scaled.tif".lower(), GREY, "-ot", number, "-scale", "0", "255", "0", "1")
    translate("nodata.tif", GREY, "-a_nodata", "0")
    translate("nodata-rgb.tif", RGB, "-a_nodata", "255")
    translate("mask.tif", RGBA, "-b", "1", "-b", "2", "-b", "3", "-mask", "4", "-co", "COMPRESS=JPEG", "--config", "GDAL_TIFF_INTERNAL_MASK", "YES")
    translate("five-bands.tif", RGB, *"-b 1 -b 2 -b 3 -b 1 -b 2".split())
    translate("two-bands.tif", RGB, *"-b 1 -b 2".split())
    for compress in ("LZW", "JPEG", "WEBP", "DEFLATE", "LERC"):
        translate(f"cog-{compress}.tif".lower(), source("large.png", scene(700, 600)), "-of", "COG", "-co", f"COMPRESS={compress}", "-co", "BLOCKSIZE=128")
    for driver, ending, options in (("JPEG", "jpg", ("QUALITY=90", "PROGRESSIVE=ON", "ARITHMETIC=YES", "INTERNAL_MASK=YES")), ("PNG", "png", ("ZLEVEL=9", "NBITS=2", "WORLDFILE=NO")), ("WEBP", "webp", ("LOSSLESS=YES", "QUALITY=60")), ("GIF", "gif", ("INTERLACING=YES", "INTERLACING=NO")),
                                    ("BMP", "bmp", ("WORLDFILE=NO",)), ("JP2OpenJPEG", "jp2", ("REVERSIBLE=YES", "YCC=NO", "TILEPARTS=R", "PROGRESSION=RPCL", "CODEC=J2K", "NBITS=5", "PRECINCTS={64,64}", "BLOCKXSIZE=32", "1BIT_ALPHA=YES", "INSPIRE_TL=NO")), ("JPEGXL", "jxl", ("LOSSLESS=YES",)), ("HEIF", "heic", ("QUALITY=80",)), ("AVIF", "avif", ("QUALITY=80",)),
                                    ("PDF", "pdf", ("COMPRESS=JPEG", "COMPRESS=DEFLATE", "COMPRESS=JPEG2000", "DPI=200", "PREDICTOR=2", "TILED=YES", "EXTRA_RASTERS=no")), ("PNM", "ppm", ("MAXVAL=255",)), ("SGI", "sgi", ()), ("PCIDSK", "pix", ()), ("FITS", "fits", ()), ("HFA", "img", ()), ("XPM", "xpm", ()), ("MBTiles", "mbtiles", ()), ("NITF", "ntf", ("IC=C3", "IC=NC")), ("GTA", "gta", ()), ("AAIGrid", "asc", ())):
        for option, kind in product(options or ("",), ("rgb", "grey", "rgba", "grey16", "palette", "bits", "odd")):
            image = {**COLOURFUL, **STRANGE}[kind]
            translate(f"{driver}-{kind}-{words_of(option)}.{ending}".lower(), image, "-of", driver, *(["-co", option] if option else []))
    for path in FOLDER.glob("*.aux.xml"):
        path.unlink()


# --- ffmpeg, vips, exactimage ----------------------------------------------------------------------------------------


@program("ffmpeg")
def ffmpeg():
    formats = {"png": "rgb24 rgba rgb48be rgba64be pal8 gray ya8 gray16be ya16be monob", "bmp": "bgra bgr24 rgb565le rgb555le rgb444le rgb8 bgr8 rgb4_byte bgr4_byte gray pal8 monob", "tga": "bgr24 bgra rgb555le gray pal8",
               "tif": "rgb24 pal8 rgb48le rgba rgba64le gray gray16le ya8 ya16le monob monow yuv420p yuv422p yuv440p yuv444p yuv410p yuv411p", "gif": "rgb8 bgr8 rgb4_byte bgr4_byte gray pal8", "webp": "bgra yuv420p yuva420p",
               "jpg": "yuvj420p yuvj422p yuvj444p yuv420p yuv444p", "pam": "rgb24 rgba rgb48be rgba64be gray ya8 gray16be ya16be monob", "ppm": "rgb24 rgb48be", "pgm": "gray gray16be", "pbm": "monow", "pgmyuv": "yuv420p",
               "pfm": "grayf32le gbrpf32le grayf32be gbrpf32be", "qoi": "rgba rgb24", "jp2": "rgb24 yuv444p gray yuv420p yuv422p yuv410p yuv411p pal8 rgba rgb48 gray16 ya8", "j2c": "rgb24 gray yuv444p", "jls": "bgr24 rgb24 gray gray16le",
               "ljpg": "bgr24 bgra yuvj420p yuvj444p", "apng": "rgb24 rgba rgb48be pal8 gray ya8 monob", "exr": "grayf32le gbrpf32le gbrapf32le", "hdr": "gbrpf32le", "dpx": "gray rgb24 rgba abgr gray16le rgb48le rgba64le gbrp10le gbrp12le", "sgi": "gray rgb24 rgba rgb48le",
               "pcx": "rgb24 rgb8 gray pal8 monob", "sun": "bgr24 pal8 gray monow", "xbm": "monow", "xwd": "bgra rgb24 gray pal8", "avif": "yuv420p yuv444p yuv422p gray yuv420p10le yuv444p12le gray10le"}
    for ending, depths in formats.items():
        for depth, (kind, image) in product(depths.split(), {"rgba": RGBA, "odd": ODD}.items()):
            words = {"tif": ["-compression_algo", "deflate"], "avif": ["-c:v", "libaom-av1", "-still-picture", "1", "-cpu-used", "8"], "ljpg": ["-c:v", "ljpeg", "-f", "image2"], "jpg": ["-strict", "-1"], "apng": ["-f", "apng"], "jls": ["-c:v", "jpegls", "-f", "image2"]}.get(ending, [])
            run(f"ffmpeg-{kind}-{depth}.{ending}", "ffmpeg", "-v", "error", "-y", "-i", image, "-frames:v", "1", "-update", "1", "-pix_fmt", depth, *words, OUT)
    for algo, depth in product(("packbits", "raw", "lzw", "deflate"), ("rgb24", "gray", "monob", "pal8", "yuv420p", "rgba64le")):
        run(f"ffmpeg-{algo}-{depth}.tif", "ffmpeg", "-v", "error", "-y", "-i", RGBA, "-frames:v", "1", "-update", "1", "-pix_fmt", depth, "-compression_algo", algo, OUT)
    film = ["ffmpeg", "-v", "error", "-y", "-framerate", "4", "-i", SOURCES / "frames/f%d.png"]
    run("ffmpeg-film.gif", *film, OUT)
    run("ffmpeg-film-palette.gif", *film, "-lavfi", "split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse", OUT)
    run("ffmpeg-film.webp", *film, OUT)
    run("ffmpeg-film-lossless.webp", *film, "-lossless", "1", "-loop", "0", OUT)
    run("ffmpeg-film.apng", *film, "-plays", "0", OUT)
    run("ffmpeg-film.avif", *film, "-pix_fmt", "yuv420p", "-c:v", "libaom-av1", "-cpu-used", "8", OUT)
    for words in ("-pred mixed", "-pred paeth", "-dpi 300", "-huffman optimal", "-q:v 2", "-q:v 31"):
        run(f"ffmpeg-{words_of(words)}.{'png' if 'pred' in words or 'dpi' in words else 'jpg'}", "ffmpeg", "-v", "error", "-y", "-i", RGB, "-frames:v", "1", "-update", "1", *words.split(), OUT)


@program("vips")
def vips():
    saves = {"tif": [f"compression={c}{m}" for c, m in product(("none", "jpeg", "deflate", "packbits", "ccittfax4", "lzw", "webp", "zstd", "jp2k,tile"), ("", ",tile", ",tile,pyramid", ",predictor=horizontal", ",bigtiff", ",subifd,pyramid,tile", ",miniswhite", ",premultiply", ",depth=onetile,tile,pyramid"))] + ["bitdepth=1", "bitdepth=2", "bitdepth=4", "bitdepth=1,miniswhite"],
             "jpg": ["interlace", "optimize-coding", "subsample-mode=off", "subsample-mode=on", "trellis-quant", "restart-interval=2", "Q=100"], "png": ["interlace", "palette", "palette,bitdepth=1", "palette,bitdepth=2", "palette,bitdepth=4", "bitdepth=1", "bitdepth=2", "bitdepth=4", "filter=paeth", "compression=0"],
             "webp": ["lossless", "near-lossless", "Q=40", "alpha-q=10", "smart-subsample", "preset=text"], "gif": ["interlace", "dither=0", "bitdepth=3", "bitdepth=1"], "jp2": ["lossless", "tile-width=32,tile-height=32", "subsample-mode=on", "Q=90"], "jxl": ["lossless", "distance=0.5", "tier=4", "effort=3"],
             "heic": ["lossless", "Q=90", "bitdepth=8", "bitdepth=12", "subsample-mode=off"], "avif": ["lossless", "Q=90", "bitdepth=10", "bitdepth=12", "subsample-mode=off", "subsample-mode=on"], "ppm": ["ascii", "bitdepth=1", "format=pgm", "format=pam"], "pfm": [""], "fits": [""], "hdr": [""], "v": [""], "mat": [""]}
    for ending, options in saves.items():
        for option, (kind, image) in product(options, {**COLOURFUL, "odd": ODD}.items()):
            if ending == "tif" and kind in ("palettea", "greya", "wide", "palette") and "," in option:
                continue
            run(f"vips-{kind}-{words_of(option)}.{ending}", "vips", "copy", image, f"{FOLDER}/vips-{kind}-{words_of(option)}.{ending}[{option}]")
    for kind in ("uchar", "char", "ushort", "short", "uint", "int", "float", "double", "complex", "dpcomplex"):
        run(f"vips-{kind}.tif", "sh", "-c", f"vips cast {GREY} {SOURCES}/cast.v {kind} && vips copy {SOURCES}/cast.v {FOLDER}/vips-{kind}.tif")
        run(f"vips-{kind}-rgb.tif", "sh", "-c", f"vips cast {RGB} {SOURCES}/cast.v {kind} && vips copy {SOURCES}/cast.v {FOLDER}/vips-{kind}-rgb.tif")
    for space in ("lab", "labs", "labq", "xyz", "scrgb", "hsv", "cmyk", "rgb16", "grey16", "b-w", "lch", "oklab", "yxy"):
        for ending in ("tif", "png", "jpg", "jxl", "jp2"):
            run(f"vips-space-{space}.{ending}", "sh", "-c", f"vips colourspace {RGB} {SOURCES}/space.v {space} && vips copy {SOURCES}/space.v {FOLDER}/vips-space-{space}.{ending}")


@program("econvert")
def exactimage():
    for ending, (kind, image) in product(("tif", "jpg", "png", "bmp", "gif", "jp2", "pnm", "ppm", "pgm", "pcx", "xpm", "pdf", "ps", "svg"), {**COLOURFUL, "odd": ODD}.items()):
        if ending == "pdf" and kind in ("rgba", "palette", "palettea", "wide"):
            continue  # a JPEG of four components that is said to be of three
        run(f"exact-{kind}.{ending}", "econvert", "-i", image, "-o", OUT)
    for space in ("bw", "bilevel", "gray2", "gray4", "gray", "gray16", "rgb", "rgb16", "rgba", "cmyk"):
        for ending in ("tif", "png", "pdf"):
            if (space, ending) == ("rgba", "pdf"):
                continue
            run(f"exact-space-{space}.{ending}", "econvert", "-i", RGB, "--colorspace", space, "-o", OUT)
    for compress in ("none", "lzw", "g3", "g4", "jpeg", "zip", "packbits", "deflate"):
        run(f"exact-{compress}.tif", "econvert", "-i", BITS, "--compression", compress, "-o", OUT)


# --- tools of one format ---------------------------------------------------------------------------------------------


@program("cjpeg")
def libjpeg():
    for words, (kind, image) in product(("", "-progressive", "-arithmetic", "-arithmetic -progressive", "-grayscale", "-rgb", "-sample 2x2", "-sample 2x1", "-sample 1x2", "-sample 1x1", "-sample 4x1", "-sample 4x2", "-sample 1x4", "-sample 2x2,2x1,1x1",
                                         "-sample 1x1,2x2,1x1", "-sample 3x1", "-sample 2x2,1x2,1x2", "-dct float", "-dct fast", "-restart 1", "-restart 1B", "-smooth 50", "-optimize", "-quality 1", "-quality 100", "-quality 90,20", "-baseline -quality 5"), {"rgb": PPM, "grey": PGM, **{kind: SOURCES / f"{kind}.ppm" for kind in STRANGE}}.items()):
        if not image.exists():
            Image.open(STRANGE[kind]).save(image)
        run(f"cjpeg-{kind}-{words_of(words)}.jpg", "cjpeg", *words.split(), "-outfile", OUT, image)
    big = source("photo.jpg", scene(101, 67), subsampling=2)
    for words in ("-rotate 90", "-rotate 180", "-rotate 270", "-flip horizontal", "-flip vertical", "-transpose", "-transverse", "-rotate 90 -trim", "-crop 33x21+16+16", "-crop 33x21+5+3", "-grayscale", "-progressive", "-arithmetic", "-optimize", "-restart 3", "-copy none", "-wipe 16x16+16+16", "-drop +16+16", "-crop 200x150+0+0"):
        run(f"jpegtran-{words_of(words)}.jpg", "jpegtran", *words.split(), "-outfile", OUT, big)


@program("cwebp")
def libwebp():
    for words, (kind, image) in product(("", "-lossless", "-near_lossless 40", "-q 5", "-alpha_q 10", "-alpha_method 0", "-alpha_filter best", "-pre 4", "-m 0", "-segments 1", "-jpeg_like", "-sharp_yuv", "-exact -lossless", "-crop 3 5 20 21", "-resize 50 0", "-partitions 3", "-strong -sharpness 7", "-noalpha", "-blend_alpha 0xff8000", "-lossless -z 9", "-preset text", "-metadata all"), {**COLOURFUL, **STRANGE}.items()):
        run(f"cwebp-{kind}-{words_of(words)}.webp", "cwebp", "-quiet", *words.split(), image, "-o", OUT)
    for words in ("-lossy", "-lossless", "-mixed", "-min_size", "-kmin 0", "-kmax 1", "-near_lossless 60"):
        run(f"img2webp-{words_of(words)}.webp", "img2webp", "-o", OUT, *(["-" + words[1:]] if words in ("-lossy", "-lossless", "-mixed", "-min_size") else words.split()), *FRAMES)
    if shutil.which("convert"):
        film = SOURCES / "film.gif"
        subprocess.run(["convert", "-dispose", "Background", "-delay", "10", *FRAMES, film], check=True)
        for words in ("", "-lossy", "-mixed", "-min_size", "-loop_compatibility"):
            run(f"gif2webp-{words_of(words)}.webp", "gif2webp", "-quiet", *words.split(), film, "-o", OUT)


@program("gifsicle", "convert")
def gifsicle():
    film = SOURCES / "film.gif"
    subprocess.run(["convert", "-dispose", "Background", "-delay", "10", *FRAMES, film], check=True)
    still = source("still.gif", PHOTO.quantize(100))
    for words, (kind, image) in product(("", "-O3", "-O1", "--careful -O2", "--colors 4", "--colors 2", "--colors 256", "--disposal none", "--disposal bg", "--disposal previous", "--interlace", "--no-interlace", "--rotate-90", "--rotate-180", "--flip-horizontal", "--resize 33x21", "--scale 2", "--crop 3,4+20x15", "--crop-transparency", "--lossy=80", "--transparent #dc1e28", "--background #00ff00", "--logical-screen 80x70", "--position 5,6", "--unoptimize", "--use-colormap web", "--dither --colors 8", "--no-background", "--same-delay --loopcount=0", "--explode"), {"film": film, "still": still}.items()):
        run(f"gifsicle-{kind}-{words_of(words)}.gif", "gifsicle", *words.split(), image, "-o", OUT)
    run("gifsicle-merge.gif", "gifsicle", "--merge", film, still, "-o", OUT)
    run("gifsicle-delete.gif", "gifsicle", film, "--delete", "#0", "--done", "-o", OUT)


@program("cjxl")
def jpegxl():
    for words, (kind, image) in product(("", "-d 0", "-d 0.5", "-d 4", "-m 1", "-m 1 -d 0", "-m 1 -d 2", "-p", "-m 1 -p", "--container=1", "-e 3", "-e 7", "--resampling=2", "--photon_noise_iso=800", "--premultiply=1", "--patches=0", "--dots=1", "--gaborish=0", "--epf=3", "--group_order=1", "--keep_invisible=1", "-R 1", "-g 0 -m 1", "--responsive=1 -m 1", "-I 0", "--compress_boxes=0", "--intensity_target=400", "-x color_space=RGB_D65_DCI_Rel_SRG", "-x color_space=RGB_D65_202_Rel_PeQ"), {**COLOURFUL, **STRANGE}.items()):
        if kind in ("rgb", "rgba", "grey16", "rgb16", "wide", "odd", "greya") or words in ("", "-d 0"):
            run(f"cjxl-{kind}-{words_of(words)}.jxl", "cjxl", *words.split(), image, OUT)
    jpegs = {"rgb": JPEG, "progressive": source("progressive.jpg", PHOTO, progressive=True), "grey": source("grey.jpg", PHOTO.convert("L")), "422": source("422.jpg", scene(51, 33), subsampling=1), "444": source("444.jpg", scene(51, 33), subsampling=0)}
    exif = Image.Exif()
    exif[274] = 6
    jpegs["turned"] = source("turned.jpg", PHOTO, exif=exif)
    for words, (kind, image) in product(("", "--lossless_jpeg=0", "--lossless_jpeg=0 -d 0", "--container=1"), jpegs.items()):
        run(f"cjxl-jpeg-{kind}-{words_of(words)}.jxl", "cjxl", *words.split(), image, OUT)
    for name, image in {"pgm": PGM, "ppm": PPM, "film": SOURCES / "film.gif"}.items():
        if image.exists():
            run(f"cjxl-of-{name}.jxl", "cjxl", image, OUT)


@program("avifenc")
def libavif():
    profile = SOURCES / "wide.icc"
    profile.write_bytes(OTHER or SRGB)
    for words, kind in product(("", "-d 10", "-d 12", "-y 444", "-y 422", "-y 420", "-y 400", "-y 400 -d 10", "-p", "-l", "-r limited", "-r limited -y 420 -d 10", "--cicp 1/13/1", "--cicp 9/13/9", "--cicp 12/13/6", "--cicp 9/16/9 -d 10", "--cicp 9/18/9 -d 10", "--cicp 1/13/0 -y 444", "--cicp 1/8/6", "--cicp 1/4/6", "--cicp 5/13/5", "--cicp 2/2/2", "--cicp 1/13/8 -y 444",
                                    "--pasp 2,1", "--crop 2,4,40,30", "--crop 2,4,40,30 --irot 1", "--irot 1", "--irot 2", "--irot 3", "--imir 0", "--imir 1", "--irot 1 --imir 0", "--irot 3 --imir 1", "--min 50 --max 60", "--minalpha 40 --maxalpha 50", "--tilerowslog2 1 --tilecolslog2 1", "--sharpyuv -y 420", "-c rav1e", "-c svt", f"--icc {profile}", "-a film-grain-test=3", "-g 2x1"), ("rgb", "rgba", "grey", "odd", "rgb16", "greya", "dot", "tall")):
        image = {**COLOURFUL, **STRANGE}.get(kind)
        if image and (kind in ("rgb", "rgba") or "-d" in words or "-y" in words or not words or "-l" in words):
            run(f"avifenc-{kind}-{words_of(words)}.avif", "avifenc", "-s", "9", *words.split(), image, OUT)
    large = source("large256.png", scene(256, 192))
    run("avifenc-grid.avif", "avifenc", "-s", "9", "-g", "2x2", *[source(f"part{i}.png", scene(64, 64)) for i in range(4)], OUT)
    run("avifenc-grid-split.avif", "avifenc", "-s", "9", "-g", "2x3", large, OUT)
    run("avifenc-film.avif", "avifenc", "-s", "9", *[FRAMES[0]] * 2, OUT)
    run("avifenc-of-jpeg.avif", "avifenc", "-s", "9", SOURCES / "422.jpg", OUT)


def multiplied(image):
    pixels = np.asarray(image).astype(np.float64)
    pixels[..., :-1] *= pixels[..., -1:] / 255
    return Image.fromarray(np.floor(pixels).astype(np.uint8))


@program("heif-enc")
def libheif():
    for words, kind in product(("", "-L", "-q 90", "-t 32", "--no-alpha", "-b 8", "-b 10", "-b 12", "-p chroma=444", "-p chroma=422", "-p chroma=420", "-L -p chroma=444 --matrix_coefficients 0", "--full_range_flag 0", "--colour_primaries 12 --transfer_characteristic 13", "--colour_primaries 9 --transfer_characteristic 16 -b 10",
                                    "--colour_primaries 9 --matrix_coefficients 9", "--matrix_coefficients 1", "--matrix_coefficients 5", "--enable-two-colr-boxes", "--premultiplied-alpha", "-E"), ("rgb", "rgba", "grey", "odd", "rgb16", "wide", "greya", "dot", "tall", "grey16")):
        image = {**COLOURFUL, **STRANGE}.get(kind)
        if image and "premultiplied" in words:  # the program says so, and does not multiply
            with Image.open(image) as straight:
                image = source(f"premultiplied-{kind}.png", multiplied(straight)) if straight.mode in ("RGBA", "LA") else image
        if image:
            for ending in ("heic", "avif"):
                if ending == "heic" or kind in ("rgb", "rgba", "rgb16"):
                    run(f"heif-enc-{kind}-{words_of(words)}.{ending}", "heif-enc", *words.split(), image, "-o", OUT)
    run("heif-enc-several.heic", "heif-enc", RGB, GREY, RGBA, "-o", OUT)
    run("heif-enc-of-jpeg.heic", "heif-enc", SOURCES / "turned.jpg" if (SOURCES / "turned.jpg").exists() else JPEG, "-o", OUT)


@program("opj_compress")
def openjpeg():
    for words, (kind, image) in product(("", "-r 20,10,1", "-q 30,40", "-n 1", "-n 3", "-t 32,32", "-t 40,24 -d 5,3", "-c [64,64],[32,32]", "-b 16,16", "-b 4,64", "-p RLCP", "-p RPCL", "-p PCRL", "-p CPRL", "-I", "-I -r 10", "-mct 0", "-mct 0 -I", "-SOP -EPH", "-M 1", "-M 2", "-M 4", "-M 8", "-M 32", "-M 63", "-d 7,9", "-T 3,4 -t 50,50 -d 5,6", "-ROI c=0,U=4", "-TP R", "-TLM", "-PLT", "-s 1,1", "-GuardBits 4", "-C hello", "-POC T1=0,0,1,6,3,CPRL"), {**COLOURFUL, **STRANGE}.items()):
        if kind in ("rgb", "grey", "rgba", "odd") or words in ("", "-I"):
            for ending in ("jp2", "j2k"):
                if ending == "jp2" or kind in ("rgb", "odd"):
                    run(f"opj-{kind}-{words_of(words)}.{ending}", "opj_compress", "-i", image, *words.split(), "-o", OUT)
    for kind, depth in product(("rgb", "grey"), (1, 3, 31, 1023, 4095)):
        of = SOURCES / f"max{depth}.{'ppm' if kind == 'rgb' else 'pgm'}"
        done = subprocess.run(["pamdepth", str(depth), PPM if kind == "rgb" else PGM], capture_output=True) if shutil.which("pamdepth") else None
        if done and not done.returncode:
            of.write_bytes(done.stdout)
            run(f"opj-{kind}-max{depth}.jp2", "opj_compress", "-i", of, "-o", OUT)
    raw = SOURCES / "planes.yuv"
    for bits, sub in product((8, 12), ("1x1:1x1:1x1", "1x1:2x2:2x2", "1x1:2x1:2x1", "2x2:1x1:1x1")):
        sizes = [tuple(map(int, part.split("x"))) for part in sub.split(":")]
        planes = [np.asarray(plane.resize((-(-96 // across), -(-64 // down)))) for plane, (across, down) in zip(PHOTO.convert("YCbCr").split(), sizes)]
        raw.write_bytes(b"".join((plane.astype(">u2") * 16).tobytes() if bits > 8 else plane.tobytes() for plane in planes))
        run(f"opj-raw-{bits}-{words_of(sub)}.jp2", "opj_compress", "-i", raw, "-F", f"96,64,3,{bits},u@{sub}", "-o", OUT)


@program("img2dcm")
def dicom():
    jpegs = {"rgb": JPEG, "grey": SOURCES / "grey.jpg", "progressive": SOURCES / "progressive.jpg", "422": SOURCES / "422.jpg"}
    for kind, image in jpegs.items():
        if image.exists():
            run(f"img2dcm-{kind}.dcm", "img2dcm", "-q", image, OUT)
            run(f"img2dcm-{kind}-old.dcm", "img2dcm", "-q", "-nsc", image, OUT)
            run(f"img2dcm-{kind}-vl.dcm", "img2dcm", "-q", "-vlp", image, OUT)
    bmp = source("rgb.bmp", PHOTO)
    run("img2dcm-bmp.dcm", "img2dcm", "-q", "-i", "BMP", bmp, OUT)
    run("img2dcm-bmp8.dcm", "img2dcm", "-q", "-i", "BMP", source("grey.bmp", PHOTO.convert("L")), OUT)
    plain = [path for path in (FOLDER / "img2dcm-bmp.dcm", FOLDER / "img2dcm-bmp8.dcm") if path.exists()] + [path for path in (deep_dicom(),) if path]
    for path in plain:
        for tool, words in product(("dcmcjpeg", "dcmcjpls", "dcmcrle", "dcmconv"), ("", "+el", "+eb", "+e1", "+ee", "+es", "+ep", "+en", "+tl", "+tb", "+ti", "+td", "+cy", "+cr", "+cn", "+cm", "+s2", "+s1", "+st 2 2")):
            run(f"{tool}-{path.stem}-{words_of(words)}.dcm", tool, *words.split(), path, OUT)


def deep_dicom():
    """Twelve bits with a window, as a scanner of bodies writes them."""
    try:
        import pydicom
        from pydicom.dataset import FileDataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid
    except ImportError:
        return None
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = SecondaryCaptureImageStorage, generate_uid(), ExplicitVRLittleEndian
    data = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, "CT"
    data.StudyInstanceUID, data.SeriesInstanceUID, data.PatientName, data.PatientID = generate_uid(), generate_uid(), "A^B", "1"
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = 64, 96, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleIntercept, data.RescaleSlope, data.WindowCenter, data.WindowWidth = -1024, 1, 1000, 1800
    data.PixelData = (MAGNIFIED[..., 0] >> 4).astype("<u2").tobytes()
    path = FOLDER / "deep.dcm"
    data.save_as(path, enforce_file_format=True)
    return path


# ImageMagick says 8 bits a sample and packs fewer into lines that end too early, or more; ExactImage says RGB of two samples.
# Of 16 bits with transparency no reader gives what ImageMagick was given.
KNOWN = {"im-rgba-depth16.psd": {"reference": f"../{SOURCES.name}/rgba.png"}}
BROKEN = [f"im-{kind}-depth{bits}.psd" for kind, depths in {"grey": "24", "greya": "24", "rgb": "124", "rgba": "124"}.items() for bits in depths] + ["exact-greya.tif", "im-palette-depth16.psd"]


def main():
    for tools, maker in PROGRAMS:
        if maker is not rgb48 and ONLY not in maker.__name__:
            continue
        missing = [tool for tool in tools if not shutil.which(tool)]
        before = len(list(FOLDER.iterdir()))
        if not missing:
            maker()
        print(f"{maker.__name__}: " + (f"is left out, {' '.join(missing)} is not installed" if missing else f"{len(list(FOLDER.iterdir())) - before} files"), flush=True)
    (FOLDER / "expected.json").write_text(json.dumps({"*": {}, **KNOWN, **{name: {"verdict": "refused"} for name in BROKEN}}))
    (SOURCES / "refused.txt").write_text("\n".join(REFUSED))
    print(f"{len(list(FOLDER.iterdir())) - 1} files; {len(REFUSED)} that their programs would not write: {SOURCES / 'refused.txt'}")


main()
