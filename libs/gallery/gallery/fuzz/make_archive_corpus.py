"""Writes archive_corpus/ from docs/formats/archive.md alone, with Python's own tar: what the reader is fuzzed with,
and what archive_test.cpp reads as somebody else's archive. No vector comes from a face.

    python3 libs/gallery/gallery/fuzz/make_archive_corpus.py
"""
import hashlib
import io
import json
import pathlib
import struct
import tarfile
import zipfile

FOLDER = pathlib.Path(__file__).parent / "archive_corpus"


def facts(data):
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def npy(rows, dimension, element):
    """numpy.lib.format, version 1.0, with numpy's room for a growing first dimension."""
    descr, code = {"f16": ("<f2", "e"), "f32": ("<f4", "f")}[element]
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({len(rows)}, {dimension}), }}"
    header += " " * (21 - len(str(len(rows))))
    header += " " * (64 - (10 + len(header) + 1) % 64) + "\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    return data + b"".join(struct.pack(f"<{dimension}{code}", *row) for row in rows)


def lines(objects):
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()


def members(element="f16", dimension=4, kept=True, empty=False):
    persons = [{"person": name, "name": name.title(), "attributes": {"note": [1, None]}, "consent_basis": "asked",
                "consent_at": 5, "expires_at": None, "created": 7} for name in ("ada", "łukasz")]
    vectors = [[1, 0, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 0, -1]]
    faces, files = [], []
    for i, (person, face) in enumerate([("ada", 3), ("łukasz", 5), ("ada", 6)]):
        line = {"id": face, "person": person, "norm": 9.5, "quality": 0.5, "box": [1, 2.5, 3, 4],
                "landmarks": list(range(10)) if i == 0 else None, "source": f"photo {i}.jpg", "enrolled": 100 + i,
                "chip": None, "photo": None}
        if kept and i < 2:
            form, folder, key = [("arcface.png", "chips", "chip"), ("jpg", "photos", "photo")][i]
            data = f"bytes of {folder} {face}".encode()
            line[key] = {"form": form, **facts(data)}
            files.append((f"{folder}/f{face}.{form}", data))
        faces.append(line)
    if empty:
        persons, faces, vectors, files, dimension = [], [], [], [], 0
    tables = {"persons.jsonl": lines(persons), "faces.jsonl": lines(faces),
              "vectors.npy": npy(vectors, dimension, element)}
    manifest = {"schema": "visavis.archive/1", "model": None if empty else "0123456789abcdef",
                "dimension": dimension, "element": element, "persons": len(persons), "faces": len(faces),
                "created": 1000, "members": {name: facts(data) for name, data in tables.items()}}
    return [("manifest.json", json.dumps(manifest).encode()), *tables.items(), *files]


def tar(parts, form=tarfile.USTAR_FORMAT, change=None):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for i, (name, data) in enumerate(parts):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if change:
                change(i, info)
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    # Without the padding to whole records of 10 KiB, which the format does not ask for.
    data = out.getvalue().rstrip(b"\0")
    return data + b"\0" * (-len(data) % 512 + 1024)


def link(i, info):
    if i == 4:
        info.type, info.linkname, info.size = tarfile.SYMTYPE, "../../etc/passwd", 0


def pax(i, info):
    info.pax_headers = {"comment": "x" * 200, "GNU.sparse.size": "99999999999"} if i == 3 else {}


def main():
    FOLDER.mkdir(exist_ok=True)
    whole = members()
    samples = {
        "whole": tar(whole),
        "f32": tar(members("f32", kept=False)),
        "empty": tar(members(empty=True)),
        "truncated": tar(whole)[:3000],
        "traversal": tar([*whole[:4], ("../evil", b"x")]),
        "link": tar(whole, change=link),
        "sparse": tar(whole, tarfile.PAX_FORMAT, pax),
        "gnu_long_name": tar([("x" * 200, b"y")], tarfile.GNU_FORMAT),
    }
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(zipfile.ZipInfo("manifest.json"), whole[0][1])
    samples["zip"] = zipped.getvalue()
    for name, data in samples.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
