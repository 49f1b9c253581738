"""The other side of pictures.ts: reads a picture with every independent reader that knows its kind.

One JSON object a line in: {"path", "page" (0-based), "size" ([width, height] of what is drawn to scale, or null), "scratch"}.
One out: {"readings": [{"reader", "width", "height", "pages", "pixels" (a file of raw RGB), "exact"}], "errors": ["reader: why"]}.
The first reading is the one to believe; the others tell whether it stands alone.
"""

import base64
import gzip
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")
for plugin in ("pillow_jxl", "pillow_heif"):
    try:
        module = __import__(plugin)
        if plugin == "pillow_heif":
            module.register_heif_opener()
    except ImportError:
        pass

SECONDS = 60


class Unread(Exception):
    """This reader does not know this picture."""


class Asked:
    def __init__(self, path, page, size, scratch):
        self.path, self.page, self.size, self.scratch = path, page, size, scratch
        self.bytes = Path(path).read_bytes()

    def file(self, name):
        return os.path.join(self.scratch, name)


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, timeout=SECONDS, **options)
    if done.returncode:
        last = (done.stderr or done.stdout).decode("utf8", "replace").strip().splitlines()[-1:]
        raise Unread(f"ended with {done.returncode}: {' '.join(last)}")
    return done.stdout


def need(tool):
    if not shutil.which(tool):
        raise Unread("is not installed")
    return tool


# --- Pillow, with LittleCMS for profiles ---------------------------------------------------------------------------


def pillow(asked):
    image = Image.open(io.BytesIO(asked.bytes))
    pages, format = pages_of(image), image.format
    if image.format != "PSD":  # whose frames are its layers
        image.seek(asked.page)
    if image.format == "AVIF":
        image = cropped(image, asked.bytes)
    lossless = format in ("PNG", "BMP", "GIF", "PPM", "TGA", "QOI", "ICO", "DIB", "SGI", "PCX", "TIFF")
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    cicp = cicp_of(asked.bytes) if format == "PNG" else None
    if format == "AVIF" and not profile:
        cicp = nclx_of({}, asked.bytes)
    if cicp:
        return in_srgb(from_nclx(eight_bits(upright), *cicp), None), pages, False
    gamma = gamma_of(asked.bytes) if format == "PNG" and not profile else None
    if gamma:
        return in_srgb(from_gamma(eight_bits(upright), gamma), None), pages, False
    ycbcr = format == "TIFF" and image.tag_v2.get(262) == 6
    exact = lossless and not profile and not ycbcr and image.mode in ("1", "L", "LA", "P", "PA", "RGB", "RGBA")
    return in_srgb(eight_bits(upright), profile), pages, exact


def cropped(image, avif):
    """By the clean aperture, which libavif leaves to others. Source: ISO/IEC 14496-12, 12.1.4"""
    at = avif.find(b"clap", 0, 4096)
    if at < 0:
        return image
    width, height, right, down = [over / under for over, under in zip(*[iter(struct.unpack(">IIIIiIiI", avif[at + 4:at + 36]))] * 2)]
    left, top = (image.width - width) / 2 + right, (image.height - height) / 2 + down
    return image.crop((round(left), round(top), round(left + width), round(top + height)))


def pages_of(image):
    """Without the smaller copies that a TIFF keeps."""
    frames = getattr(image, "n_frames", 1)
    if image.format == "PSD":
        return 1
    if image.format != "TIFF":
        return frames
    kinds = []
    for frame in range(frames):
        image.seek(frame)
        kinds.append(image.tag_v2.get(254, 0))
    return sum(not kind & 5 for kind in kinds) or frames


def gamma_of(png):
    """The PNG's own word for how light its numbers are, where it is another than sRGB's."""
    head = png[:png.find(b"IDAT")]
    at = head.find(b"gAMA")
    if at < 0 or b"sRGB" in head:
        return None
    gamma = int.from_bytes(png[at + 4:at + 8], "big") / 100_000
    return gamma if gamma and abs(gamma * 2.2 - 1) > 0.05 else None


def from_gamma(image, gamma):
    rgba = np.asarray(image.convert("RGBA")).astype(np.float64) / 255
    rgba[..., :3] = linear_to_srgb(rgba[..., :3] ** (1 / gamma))
    return Image.fromarray(np.round(rgba * 255).astype(np.uint8), "RGBA")


def cicp_of(png):
    """Primaries and transfer of PNG's own chunk for them, which Pillow does not know."""
    at = png.find(b"cICP", 0, png.find(b"IDAT"))
    return (png[at + 4], png[at + 5]) if at > 0 else None


def eight_bits(image):
    """Pillow clips what has more bits instead of scaling it."""
    if image.mode in ("I;16", "I;16B", "I;16L"):
        return Image.fromarray(np.round(np.asarray(image).astype(np.float64) / 257).astype(np.uint8))
    if image.mode == "I" and np.asarray(image).max(initial=0) > 255:
        return Image.fromarray(np.round(np.clip(np.asarray(image), 0, 65535) / 257).astype(np.uint8))
    if image.mode == "F":
        raise Unread("has no rule for float samples")
    return image


def in_srgb(image, profile):
    """[height, width, 3] on white."""
    alpha = None
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
    if profile:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = own.profile.xcolor_space.strip()
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
        if mode is None:
            raise Unread(f"has a profile of {space}")
        base = image if image.mode == mode else image.convert(mode)
        image = ImageCms.profileToProfile(base, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    elif image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
    colours = np.asarray(image.convert("RGB"))
    if alpha is None:
        return colours
    share = np.asarray(alpha).astype(np.float64)[..., None] / 255
    return np.round(colours * share + 255 * (1 - share)).astype(np.uint8)


# --- TIFF ----------------------------------------------------------------------------------------------------------


def tiff(asked):
    """Samples by what the tags say they mean."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(asked.bytes)) as file:
        pages = [page for page in file.pages if not (page.subfiletype & 5)] or list(file.pages)
        page = pages[asked.page]
        return tiff_page(page), len(pages), False


def tiff_page(page):
    name = page.photometric.name
    if name not in ("MINISWHITE", "MINISBLACK", "RGB", "PALETTE", "SEPARATED", "CIELAB"):
        raise Unread(f"photometric {name} is left to others")
    if page.tags.get(34675) and (name == "CIELAB" or name != "SEPARATED" and page.samplesperpixel < 3):
        raise Unread(f"photometric {name} is left to others")
    if int(page.compression) in (2, 3, 4) and 0 in page.databytecounts:
        raise Unread("has a fax of no bytes")
    samples = page.asarray()
    samples = samples.reshape((-1,) + samples.shape[-3:])[0] if samples.ndim > 3 else samples
    if samples.ndim == 3 and page.planarconfig == 2:
        samples = np.moveaxis(samples, 0, -1)
    if samples.ndim == 2:
        samples = samples[..., None]
    if name == "CIELAB":
        if samples.shape[-1] != 3:
            raise Unread("has more than L*, a* and b*")
        rgb = lab_to_srgb(lab_of(samples))
        return np.round(turn(rgb, int(page.tags.valueof(274, 1))) * 255).astype(np.uint8)
    wide = unit(samples, page)
    colours = {"RGB": 3, "SEPARATED": 4}.get(name, 1)
    main, extra = wide[..., :colours], wide[..., colours:]
    if main.shape[-1] < colours:
        raise Unread(f"has {main.shape[-1]} samples of {colours}")
    rgb = {"MINISBLACK": lambda: np.repeat(main, 3, -1), "MINISWHITE": lambda: 1 - np.repeat(main, 3, -1), "RGB": lambda: main,
           "PALETTE": lambda: page.colormap.T[samples[..., 0].astype(int)] / 65535,
           "SEPARATED": lambda: (1 - main[..., :3]) * (1 - main[..., 3:])}[name]()
    profile = page.tags.get(34675)
    if profile and name in ("RGB", "SEPARATED"):
        mode = "RGB" if name == "RGB" else "CMYK"
        rgb = in_srgb(Image.fromarray(np.round(main * 255).astype(np.uint8), mode), profile.value) / 255
    kinds = [int(kind) for kind in page.extrasamples or ()]
    for index, kind in enumerate(kinds):
        if kind in (1, 2):
            share = extra[..., index:index + 1]
            rgb = rgb + (1 - share) if kind == 1 else rgb * share + (1 - share)
            break
    turned = turn(np.clip(rgb, 0, 1), int(page.tags.valueof(274, 1)))
    return np.round(turned * 255).astype(np.uint8)


def lab_of(samples):
    """TIFF 6.0, section 23, and Adobe's technical note for 16 bits."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float64)
    bits = samples.dtype.itemsize * 8
    light = samples[..., :1].astype(f"u{bits // 8}").astype(np.float64) * 100 / (2 ** bits - 1)
    return np.concatenate([light, samples[..., 1:].astype(f"i{bits // 8}") / 2.0 ** (bits - 8)], -1)


def lab_to_srgb(lab):
    """By Adobe's note the white is D50."""
    fy = (lab[..., 0] + 16) / 116
    cube = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    xyz = np.where(cube > 6 / 29, cube ** 3, 3 * (6 / 29) ** 2 * (cube - 4 / 29)) * (0.9642, 1, 0.8249)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = np.diag(bradford @ (0.95047, 1, 1.08883) / (bradford @ (0.9642, 1, 0.8249)))
    linear = xyz @ (np.linalg.inv(to_xyz(PRIMARIES[1])) @ np.linalg.inv(bradford) @ scale @ bradford).T
    return linear_to_srgb(np.clip(linear, 0, 1))


def ycbcr(asked):
    """TIFF 6.0, section 21: lines of blocks, each its lights and then its two colours."""
    import tifffile

    with tifffile.TiffFile(io.BytesIO(asked.bytes)) as file:
        page = file.pages[asked.page]
        unpack = {1: bytes, 5: codecs().lzw_decode, 8: codecs().zlib_decode, 32946: codecs().zlib_decode, 32773: codecs().packbits_decode}.get(int(page.compression))
        if page.photometric.name != "YCBCR" or unpack is None or page.is_tiled or page.planarconfig == 2 or page.tags.valueof(317, 1) != 1:
            raise Unread("is asked about plain YCbCr")
        across, down = page.tags.valueof(530, (2, 2))
        columns = -(-page.imagewidth // across)
        strips = [asked.bytes[at:at + count] for at, count in zip(page.dataoffsets, page.databytecounts)]
        lines = [np.frombuffer(unpack(strip), np.uint8) for strip in strips]
        blocks = np.concatenate([each[:each.size // (columns * (across * down + 2)) * columns * (across * down + 2)] for each in lines]).reshape(-1, columns, across * down + 2)
        light = blocks[..., :-2].reshape(-1, columns, down, across).swapaxes(1, 2).reshape(-1, columns * across)
        colours = np.repeat(np.repeat(blocks[..., -2:], down, 0), across, 1)
        low = np.array(page.tags.valueof(532, (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)), float).reshape(6, 2)
        black, white = (low[:, 0] / low[:, 1])[::2], (low[:, 0] / low[:, 1])[1::2]
        y = (light - black[0]) * 255 / (white[0] - black[0])
        cb, cr = [(colours[..., i] - black[i + 1]) * 127 / (white[i + 1] - black[i + 1]) for i in (0, 1)]
        share = np.array(page.tags.valueof(529, (299, 1000, 587, 1000, 114, 1000)), float).reshape(3, 2)
        red, green, blue = share[:, 0] / share[:, 1]
        r, b = y + cr * (2 - 2 * red), y + cb * (2 - 2 * blue)
        rgb = np.stack([r, (y - red * r - blue * b) / green, b], -1)[:page.imagelength, :page.imagewidth]
        return np.round(np.clip(turn(rgb, int(page.tags.valueof(274, 1))), 0, 255)).astype(np.uint8), len(file.pages), False


def codecs():
    import imagecodecs

    return imagecodecs


def libtiff(asked):
    if asked.page:
        raise Unread("is asked about the first page")
    out = asked.file("libtiff.tif")
    run(need("tiff2rgba"), "-c", "none", asked.path, out)
    return in_srgb(Image.open(out), None), None, False


def unit(samples, page):
    """0 to 1."""
    if samples.dtype.kind == "f":
        finite = samples[np.isfinite(samples)]
        if finite.size and (finite.min() < 0 or finite.max() > 1):
            raise Unread("has no rule for float samples beyond 0 and 1")
        return np.nan_to_num(samples.astype(np.float64), nan=0)
    if samples.dtype == bool:
        return samples.astype(np.float64)
    if samples.dtype.kind == "i":
        return np.clip(samples / np.iinfo(samples.dtype).max, 0, 1)
    return samples.astype(np.float64) / (2 ** page.bitspersample - 1)


def turn(pixels, orientation):
    return {2: lambda p: p[:, ::-1], 3: lambda p: p[::-1, ::-1], 4: lambda p: p[::-1], 5: lambda p: p.swapaxes(0, 1),
            6: lambda p: p[::-1].swapaxes(0, 1), 7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
            8: lambda p: p[:, ::-1].swapaxes(0, 1)}.get(orientation, lambda p: p)(pixels)


# --- HEIC and AVIF -------------------------------------------------------------------------------------------------

PRIMARIES = {1: (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.329), 9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.329),
             12: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329), 5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, 0.3127, 0.329),
             6: (0.63, 0.34, 0.31, 0.595, 0.155, 0.07, 0.3127, 0.329), 11: (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.314, 0.351)}


def heif(asked):
    import pillow_heif

    file = pillow_heif.open_heif(io.BytesIO(asked.bytes), convert_hdr_to_8bit=True)
    picture = file[asked.page]
    image = eight_bits(ImageOps.exif_transpose(picture.to_pillow()))
    image = image.convert("RGBA") if image.mode == "RGBa" else image
    profile = picture.info.get("icc_profile")
    if not profile:
        image = from_nclx(image, *nclx_of(picture.info, asked.bytes))
    return in_srgb(image, profile), len(file), False


def nclx_of(info, bytes):
    """Primaries and transfer; the library tells of some files only."""
    if nclx := info.get("nclx_profile"):
        return nclx["color_primaries"], nclx["transfer_characteristics"]
    at = bytes.find(b"colrnclx")
    return (int.from_bytes(bytes[at + 8:at + 10]), int.from_bytes(bytes[at + 10:at + 12])) if at > 0 else (1, 13)


def from_nclx(image, primaries, transfer):
    """ISO/IEC 23091-2: what the colours mean, as sRGB."""
    if transfer in (16, 18):
        raise Unread("PQ and HLG are left to others")
    if primaries in (1, 2) and transfer in (1, 2, 6, 13, 14, 15):  # of the same shape for a viewer
        return image
    if primaries not in PRIMARIES and primaries != 2:
        raise Unread(f"does not know primaries {primaries}")
    rgba = np.asarray(image.convert("RGBA")).astype(np.float64) / 255
    light = rgba[..., :3]
    power = {4: 2.2, 5: 2.8}.get(transfer)
    linear = light if transfer == 8 else light ** power if power else srgb_to_linear(light)
    matrix = np.linalg.inv(to_xyz(PRIMARIES[1])) @ to_xyz(PRIMARIES.get(primaries, PRIMARIES[1]))
    rgba[..., :3] = linear_to_srgb(np.clip(linear @ matrix.T, 0, 1))
    return Image.fromarray(np.round(rgba * 255).astype(np.uint8), "RGBA")


def srgb_to_linear(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(v):
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def to_xyz(chromaticities):
    xr, yr, xg, yg, xb, yb, xw, yw = chromaticities
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in ((xr, yr), (xg, yg), (xb, yb))]).T
    white = np.array([xw / yw, 1, (1 - xw - yw) / yw])
    return columns * np.linalg.solve(columns, white)


def ffmpeg(asked):
    """Also films, PQ and HLG; turns nothing by EXIF."""
    out = asked.file("ffmpeg.png")
    probe = json.loads(run(need("ffprobe"), "-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", asked.path))
    transfer = (probe["streams"] or [{}])[0].get("color_transfer")
    # What is brighter than paper white is white.
    tone = "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,zscale=transfer=iec61966-2-1:range=full," \
        if transfer in ("smpte2084", "arib-std-b67") else ""
    run(need("ffmpeg"), "-v", "error", "-y", "-i", asked.path, "-vf", f"select=eq(n\\,{asked.page}),{tone}format=rgb24",
        "-frames:v", "1", out)
    image = Image.open(out).convert("RGB")
    still = Image.open(asked.path) if asked.bytes[4:12] == b"ftypavif" else image
    if still.mode == "RGBA":  # ffmpeg has it in another stream
        image.putalpha(still.getchannel("A"))
    return in_srgb(image, None), None, False


def sharp_film(asked):
    """A frame of an AVIF film in which, too, no colours are made between those of the coarser planes."""
    if asked.bytes[8:12] != b"avis":
        raise Unread("is asked about films")
    out = asked.file("film.png")
    run(need("ffmpeg"), "-v", "error", "-y", "-i", asked.path, "-sws_flags", "neighbor+accurate_rnd+full_chroma_int",
        "-vf", f"select=eq(n\\,{asked.page}),format=rgb24", "-frames:v", "1", out)
    return in_srgb(Image.open(out), None), None, False


def heif_convert(asked):
    """libheif's own decoding of an AVIF still, which makes no new colours between those of its coarser planes."""
    if asked.page:
        raise Unread("is asked about the first picture")
    out = asked.file("heif.png")
    run(need("heif-convert"), "--quiet", asked.path, out)
    image = Image.open(out)
    profile = image.info.get("icc_profile")
    image = eight_bits(image)
    return in_srgb(image if profile else from_nclx(image, *nclx_of({}, asked.bytes)), profile), 1, False


# --- drawn to scale ------------------------------------------------------------------------------------------------


def pdftoppm(asked):
    page = str(asked.page + 1)
    # Not -scale-to-x with -scale-to-y: a page that is turned comes out cut off.
    run(need("pdftoppm"), "-scale-to", str(max(asked.size)), "-cropbox", "-f", page, "-l", page, asked.path, asked.file("poppler"))
    made = next(Path(asked.scratch).glob("poppler*.ppm"), None)
    if made is None:
        raise Unread("wrote no page")
    pages = re.search(rb"^Pages:\s+(\d+)", run(need("pdfinfo"), asked.path), re.M)
    return nearly(Image.open(made).convert("RGB"), asked.size), int(pages[1]) if pages else None, False


def mutool_fine(asked):
    """Tiles of patterns four times as large: smaller, each reader rounds them to whole pixels in its own way."""
    import pikepdf

    with pikepdf.open(io.BytesIO(asked.bytes)) as document:
        kinds = [each.stream_dict if isinstance(each, pikepdf.Stream) else each for each in document.objects if isinstance(each, (pikepdf.Dictionary, pikepdf.Stream))]
        if not any(kind.get("/PatternType") == 1 for kind in kinds):
            raise Unread("is asked about tiles")
    width, height = asked.size
    out = asked.file("fine.png")
    run(need("mutool"), "draw", "-q", "-o", out, "-w", str(width * 4), "-h", str(height * 4), "-f", "-c", "rgb", asked.path,
        str(asked.page + 1))
    return np.asarray(Image.open(out).convert("RGB").resize((width, height), Image.Resampling.BOX)), None, False


def nearly(image, size):
    """Renderers round a page's sides differently; more than a pixel is another shape."""
    off = max(abs(image.width - size[0]), abs(image.height - size[1]))
    return np.asarray(image.resize(size) if 0 < off <= 1 else image)


def mutool(asked):
    width, height = asked.size
    out = asked.file("mutool.png")
    run(need("mutool"), "draw", "-q", "-o", out, "-w", str(width), "-h", str(height), "-f", "-c", "rgb", asked.path,
        str(asked.page + 1))
    return np.asarray(Image.open(out).convert("RGB")), None, False


def pymupdf(asked):
    import pymupdf

    with pymupdf.open(stream=asked.bytes, filetype="pdf") as document:
        page = document[asked.page]
        width, height = asked.size
        zoom = pymupdf.Matrix(width / page.rect.width, height / page.rect.height)
        drawn = page.get_pixmap(matrix=zoom, alpha=False, colorspace=pymupdf.csRGB)
        pixels = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.width, 3)
        return np.asarray(Image.fromarray(pixels).resize((width, height))), document.page_count, False


def chromium(asked):
    """As a web page shows it in <img>: no scripts, nothing fetched."""
    width, height = asked.size
    svg, page, out = asked.file("drawing.svg"), asked.file("page.html"), asked.file("chromium.png")
    Path(svg).write_bytes(gzip.decompress(asked.bytes) if asked.bytes[:2] == b"\x1f\x8b" else asked.bytes)
    Path(page).write_text(f'<!doctype html><body style="margin:0;background:#fff"><img src="drawing.svg" '
                          f'style="display:block;width:{width}px;height:{height}px">')
    # Its window's frame takes some of the height.
    run(need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1",
        f"--user-data-dir={asked.file('profile')}", f"--window-size={max(width, 500)},{height + 200}", f"--screenshot={out}",
        Path(page).as_uri())
    return np.asarray(Image.open(out).convert("RGB"))[:height, :width], 1, False


def rsvg(asked):
    width, height = asked.size
    out = asked.file("rsvg.png")
    run(need("rsvg-convert"), "-w", str(width), "-h", str(height), "-b", "white", "-o", out, asked.path)
    return np.asarray(Image.open(out).convert("RGB")), 1, False


def ghostscript(asked):
    width, height = asked.size
    out = asked.file("gs.png")
    run(need("gs"), "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dEPSCrop", "-sDEVICE=png16m", "-r150", f"-sOutputFile={out}", asked.path)
    return np.asarray(Image.open(out).convert("RGB").resize((width, height))), 1, False


# --- the rest ------------------------------------------------------------------------------------------------------


def camera_preview(asked):
    """The largest JPEG in a raw file, turned as the raw file says."""
    best = None
    for tag in ("JpgFromRaw", "PreviewImage", "OtherImage", "JpgFromRaw2", "ThumbnailImage"):
        try:
            image = Image.open(io.BytesIO(run(need("exiftool"), "-b", f"-{tag}", asked.path)))
        except (Unread, OSError):
            continue
        if best is None or image.width * image.height > best.width * best.height:
            best = image
    if best is None:
        raise Unread("has no preview")
    orientation = int(run("exiftool", "-n", "-s3", "-IFD0:Orientation", asked.path).decode().strip() or 1)
    return turn(np.asarray(best.convert("RGB")), orientation), 1, False


def psb(asked):
    """As Pillow reads the smaller format of the same name: lengths of 64 and 32 bits become shorter, layers are left out."""
    bytes = asked.bytes
    at = 26
    for _ in range(2):
        at += 4 + int.from_bytes(bytes[at:at + 4], "big")
    head, at = bytes[:at], at + 8 + int.from_bytes(bytes[at:at + 8], "big")
    packing, data = bytes[at:at + 2], bytes[at + 2:]
    if packing == b"\0\1":
        lines = int.from_bytes(head[12:14], "big") * int.from_bytes(head[14:18], "big")
        data = np.frombuffer(data[:lines * 4], ">u4").astype(">u2").tobytes() + data[lines * 4:]
    small = Asked.__new__(Asked)
    small.__dict__ = {**asked.__dict__, "bytes": head[:5] + b"\1" + head[6:] + NOTHING + packing + data}
    return pillow(small)


NOTHING = b"\0\0\0\0"


def imagecodecs(asked):
    import imagecodecs

    samples = imagecodecs.imread(asked.path)
    if samples.dtype == np.uint16:
        samples = np.round(samples / 257).astype(np.uint8)
    if samples.dtype != np.uint8:
        raise Unread(f"has no rule for {samples.dtype}")
    mode = {2: "L"}.get(samples.ndim) or {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[samples.shape[-1]]
    return in_srgb(Image.fromarray(samples.squeeze(), mode), None), 1, False


def magick(asked):
    out = asked.file("magick.png")
    run(need("convert"), f"{asked.path}[{asked.page}]", "-auto-orient", "-background", "white", "-alpha", "remove", "-depth", "8",
        "-colorspace", "sRGB", f"PNG24:{out}")
    return np.asarray(Image.open(out).convert("RGB")), None, False


def dcmj2pnm(asked):
    """Through the file's own window, or from its least to its greatest value."""
    out = asked.file("dicom.png")
    words = ("+F", str(asked.page + 1), asked.path, out)
    try:
        run(need("dcmj2pnm"), "+on", "+Wi", "1", *words)
    except Unread:
        run("dcmj2pnm", "+on", "+Wm", *words)
    return np.asarray(Image.open(out).convert("RGB")), None, False


def netpbm(asked):
    return in_srgb(eight_bits(Image.open(io.BytesIO(run(need("pamtopng"), asked.path)))), None), 1, False


def chromium_frames(asked):
    """Each as a browser's own decoder gives it, on white."""
    image = Image.open(io.BytesIO(asked.bytes))
    if getattr(image, "n_frames", 1) == 1 and image.tile[0][1] == (0, 0, *image.size):
        raise Unread("is not asked about a single picture that fills its frame")
    data = base64.b64encode(asked.bytes).decode()
    page = asked.file("frames.html")
    Path(page).write_text(f"""<!doctype html><pre id="out"></pre><script>(async () => {{
      const bytes = Uint8Array.from(atob("{data}"), (letter) => letter.charCodeAt(0));
      const decoder = new ImageDecoder({{ data: bytes, type: "image/gif" }});
      await decoder.tracks.ready;
      await decoder.completed;
      const {{ image }} = await decoder.decode({{ frameIndex: {asked.page} }});
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [image.displayWidth, image.displayHeight];
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(image, 0, 0);
      document.getElementById("out").textContent = decoder.tracks.selectedTrack.frameCount + " " + canvas.toDataURL();
    }})()</script>""")
    dom = run(need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={asked.file('profile')}",
              "--virtual-time-budget=8000", "--dump-dom", Path(page).as_uri())
    made = re.search(rb'<pre id="out">(\d+) data:image/png;base64,([^<]+)</pre>', dom)
    if made is None:
        raise Unread("gave no frame")
    image = Image.open(io.BytesIO(base64.b64decode(made[2]))).convert("RGB")
    return np.asarray(image), int(made[1]), False


def openjpeg(asked):
    out = asked.file("openjpeg.png")
    run(need("opj_decompress"), "-i", asked.path, "-o", out)
    return in_srgb(eight_bits(Image.open(out)), None), 1, False


def coalesced(asked):
    """Frames as a browser puts them together: what none has painted is see-through."""
    run(need("convert"), asked.path, "-coalesce", "-background", "white", "-alpha", "remove", "-colorspace", "sRGB", f"PNG24:{asked.file('frame-%d.png')}")
    frames = sorted(Path(asked.scratch).glob("frame-*.png"), key=lambda path: int(path.stem[6:]))
    return np.asarray(Image.open(frames[asked.page]).convert("RGB")), len(frames), False


# --- kinds ---------------------------------------------------------------------------------------------------------


def starts(*marks):
    return lambda asked: any(asked.bytes.startswith(mark) for mark in marks)


def named(*endings):
    return lambda asked: asked.path.lower().endswith(endings)


def is_svg(asked):
    text = gzip.decompress(asked.bytes) if asked.bytes[:2] == b"\x1f\x8b" else asked.bytes
    return re.search(rb"<(\w+:)?svg[\s>]", text[:16384]) is not None


def brands(*sought):
    return lambda asked: asked.bytes[4:8] == b"ftyp" and any(brand in asked.bytes[8:64] for brand in sought)


# Kind, how it is known, readers that are independent of ours and of each other, and stopgaps for what none of them reads.
KINDS = [
    ("raw", named(".dng", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".raf", ".rw2"), (camera_preview,), ()),
    ("pdf", lambda asked: b"%PDF-" in asked.bytes[:1024], (mutool_fine, pdftoppm, mutool), (pymupdf,)),
    ("avif", brands(b"avif", b"avis"), (pillow, heif_convert, sharp_film), (ffmpeg,)),
    ("heic", brands(b"hei", b"mif1", b"msf1", b"hev"), (heif,), (ffmpeg,)),
    ("tiff", starts(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), (tiff, ycbcr), (pillow, libtiff, magick)),
    ("eps", starts(b"%!PS", b"\xc5\xd0\xd3\xc6"), (ghostscript,), ()),
    ("jp2", starts(b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), (openjpeg, pillow), (imagecodecs,)),
    ("jxl", starts(b"\xff\x0a", b"\0\0\0\x0cJXL "), (pillow,), (imagecodecs,)),
    ("jpeg", starts(b"\xff\xd8"), (pillow,), (imagecodecs, magick)),
    ("png", starts(b"\x89PNG"), (pillow,), ()),
    ("gif", starts(b"GIF8"), (chromium_frames, pillow, coalesced), ()),
    ("dicom", lambda asked: asked.bytes[128:132] == b"DICM", (dcmj2pnm,), ()),
    ("pam", starts(b"P7"), (netpbm,), (magick,)),
    ("webp", lambda asked: asked.bytes[8:12] == b"WEBP", (pillow,), (imagecodecs,)),
    ("svg", is_svg, (chromium,), (rsvg,)),
    ("psd", starts(b"8BPS\0\1"), (pillow, magick), ()),
    ("psb", starts(b"8BPS\0\2"), (psb, magick), ()),
    ("other", lambda asked: True, (pillow,), (imagecodecs, magick)),
]


def read(request):
    asked = Asked(request["path"], request["page"], request["size"] or [1024, 1024], request["scratch"])
    kind, _, readers, stopgaps = next(entry for entry in KINDS if entry[1](asked))
    readings, errors = [], []
    for reader in readers + stopgaps:
        if readings and reader in stopgaps:
            break
        try:
            pixels, pages, exact = reader(asked)
        except Exception as error:  # whatever another's reader throws is its answer
            what = str(error) if isinstance(error, Unread) else f"{type(error).__name__} {error}"
            errors.append(f"{reader.__name__}: {what}"[:300])
            continue
        path = asked.file(f"{reader.__name__}.rgb")
        Path(path).write_bytes(np.ascontiguousarray(pixels, np.uint8).tobytes())
        readings.append({"reader": reader.__name__, "width": pixels.shape[1], "height": pixels.shape[0], "pages": pages,
                         "pixels": path, "exact": exact})
    return {"kind": kind, "readings": readings, "errors": errors}


def main():
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders' chatter
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line))), flush=True)


main()
