# SPDX-License-Identifier: BSD-2-Clause
"""A PNG with all metadata that one can hold, and what is in such a file."""
from common import *


def entry(tag, kind, count, value):
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def exif_block(orientation=1, dpi=(300, 300)):
    """IFD0 (make, orientation, dots per inch, date), EXIF (original date, size, maker note, dots of the sensor, ten for
    each, the rules of interoperability), GPS, a thumbnail."""
    date, make = b"2026:01:02 03:04:05\0", b"Retina Works\0\0"
    at = {"ifd": 8, "make": 110, "x": 124, "date": 132, "exif": 152, "original": 242, "note": 262, "gps": 274,
          "lat": 328, "y": 376, "sensor": 384, "interop": 400, "ifd1": 418, "thumb": 448}
    y = at["x"] if dpi[0] == dpi[1] else at["y"]  # two tags may share a value
    ifd = struct.pack("<H", 8) + entry(0x10f, 2, 13, struct.pack("<I", at["make"]))
    ifd += entry(0x112, 3, 1, struct.pack("<H", orientation)) + entry(0x11a, 5, 1, struct.pack("<I", at["x"]))
    ifd += entry(0x11b, 5, 1, struct.pack("<I", y)) + entry(0x128, 3, 1, struct.pack("<H", 2))
    ifd += entry(0x132, 2, 20, struct.pack("<I", at["date"])) + entry(0x8769, 4, 1, struct.pack("<I", at["exif"]))
    ifd += entry(0x8825, 4, 1, struct.pack("<I", at["gps"])) + struct.pack("<I", at["ifd1"])
    exif = struct.pack("<H", 7) + entry(0x9003, 2, 20, struct.pack("<I", at["original"]))
    exif += entry(0x927c, 7, 12, struct.pack("<I", at["note"])) + entry(0xa002, 3, 1, struct.pack("<H", 32))
    exif += entry(0xa003, 3, 1, struct.pack("<H", 24)) + entry(0xa005, 4, 1, struct.pack("<I", at["interop"]))
    exif += entry(0xa20e, 5, 1, struct.pack("<I", at["sensor"]))
    exif += entry(0xa20f, 5, 1, struct.pack("<I", at["sensor"] + 8)) + b"\0\0\0\0"
    gps = struct.pack("<H", 4) + entry(1, 2, 2, b"N\0") + entry(2, 5, 3, struct.pack("<I", at["lat"]))
    gps += entry(3, 2, 2, b"E\0") + entry(4, 5, 3, struct.pack("<I", at["lat"] + 24)) + b"\0\0\0\0"
    degrees = struct.pack("<12I", 48, 1, 31, 1, 0, 1, 9, 1, 3, 1, 0, 1)
    ifd1 = struct.pack("<H", 2) + entry(0x201, 4, 1, struct.pack("<I", at["thumb"]))
    ifd1 += entry(0x202, 4, 1, struct.pack("<I", 8)) + b"\0\0\0\0"
    interop = struct.pack("<H", 1) + entry(1, 2, 4, b"R98\0") + b"\0\0\0\0"
    sensor = struct.pack("<4I", 10 * dpi[0], 1, 10 * dpi[1], 1)
    out = bytearray(at["thumb"] + 8)
    for where, part in (("ifd", ifd), ("make", make), ("x", struct.pack("<II", dpi[0], 1)), ("date", date),
                        ("exif", exif), ("original", date.replace(b"05\0", b"09\0")), ("note", b"MAKERSNOTE12"),
                        ("gps", gps), ("lat", degrees), ("y", struct.pack("<II", dpi[1], 1)), ("sensor", sensor),
                        ("interop", interop), ("ifd1", ifd1), ("thumb", b"THUMBNAI")):
        out[at[where]:at[where] + len(part)] = part
    out[:8] = b"II*\0\x08\0\0\0"
    return bytes(out)


def profile(space=b"RGB "):
    """A small profile that is right: primaries and white of sRGB, gamma 2.2; or a grey one."""
    def xyz(*v):
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *[round(x * 65536) for x in v])
    name = b"made for a test"
    desc = b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * 80
    tags = [(b"desc", desc), (b"cprt", b"text\0\0\0\0no rights\0"), (b"wtpt", xyz(.9642, 1, .8249))]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256))
    if space == b"GRAY":
        tags.append((b"kTRC", curve))
    else:
        tags += [(b"rXYZ", xyz(.4361, .2225, .0139)), (b"gXYZ", xyz(.3851, .7169, .0971)),
                 (b"bXYZ", xyz(.1431, .0606, .7141)), (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve)]
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    return (struct.pack(">I", size) + b"\0\0\0\0\2\x10\0\0mntr" + space + b"XYZ " +
            struct.pack(">6H", 2026, 1, 2, 3, 4, 5) + b"acsp" + b"\0" * 28 +
            struct.pack(">3i", 63190, 65536, 54061) + b"\0" * 48 + table + body)


def ink_profile(colour_of, tables=(b"A2B0",)):
    """A profile of four inks: its table has the colour (Lab, 8 bits) of each of 16 mixtures (none or all of each)."""
    nodes = bytes(v for i in range(16) for v in colour_of(i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1))
    same = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut += same * 4 + nodes + same * 3
    name = b"inks of a test"
    tags = [(b"desc", b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name + b"\0" * 79),
            (b"cprt", b"text\0\0\0\0no rights\0"),
            (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061))]
    tags += [(table, lut) for table in tables]
    table, body, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += tag + struct.pack(">II", at + len(body), len(data))
        body += data
    return (struct.pack(">I", at + len(body)) + b"\0\0\0\0\2\x10\0\0prtrCMYKLab " +
            struct.pack(">6H", 2026, 1, 2, 3, 4, 5) + b"acsp" + b"\0" * 28 +
            struct.pack(">3i", 63190, 65536, 54061) + b"\0" * 48 + table + body)


xmp = (b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
       b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
       b"xmlns:tiff='http://ns.adobe.com/tiff/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' tiff:Orientation='%d' "
       b"exif:PixelXDimension='%d'><tiff:Make>Retina Works</tiff:Make></rdf:Description></rdf:RDF></x:xmpmeta>"
       b"<?xpacket end='w'?>")
iptc = b"\x1c\x02\x00\x00\x02\x00\x04\x1c\x02\x19\x00\x05fovea"
iptc_block = b"8BIM\4\4\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) & 1)
raw = b"\niptc\n%8d\n" % len(iptc_block) + iptc_block.hex().encode() + b"\n"


def chunks(data):
    at, found = 8, []
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        found.append((kind, data[at + 8:at + 8 + n]))
        at += 12 + n
    return found


def per_metre(dpi):
    return struct.pack(">II", *[round(v / .0254) for v in dpi])


def dress(name, orientation=1, icc=profile(), dpi=(300, 300)):
    """Put all metadata into a PNG."""
    data = read_file(name)
    extra = chunk(b"iCCP", b"p\0\0" + zlib.compress(icc)) + chunk(b"pHYs", per_metre(dpi) + b"\1")
    extra += chunk(b"eXIf", exif_block(orientation, dpi))
    extra += chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp % (orientation, 32))
    extra += chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(raw))
    write_file(name, data[:33] + extra + data[33:])


def metadata_of(name):
    """ICC, EXIF, XMP and IPTC of a PNG that fovea wrote."""
    found = {}
    for kind, body in chunks(read_file(name)):
        if kind == b"iCCP":
            found["icc"] = zlib.decompress(body[body.index(b"\0") + 2:])
        elif kind == b"eXIf":
            found["exif"] = body
        elif kind == b"iTXt":
            found["xmp"] = body[22:]
        elif kind == b"zTXt":
            text = zlib.decompress(body[body.index(b"\0") + 2:])
            found["iptc"] = bytes.fromhex(text.split(b"\n", 3)[3].replace(b"\n", b"").decode())[12:12 + len(iptc)]
    return found
