"""Makes the pictures in data/ with encoders that are not ours: Pillow (made with 13.0), ImageMagick's
convert (6.9) and libturbojpeg (2.1). Every picture shows the same four fields, 64 x 32 pixels:
red | green over blue | yellow, so that its pixels are known by construction.
"""

import ctypes
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

DATA = pathlib.Path(__file__).parent / "data"
RED, GREEN, BLUE, YELLOW = (220, 40, 30), (30, 180, 60), (40, 60, 210), (230, 210, 50)
W, H = 64, 32


def fields(red=RED, green=GREEN, blue=BLUE, yellow=YELLOW, dtype=np.uint8):
    a = np.zeros((H, W, len(red)), dtype)
    a[: H // 2, : W // 2], a[: H // 2, W // 2 :] = red, green
    a[H // 2 :, : W // 2], a[H // 2 :, W // 2 :] = blue, yellow
    return a


RGB = Image.fromarray(fields())
# What lies under a transparent field is another colour: it must not show.
RGBA = Image.fromarray(fields(RED + (255,), GREEN + (255,), (0, 0, 0, 0), YELLOW + (128,)))
TRANSPOSES = [None] + list(Image.Transpose)


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e.tobytes()


def stored_for(orientation):
    """The stored picture that is RGB once it is turned upright."""
    for t in TRANSPOSES:
        image = RGB.copy() if t is None else RGB.transpose(t)
        image.info["exif"] = exif(orientation)
        turned = ImageOps.exif_transpose(image)
        if turned.size == RGB.size and np.array_equal(np.asarray(turned), fields()):
            return RGB.copy() if t is None else RGB.transpose(t)
    raise AssertionError(orientation)


def convert(image, name, *options):
    with tempfile.NamedTemporaryFile(suffix=".png") as f:
        image.save(f.name)
        subprocess.run(["convert", f.name, "-strip", *options, str(DATA / name)], check=True)


def without_segment(jpeg, marker):
    at = 2
    while jpeg[at + 1] != marker:
        at += 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
    return jpeg[:at] + jpeg[at + 2 + struct.unpack(">H", jpeg[at + 2 : at + 4])[0] :]


def ycck(ink):
    """libturbojpeg turns CMYK into YCCK; it takes ink as Adobe stores it, 255 = none."""
    turbo = ctypes.CDLL("libturbojpeg.so.0")
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    out, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong()
    pixels = np.ascontiguousarray(ink)
    status = turbo.tjCompress2(handle, pixels.ctypes.data_as(ctypes.c_void_p), W, 0, H, 11, ctypes.byref(out),
                               ctypes.byref(size), 0, 95, 0)
    assert status == 0
    return ctypes.string_at(out, size.value)


def jpegs():
    RGB.save(DATA / "plain.jpg", quality=95, subsampling=0)
    RGB.save(DATA / "subsampled.jpg", quality=95, subsampling=2)
    RGB.save(DATA / "progressive.jpg", quality=95, progressive=True)
    RGB.convert("L").save(DATA / "grey.jpg", quality=95)
    for o in range(1, 9):
        stored_for(o).save(DATA / f"exif_{o}.jpg", quality=95, subsampling=0, exif=exif(o))
    ink = 255 - fields()  # with no black, ink is the complement of light
    cmyk = np.dstack([ink, np.zeros((H, W), np.uint8)])
    Image.fromarray(cmyk, "CMYK").save(DATA / "cmyk_adobe.jpg", quality=95)
    # Pillow writes inverted ink and Adobe's marker; without the marker, ink is not inverted.
    Image.fromarray(255 - cmyk, "CMYK").save(DATA / "cmyk_plain.jpg", quality=95)
    path = DATA / "cmyk_plain.jpg"
    path.write_bytes(without_segment(path.read_bytes(), 0xEE))
    (DATA / "ycck.jpg").write_bytes(ycck(255 - cmyk))
    subprocess.run(["jpegtran", "-arithmetic", "-outfile", DATA / "arithmetic.jpg", DATA / "plain.jpg"], check=True)
    subprocess.run(["jpegtran", "-restart", "1", "-outfile", DATA / "restarts.jpg", DATA / "plain.jpg"], check=True)
    RGB.save(DATA / "icc_srgb.jpg", quality=95, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    RGB.save(DATA / "icc_lab.jpg", quality=95, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_16(name, array, colour_type):
    """Pillow does not write 16-bit colour."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", W, H, 16, colour_type, 0, 0, 0)
    (DATA / name).write_bytes(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) +
                              png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))


def pngs():
    RGB.save(DATA / "plain.png")
    RGBA.save(DATA / "alpha.png")
    RGB.convert("L").save(DATA / "grey.png")
    RGBA.convert("LA").save(DATA / "grey_alpha.png")
    palette = RGB.quantize(4)
    for bits in (2, 4, 8):
        palette.save(DATA / f"palette_{bits}.png", bits=bits)
    palette.save(DATA / "palette_trns.png", transparency=palette.getpixel((0, H - 1)))  # blue is clear
    RGB.save(DATA / "trns_key.png", transparency=BLUE)
    Image.fromarray(fields()[:, :, 0] > 100).convert("1").save(DATA / "bits_1.png")
    # 16-bit samples that cutting and scaling take to different bytes: 257 v + 200 scales to v + 1, cuts to v.
    wide = fields().astype(np.uint32) * 257 - 57
    png_16("rgb_16.png", wide.astype(np.uint16), 2)
    png_16("grey_16.png", wide[:, :, 0].astype(np.uint16), 0)
    png_16("rgba_16.png", np.dstack([wide, np.asarray(RGBA)[:, :, 3].astype(np.uint32) * 257]).astype(np.uint16), 6)
    convert(RGB, "interlaced.png", "-interlace", "PNG")
    convert(RGBA, "interlaced_alpha.png", "-interlace", "PNG")
    stored_for(6).save(DATA / "exif_6.png", exif=exif(6))
    RGB.save(DATA / "animated.png", save_all=True, append_images=[RGB.transpose(Image.Transpose.ROTATE_180)])
    RGB.crop((0, 0, 1, 1)).save(DATA / "one_pixel.png")


def webps():
    RGB.save(DATA / "lossless.webp", lossless=True)
    RGB.save(DATA / "lossy.webp", quality=95)
    RGBA.save(DATA / "alpha.webp", lossless=True)
    RGBA.save(DATA / "lossy_alpha.webp", quality=95)
    RGB.save(DATA / "animated.webp", lossless=True, save_all=True, append_images=[RGB.transpose(Image.Transpose.ROTATE_180)])
    stored_for(8).save(DATA / "exif_8.webp", lossless=True, exif=exif(8))


def gifs():
    palette = RGB.quantize(4)
    palette.save(DATA / "plain.gif", interlace=0)
    palette.save(DATA / "interlaced.gif", interlace=1)
    palette.save(DATA / "transparent.gif", transparency=palette.getpixel((0, H - 1)))
    palette.save(DATA / "animated.gif", save_all=True, append_images=[palette.transpose(Image.Transpose.ROTATE_180)])
    # A frame that covers the right half only; the left half of the canvas is nothing.
    convert(RGB.crop((W // 2, 0, W, H)), "offset.gif", "-repage", f"{W}x{H}+{W // 2}+0")


def bmps():
    RGB.save(DATA / "plain.bmp")
    RGB.quantize(4).save(DATA / "palette.bmp")
    Image.fromarray(fields()[:, :, 0] > 100).convert("1").save(DATA / "bits_1.bmp")
    RGB.convert("RGBA").save(DATA / "rgba.bmp")
    convert(RGB, "v5.bmp", "-define", "bmp:format=bmp4")
    convert(RGB, "rgb_555.bmp", "-define", "bmp:subtype=RGB555")
    convert(RGB.quantize(4), "rle.bmp", "-compress", "RLE")


def pnms():
    a = fields()
    red = a[:, :, 0]
    bits = red <= 100  # 1 is black
    (DATA / "p1.pbm").write_bytes(b"P1\n# dense\n64 32\n" + b"\n".join("".join("01"[int(v)] for v in r).encode() for r in bits))
    (DATA / "p2.pgm").write_bytes(b"P2 64 32 255\n" + b"\n".join(" ".join(map(str, r)).encode() for r in red) + b"\n")
    (DATA / "p3.ppm").write_bytes(b"P3\n64 32\n# maximum:\n255\n" + b" ".join(str(v).encode() for v in a.ravel()) + b"\n")
    (DATA / "p4.pbm").write_bytes(b"P4\n64 32\n" + np.packbits(bits, axis=1).tobytes())
    RGB.convert("RGB").save(DATA / "p6.ppm")
    Image.fromarray(red).save(DATA / "p5.pgm")
    (DATA / "p6_16.ppm").write_bytes(b"P6 64 32 65535\n" + (a.astype(np.uint32) * 257 - 57).astype(">u2").tobytes())
    (DATA / "p5_maximum_100.pgm").write_bytes(b"P5 64 32 100\n" + np.full((H, W), 40, np.uint8).tobytes())


def heifs():
    RGB.save(DATA / "plain.avif", quality=95, subsampling="4:4:4")
    RGBA.save(DATA / "alpha.avif", quality=95, subsampling="4:4:4")
    stored_for(6).save(DATA / "rotated_6.avif", quality=95, subsampling="4:4:4", exif=exif(6))
    convert(RGB, "plain.heic", "-quality", "95")


if __name__ == "__main__":
    for make in (jpegs, pngs, webps, gifs, bmps, pnms, heifs):
        make()
