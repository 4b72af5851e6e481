#!/usr/bin/env python3
"""Measures searches of ours and of its peers on the same vectors in one run, and writes docs/search.md.

    bench/index/run.py PROGRAM [--sizes 1000,10000,...] [--kinds spectrum,clusters,isotropic]
                       [--faces FILE] [--galleries PROGRAM] [--doc FILE] [--json FILE]
                       [--graph-limit 100000] [--peer-limit 1000000] [--keep FOLDER]

PROGRAM is visavis-bench-index; with visavis-bench-folder for --galleries, whole galleries of 100,000
templates on are measured too. FILE for the kind `faces` has embeddings of real faces, plain f32
numbers, 512 a row; the first 64 are the queries. With --keep, rows and index files stay, and those
that are there are only measured: make them on a busy machine, run again without the JSON file on a
quiet one. What the JSON file holds already is not measured again. The peers
live in an environment of their own, beside the cache of visavis:
`python3 -m venv ~/.cache/visavis/peers/search/venv` and `pip install -r requirements.txt`. Run this
with that environment's python. Every figure is a median over queries of the fastest of several
repetitions, one thread unless said otherwise.
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import faiss
import hnswlib
import numpy as np
import usearch.index

HERE = pathlib.Path(__file__).resolve().parent
DIMENSION = 512
REPEATS = 5
COLOURS = {"visavis": "#0b6", "visavis graph": "#6c0", "plain f16 scan": "#888", "faiss fp16": "#36c", "faiss sq8": "#93c",
           "hnswlib ef 200": "#d70", "hnswlib ef 600": "#d70", "usearch f16 ef 256": "#b40"}


def fastest(work, repeats=REPEATS):
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def measured(name, ask, queries, truth, build):
    """`ask(rows of queries)` gives row numbers, ten per query."""
    times = [fastest(lambda q=q: ask(queries[q:q + 1]), 3) for q in range(len(queries))]
    found = ask(queries)
    return {"name": name, "ms": float(np.median(times)) * 1e3,
            "p99_ms": float(np.quantile(times, .99)) * 1e3,
            "recall1": float(np.mean(found[:, 0] == truth[:, 0])),
            "recall10": float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, truth)])),
            "build_s": build}


def in_chunks(rows, add):
    start = time.perf_counter()
    for first in range(0, len(rows), 65536):
        add(np.asarray(rows[first:first + 65536], np.float32))
    return time.perf_counter() - start


def faiss_flat(kind, name, rows, queries, truth):
    index = faiss.IndexScalarQuantizer(DIMENSION, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(np.asarray(rows[:65536], np.float32))
    build = in_chunks(rows, index.add)
    result = measured(name, lambda q: index.search(q, 10)[1], queries, truth, build)
    for threads in (1, 2):
        faiss.omp_set_num_threads(threads)
        result[f"batch_qps_{threads}"] = len(queries) / fastest(lambda: index.search(queries, 10))
    faiss.omp_set_num_threads(1)
    return result


def hnsw(ef, rows, queries, truth):
    index = hnswlib.Index(space="ip", dim=DIMENSION)
    index.init_index(max_elements=len(rows), M=16, ef_construction=200)
    index.set_num_threads(1)
    build = in_chunks(rows, lambda chunk: index.add_items(chunk, num_threads=2))
    index.set_ef(ef)
    return measured(f"hnswlib ef {ef}",
                    lambda q: index.knn_query(q, 10, num_threads=1)[0].astype(np.int64), queries,
                    truth, build)


def usearch_graph(ef, rows, queries, truth):
    index = usearch.index.Index(ndim=DIMENSION, metric="ip", dtype="f16", connectivity=16,
                                expansion_add=128, expansion_search=ef)
    added = iter(range(0, len(rows), 65536))
    build = in_chunks(rows, lambda chunk: index.add(np.arange(len(chunk)) + next(added), chunk,
                                                    threads=2))

    def ask(some):
        keys = index.search(some, 10, threads=1).keys
        return np.asarray(keys).astype(np.int64).reshape(len(some), -1)

    return measured(f"usearch f16 ef {ef}", ask, queries, truth, build)


def truth_of(rows, queries):
    """The ten best by double precision over the rows as stored."""
    scores = np.concatenate([np.asarray(rows[i:i + 65536], np.float64) @ queries.T.astype(float)
                             for i in range(0, len(rows), 65536)])
    best = np.argpartition(-scores, 10, axis=0)[:10] if len(scores) > 10 else None
    order = np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 0), axis=0), 0)
    return order.T


def folder_for(keep, kind, size):
    if not keep:
        return tempfile.TemporaryDirectory()
    folder = keep / f"{kind}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    return contextlib.nullcontext(str(folder))


def measure(given, kind, size):
    with folder_for(given.keep, kind, size) as folder:
        source = f"faces={given.faces}" if kind == "faces" else kind
        ours, graph = (json.loads(subprocess.run(
            [given.program, source, str(size), folder, index], check=True, text=True,
            stdout=subprocess.PIPE).stdout) for index in ("exact", "hnsw"))
        if size > given.peer_limit:
            return {"kind": kind, "count": size, "ours": ours, "graph": graph, "peers": []}
        rows = np.fromfile(pathlib.Path(folder, "rows.f16"), np.float16).reshape(-1, DIMENSION)
        queries = np.fromfile(pathlib.Path(folder, "queries.f32"), np.float32)
    queries = queries.reshape(-1, DIMENSION)
    truth = truth_of(rows, queries)
    faiss.omp_set_num_threads(1)
    quantizer = faiss.ScalarQuantizer
    peers = [faiss_flat(quantizer.QT_fp16, "faiss fp16", rows, queries, truth),
             faiss_flat(quantizer.QT_8bit, "faiss sq8", rows, queries, truth)]
    if size <= given.graph_limit:
        peers += [hnsw(200, rows, queries, truth), usearch_graph(256, rows, queries, truth)]
    return {"kind": kind, "count": size, "ours": ours, "graph": graph, "peers": peers}


def measure_gallery(program, size):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([program, str(size), folder + "/people"], check=True, text=True,
                              stdout=subprocess.PIPE)
    return {"kind": "galleries", **json.loads(done.stdout)}


def rows_of(result):
    ours = result["ours"]
    yield "visavis", ours
    if "graph" in result:
        yield "visavis graph", result["graph"]
    yield "plain f16 scan", {"ms": ours["plain_ms"], "recall1": 1, "recall10": 1}
    for peer in result["peers"]:
        yield peer["name"], peer


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def number(value, digits=3):
    return "" if value is None else f"{value:.{digits}g}" if value < 100 else f"{value:.0f}"


def plot(results):
    """Latency against size, both logarithmic; recall@1 beside each last point."""
    width, height, left, top, right, bottom = 640, 380, 60, 20, 150, 40
    series = {}
    for result in results:
        for name, figures in rows_of(result):
            series.setdefault(name, []).append((result["count"], figures["ms"], figures["recall1"]))
    sizes = sorted({result["count"] for result in results})
    low, high = np.log10(min(sizes)), np.log10(max(sizes))
    every = [ms for points in series.values() for _, ms, _ in points]
    bottom_ms, top_ms = np.floor(np.log10(min(every))), np.ceil(np.log10(max(every)))

    def x(size):
        return left + (np.log10(size) - low) / max(high - low, 1) * (width - left - right)

    def y(ms):
        return top + (top_ms - np.log10(ms)) / (top_ms - bottom_ms) * (height - top - bottom)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for power in range(int(bottom_ms), int(top_ms) + 1):
        out.append(f'<path d="M{left} {y(10.0 ** power):.1f}H{width - right}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(10.0 ** power) + 4:.1f}" text-anchor="end">'
                   f"{10.0 ** power:g} ms</text>")
    for size in sizes:
        out.append(f'<text x="{x(size):.1f}" y="{height - bottom + 18}" text-anchor="middle">'
                   f"{size:,}</text>")
    labels = []
    for name, points in series.items():
        colour = COLOURS.get(name, "#000")
        path = "L".join(f"{x(size):.1f} {y(ms):.1f}" for size, ms, _ in points)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(size):.1f}" cy="{y(ms):.1f}" r="3" fill="{colour}"/>'
                for size, ms, _ in points]
        size, ms, recall = points[-1]
        labels.append([y(ms) + 4, x(size) + 8, colour, f"{name}, recall@1 {recall:.3g}"])
    labels.sort()
    for i, (at, across, colour, text) in enumerate(labels):
        if i and labels[i - 1][1] == across:
            at = labels[i][0] = max(at, labels[i - 1][0] + 13)
        out.append(f'<text x="{across:.1f}" y="{at:.1f}" fill="{colour}">{text}</text>')
    return "\n".join(out + ["</svg>", ""])


TEXTS = {
    "spectrum": "Drawn with the variances that the embeddings of LFW by `faceplugin-512` have along "
                "their principal directions, four templates per person, of mean cosine .646 as "
                "there; half of the queries are of persons in the gallery.",
    "clusters": "20,000 centres (a fifth of the vectors where there are fewer) drawn evenly from "
                "the sphere, their members at mean cosine .646.",
    "isotropic": "Drawn evenly from the sphere, the worst case: no direction says more than "
                 "another.",
    "faces": "The faces of LFW by `faceplugin-512`, one a photo, asked for by 64 that are left out, "
             "each of a person with others; from 13,168 on with drawn ones between them, sums of "
             "real ones with normal weights, four templates per person of mean cosine .646.",
}


def galleries(results):
    out = ["## Whole galleries", "",
           "A gallery's folder (the database and the index file) with vectors as in *spectrum*: "
           "opened up to the first answer, which maps the file and checks all of it; the ten best "
           "persons for a probe, with their names from the database; a person of four templates "
           "removed until no byte is left, everything synced. One thread, medians; the files are in the page "
           "cache.", "",
           "| templates | open s | identify ms | right person first | remove ms | enrol all s |",
           "|---|---|---|---|---|---|"]
    for r in results:
        out.append(f"| {r['count']:,} | {number(r['open_ms'] / 1e3)} | {number(r['identify_ms'])} | "
                   f"{r['right']:.3f} | {number(r['remove_ms'])} | {number(r['make_s'])} |")
    return out + [""]


def document(results, note):
    whole = [result for result in results if result["kind"] == "galleries"]
    results = [result for result in results if result["kind"] != "galleries"]
    out = ["# Search", "",
           "512 dimensions, top 10, one query at a time on one thread: milliseconds, the median over "
           "64 queries of the fastest of several repetitions. Recall is against brute force in f32 "
           "over the vectors as stored (f16). *Grouped* gives one result per person. Batches are of "
           "64 queries. *Plain* is brute force over the same f16 rows with the same inner product, "
           "in the same process.", "",
           f"{cpu_name()}, {os.cpu_count()} cores; " + note, "",
           "**Galleries are searched exactly at every size** unless `gallery index hnsw` says otherwise; "
           "*visavis graph* is that ([ADR 13](adr/0013-graphs-by-codes.md)).", "",
           "How it works: [libs/gallery/index](../libs/gallery/index/README.md). To measure again: "
           "`bench/index/run.py` (its head says how).", "",
           "![latency against gallery size](images/search.svg)", ""]
    for kind in dict.fromkeys(result["kind"] for result in results):
        chosen = [result for result in results if result["kind"] == kind]
        out += [f"## {kind}", "", TEXTS[kind], "",
                "| vectors | | ms | p99 | recall@1 | recall@10 | times the ms of ours | batch/s, 1 thread "
                "| 2 threads | build s |", "|---|---|---|---|---|---|---|---|---|---|"]
        for result in chosen:
            for name, f in rows_of(result):
                ratio = f["ms"] / result["ours"]["ms"]
                cells = [f"{result['count']:,}", name, number(f["ms"]), number(f.get("p99_ms")),
                         f"{f['recall1']:.3f}", f"{f['recall10']:.3f}", number(ratio),
                         number(f.get("batch_qps_1")), number(f.get("batch_qps_2")),
                         number(f.get("build_s"))]
                out.append("| " + " | ".join(cells) + " |")
        out += ["", "Ours beside that:", "",
                "| vectors | grouped ms | MB in memory | save s | open s | remove ms |",
                "|---|---|---|---|---|---|"]
        for result in chosen:
            o = result["ours"]
            out.append(f"| {result['count']:,} | {number(o['grouped_ms'])} | "
                       f"{number(o['bytes'] / 1e6)} | {number(o['save_s'])} | {number(o['open_s'])} "
                       f"| {number(o['remove_ms'])} |")
        out.append("")
    return "\n".join(out + (galleries(whole) if whole else []))


def written(given, results):
    given.json.write_text(json.dumps(results, indent=1))
    given.doc.write_text(document(results, given.note))
    images = given.doc.parent / "images"
    images.mkdir(exist_ok=True)
    first = results[0]["kind"]
    (images / "search.svg").write_text(plot([r for r in results if r["kind"] == first]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--kinds", default="spectrum,clusters,isotropic")
    parser.add_argument("--faces")
    parser.add_argument("--galleries")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--graph-limit", type=int, default=100000)
    parser.add_argument("--peer-limit", type=int, default=1000000)
    parser.add_argument("--doc", type=pathlib.Path, default=HERE.parents[1] / "docs" / "search.md")
    parser.add_argument("--json", type=pathlib.Path, default=pathlib.Path("search.json"))
    parser.add_argument("--note", default="nothing else ran.")
    given = parser.parse_args()
    results = json.loads(given.json.read_text()) if given.json.exists() else []
    known = {(result["kind"], result["count"]) for result in results}
    kinds = given.kinds.split(",")
    sizes = [int(size) for size in given.sizes.split(",")]
    wanted = [(kind, size) for kind in kinds for size in sizes]
    if given.galleries:
        wanted += [("galleries", size) for size in sizes if size >= 100000]
    for kind, size in wanted:
        if (kind, size) in known:
            continue
        print(f"{kind} {size}", file=sys.stderr, flush=True)
        results.append(measure_gallery(given.galleries, size) if kind == "galleries" else
                       measure(given, kind, size))
        results.sort(key=lambda r: ([*TEXTS, "galleries"].index(r["kind"]), r["count"]))
        written(given, results)


if __name__ == "__main__":
    main()
