#!/usr/bin/env bash
# Pillow 13.0.0 with numpy 2.4.6, Python 3.11, on pictures of more than 8 bits (microscopes, scanners, medicine):
# - a 16-bit TIFF whose PhotometricInterpretation is 0 (0 is white) is not turned; an 8-bit one is;
# - a PGM that says maxval 4095 comes back scaled to 65535, so its numbers are no longer those of the file;
# - a PNG of 16 bits a channel in colour keeps its high bytes alone: 12-bit values become nearly black.
#
# Guessed: both TIFFs are turned, the PGM's numbers are the file's, the PNG is scaled. Output seen:
#   TIFF, 0 is white, file holds [0, max]: 8 bits [255, 0], 16 bits [0, 65535]
#   PGM, maxval 4095, file holds [0, 250, 4095]: [0, 4001, 65535]
#   PNG, 16 bits RGB, file holds [3000, 300, 65535]: RGB [11, 1, 255]
# What to do: look at the tag and the header yourself. Fails when the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pillow==13.0.0 numpy==2.4.6
cat > "$folder/try.py" <<'PYTHON'
import io
import struct
import zlib

import numpy as np
from PIL import Image


def tiff(bits):
    """A picture of 2 x 1 pixels, 0 and the largest number, in which 0 is white."""
    pixels = np.array([0, 2**bits - 1], f"<u{bits // 8}").tobytes().ljust(4, b"\0")
    tags = [(256, 3, 2), (257, 3, 1), (258, 3, bits), (259, 3, 1), (262, 3, 0), (273, 4, 8), (277, 3, 1), (278, 3, 1)]
    tags += [(279, 4, 2 * bits // 8)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + pixels + struct.pack("<H", len(tags)) + entries + b"\0\0\0\0"


def png(row):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    body = zlib.compress(b"\0" + np.array(row, ">u2").tobytes())
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def read(content):
    picture = Image.open(io.BytesIO(content))
    return picture.mode, np.asarray(picture).ravel().tolist()


print(f"TIFF, 0 is white, file holds [0, max]: 8 bits {read(tiff(8))[1]}, 16 bits {read(tiff(16))[1]}")
pgm = b"P5\n3 1\n4095\n" + np.array([0, 250, 4095], ">u2").tobytes()
print(f"PGM, maxval 4095, file holds [0, 250, 4095]: {read(pgm)[1]}")
print("PNG, 16 bits RGB, file holds [3000, 300, 65535]:", *read(png([3000, 300, 65535])))
PYTHON
seen=$("$folder/venv/bin/python" "$folder/try.py")
printf '%s\n' "$seen"
[ "$seen" = "TIFF, 0 is white, file holds [0, max]: 8 bits [255, 0], 16 bits [0, 65535]
PGM, maxval 4095, file holds [0, 250, 4095]: [0, 4001, 65535]
PNG, 16 bits RGB, file holds [3000, 300, 65535]: RGB [11, 1, 255]" ]
