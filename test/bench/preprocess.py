"""The reference's side of preprocess.ts: one timed preprocessing for each line read, milliseconds printed."""

import io
import sys
import time

import numpy as np
from mistral_common.protocol.instruct.chunk import ImageChunk
from mistral_common.tokens.tokenizers.image import ImageConfig, ImageEncoder, SpecialImageIDs
from PIL import Image


def photo(path: str, width: int, height: int) -> None:
    """A JPEG with the detail of a photograph: smooth shapes, edges, texture and sensor noise, all seeded."""
    rng = np.random.default_rng(3)
    pixels = np.zeros((height, width, 3), np.float32)
    for points, strength in ((8, 90), (40, 50), (200, 30), (1000, 15)):
        noise = rng.normal(0, 1, (height * points // width + 2, points + 2, 3)).astype(np.float32)
        for channel in range(3):
            plane = Image.fromarray(noise[..., channel]).resize((width, height), Image.Resampling.BICUBIC)
            pixels[..., channel] += strength * np.asarray(plane)
    pixels += rng.normal(0, 3, pixels.shape)
    Image.fromarray(np.clip(pixels + 128, 0, 255).astype(np.uint8)).save(path, quality=90)


def main() -> None:
    path = sys.argv[1]
    if len(sys.argv) == 4:
        photo(path, int(sys.argv[2]), int(sys.argv[3]))
    encoder = ImageEncoder(ImageConfig(16, 1024), SpecialImageIDs(img=10, img_break=12, img_end=13))
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        with open(path, "rb") as file:
            image = Image.open(io.BytesIO(file.read()))
        encoder(ImageChunk(image=image))
        print(1000 * (time.perf_counter() - start), flush=True)


main()
