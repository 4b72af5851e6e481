#!/usr/bin/env python3
"""Measures visavis on this machine and, where they are installed, its peers beside it in the same run.

    bench/run.py VISAVIS [--out build/bench] [--rounds 3] [--repeat 20] [--folder DIR] [--markdown FILE]

Prints a table and writes bench.json. Medians over repetitions; with peers every round runs ours and
theirs in turn, and a ratio is the median of the rounds' ratios, so that a machine whose speed drifts
moves both. Needs `visavis models fetch` and tools/fetch_photos.sh first.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("VISAVIS_CACHE", pathlib.Path.home() / ".cache" / "visavis"))
SIZES = ("640x480", "1280x720")
# Three people in front of much that P-Net takes for faces, and two people.
SOURCES = ("sample1.jpg", "sample2.jpg")


def say(text):
    print(text, file=sys.stderr, flush=True)


def run_json(command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr[-400:]}")
    return json.loads(done.stdout[done.stdout.index("{"):])


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def process(command, env=None, accepted=(0,)):
    """Wall seconds, peak memory in MiB and standard output of one process."""
    start = time.perf_counter()
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, env=env)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in accepted:
        raise RuntimeError(f"{command[0]} {command[1]} ended with {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, output


def cold_start(visavis, photos, rounds):
    """Process start to the first identification, with the compiled-model cache empty and filled."""
    with tempfile.TemporaryDirectory() as folder:
        cache = pathlib.Path(folder) / "cache"
        cache.mkdir()
        for part in ("models", "downloads", "photos"):
            if (CACHE / part).exists():
                (cache / part).symlink_to(CACHE / part)
        env = dict(os.environ, VISAVIS_CACHE=str(cache))
        gallery = pathlib.Path(folder) / "gallery"
        process([visavis, "enrol", "--gallery", gallery, "someone", photos[0], "--select", "largest"],
                env)
        ask = [visavis, "identify", photos[0], "--gallery", gallery, "--json"]
        cold, warm, memory = [], [], 0
        for _ in range(rounds):
            shutil.rmtree(cache / "compiled", ignore_errors=True)
            cold.append(process(ask, env)[0])
            for _ in range(3):
                seconds, memory, output = process(ask, env)
                warm.append(seconds)
        timings = json.loads(output).get("timings", {})
        return {"cold_cache_s": round(statistics.median(cold), 3),
                "warm_cache_s": round(statistics.median(warm), 3),
                "timings_warm": timings, "peak_memory_mib": round(memory, 1)}


def make_mixed(visavis, folder):
    """24 photographs about 640x480, no two of one size."""
    folder.mkdir(exist_ok=True)
    sources = sorted((CACHE / "photos").glob("sample*.jpg"))
    for index in range(24):
        size = f"{584 + 5 * index}x{438 + 4 * index}"
        resized(visavis, sources[index % len(sources)], folder / f"{index:02}.jpg", size)
    return folder


def mixed_sizes(visavis, folder):
    """Milliseconds for each photograph of a folder, from file to faces, loading left out."""
    seconds, _, output = process([visavis, "detect", folder, "--threads", 1, "--quiet", "--json"])
    report = json.loads(output)
    loading = report["timings"]["load_ms"] + report["timings"]["warm_up_ms"]
    return (1e3 * seconds - loading) / len(report["images"])


def whole_folder(visavis, folder, out):
    """Photographs a second, share of the processors kept busy, and peak memory, for all and for some."""
    result = {}
    some = [path for path in sorted(folder.iterdir()) if path.is_dir()][::10]
    for name, arguments in (("a tenth", some), ("all", [folder])):
        before = os.times()
        seconds, memory, _ = process([visavis, "embed", *arguments, "--out", out / "folder.npy",
                                      "--quiet", "--json"], accepted=(0, 3))
        after = os.times()
        busy = (after.children_user - before.children_user + after.children_system
                - before.children_system) / seconds
        rows = (out / "folder.tsv").read_text().count("\n") - 1
        result[name] = {"faces": rows, "per_second": round(rows / seconds, 1),
                        "busy_cores": round(busy, 2), "peak_memory_mib": round(memory, 1)}
    return result


def resized(visavis, source, target, size):
    subprocess.run([visavis.parent / "visavis-bench-photo", source, target, size], check=True)


def ours(visavis, photos, threads, repeat, *options):
    return run_json([visavis, "bench", *photos, "--json", "--threads", threads,
                     "--repeat", repeat, *options])


def peer(environment, name, photos, repeat, *options):
    python = CACHE / "peers" / environment / "bin" / "python"
    if not python.exists():
        return None
    try:
        return run_json([python, HERE / "peers" / "peers.py", name, "--repeat", repeat, *options,
                         *photos])
    except (RuntimeError, ValueError) as error:
        say(f"bench: {name}: {error}")
        return None


def stage(report, name, image=None):
    """p50 of one stage, or of the row of one image."""
    for row in report["stages"]:
        if row["stage"] == name and (image is None or row["image"] == image):
            return row["p50_ms"]
    raise KeyError(name)


def model_file(visavis, model):
    shown = run_json([visavis, "models", "show", model, "--json"])
    return CACHE / "models" / "files" / shown["model"]["files"][0]["onnx_sha256"]


def compare(visavis, photos, mixed, rounds, repeat):
    """Ratios peer / ours, one list entry a round."""
    ratios, last = {}, {}

    def note(key, theirs_ms, ours_ms):
        ratios.setdefault(key, []).append(theirs_ms / ours_ms)
        last[key] = {"peer_ms": round(theirs_ms, 3), "ours_ms": round(ours_ms, 3)}

    onnx = model_file(visavis, "faceplugin-512")
    names = [path.name for path in photos]
    for index in range(rounds):
        say(f"bench: peers, round {index + 1} of {rounds}")
        f32 = ours(visavis, photos, 1, repeat)
        bf16 = None
        try:
            bf16 = ours(visavis, photos, 1, repeat, "--precision", "bf16")
        except RuntimeError:
            say("bench: this CPU has no bf16")
        fast = ours(visavis, photos, 1, repeat, "--detector", "faceplugin-detect")
        for environment, name in (("torch", "facenet-pytorch"), ("others", "mtcnn")):
            report = peer(environment, name, photos, max(3, repeat // 4))
            for row in report["rows"] if report else ():
                note(f"MTCNN {row['image']}: {name}", row["p50_ms"],
                     stage(f32, "detect", row["image"]))
        one_face = stage(f32, "align") + stage(f32, "embed")
        note("align + embed: our own engine call alone", stage(f32, "network"), one_face)
        bare = peer("others", "onnxruntime", [], repeat, "--model", onnx)
        if bare:
            note("align + embed: ONNX Runtime, bare session", bare["rows"][0]["p50_ms"], one_face)
        path = peer("others", "insightface", photos[:1], repeat, "--model", onnx)
        if path:
            theirs = path["rows"][0]["p50_ms"]
            note("align + embed: InsightFace, f32", theirs, one_face)
            if bf16:
                note("align + embed: InsightFace, ours in bf16", theirs,
                     stage(bf16, "align") + stage(bf16, "embed"))
        for environment, title in (("others", "wheel"), ("native", "native build")):
            whole = peer(environment, "face-recognition", photos, max(3, repeat // 4))
            for row in whole["rows"] if whole else ():
                note(f"photo to name, fast detector, {row['image']}: face_recognition ({title})",
                     row["p50_ms"], stage(fast, "end_to_end", row["image"]))
        theirs = peer("torch", "facenet-pytorch", sorted(mixed.iterdir()), 1)
        if theirs:
            rows = theirs["rows"]
            note("MTCNN, a folder of 24 sizes: facenet-pytorch",
                 sum(row["p50_ms"] for row in rows) / len(rows), mixed_sizes(visavis, mixed))
    return {key: {"ratio": round(statistics.median(values), 2),
                  "min": round(min(values), 2), "max": round(max(values), 2), **last[key]}
            for key, values in ratios.items()}, names


def markdown(result):
    """The figures as docs/performance.md shows them."""
    lines = ["# Speed", "",
             "Written by `bench/run.py --markdown docs/performance.md` (`make bench` prints the same); "
             "medians, no figure typed by hand.", "",
             f"Machine: {result['cpu']}, {result['cores']} cores, shared and virtual. "
             f"Date: {result['date'][:10]}. Milliseconds.", "",
             "| stage | photograph | 1 thread p50 | p99 | 2 threads p50 | p99 |",
             "|---|---|--:|--:|--:|--:|"]
    for one, two in zip(result["threads"]["1"]["stages"], result["threads"]["2"]["stages"]):
        lines.append(f"| {one['stage']} | {one['image']} | {one['p50_ms']:.3f} | {one['p99_ms']:.3f} "
                     f"| {two['p50_ms']:.3f} | {two['p99_ms']:.3f} |")
    start = result["start"]
    lines += ["", f"Process start to the first identification: {start['warm_cache_s']} s; with an empty "
              f"compiled-model cache {start['cold_cache_s']} s. Peak memory: "
              f"{start['peak_memory_mib']} MiB."]
    lines += ["", f"MTCNN over a folder of 24 photographs about 640x480, no two of one size, from file to "
              f"faces, one thread: {result['mixed_sizes_ms']} ms each."]
    if "folder" in result:
        lines += ["", "A folder of photographs, `embed` on all cores:", "",
                  "| photographs | faces | a second | cores busy | peak memory MiB |",
                  "|---|--:|--:|--:|--:|"]
        for name, row in result["folder"].items():
            lines.append(f"| {name} | {row['faces']} | {row['per_second']} | {row['busy_cores']} | "
                         f"{row['peak_memory_mib']} |")
    if result["peers"]:
        lines += ["", "## Beside its peers", "",
                  "One thread each, same photographs, same run, in turn; the ratio is the median of the "
                  "rounds' ratios (their time over ours).", "",
                  "| work | theirs ms | ours ms | ratio | least | most |", "|---|--:|--:|--:|--:|--:|"]
        for key, row in result["peers"].items():
            lines.append(f"| {key} | {row['peer_ms']} | {row['ours_ms']} | {row['ratio']} | "
                         f"{row['min']} | {row['max']} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("visavis", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/bench"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--folder", type=pathlib.Path,
                        help="also embed this folder of photographs (minutes)")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the figures as a document")
    options = parser.parse_args()
    visavis = options.visavis.resolve()
    options.out.mkdir(parents=True, exist_ok=True)

    photos = []
    for source in SOURCES:
        for size in SIZES:
            photos.append(options.out / f"{pathlib.Path(source).stem}-{size}.jpg")
            resized(visavis, CACHE / "photos" / source, photos[-1], size)
    mixed = make_mixed(visavis, options.out / "mixed")

    result = {"schema": "visavis.bench-suite/1", "cpu": cpu_name(), "cores": os.cpu_count(),
              "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "threads": {}}
    for threads in (1, 2):
        say(f"bench: stages with {threads} thread(s)")
        result["threads"][str(threads)] = ours(visavis, photos, threads, options.repeat)
    say("bench: start")
    result["start"] = cold_start(visavis, photos, options.rounds)
    result["peers"], _ = compare(visavis, photos, mixed, options.rounds,
                                 options.repeat)
    if options.folder:
        say("bench: folder")
        result["folder"] = whole_folder(visavis, options.folder, options.out)
    result["mixed_sizes_ms"] = round(mixed_sizes(visavis, mixed), 2)
    (options.out / "bench.json").write_text(json.dumps(result, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(result))

    print(f"{result['cpu']}, {result['cores']} cores")
    print(f"{'stage':<14}{'image':<16}{'1 thread p50':>14}{'p99':>9}{'2 threads p50':>15}{'p99':>9}  ms")
    for one, two in zip(result["threads"]["1"]["stages"], result["threads"]["2"]["stages"]):
        print(f"{one['stage']:<14}{one['image']:<16}{one['p50_ms']:>14.3f}{one['p99_ms']:>9.3f}"
              f"{two['p50_ms']:>15.3f}{two['p99_ms']:>9.3f}")
    start = result["start"]
    print(f"process start to first identification: {start['warm_cache_s']} s, with an empty model "
          f"cache {start['cold_cache_s']} s, peak memory {start['peak_memory_mib']} MiB")
    for key, row in result["peers"].items():
        print(f"{key}: {row['ratio']} x ours ({row['min']} to {row['max']}; {row['peer_ms']} ms "
              f"against {row['ours_ms']} ms)")
    print(f"24 photographs of mixed sizes: {result['mixed_sizes_ms']} ms each")
    for name, row in result.get("folder", {}).items():
        print(f"folder, {name}: {row}")
    if not result["peers"]:
        print("no peers: `make bench-peers` installs them")
    print(f"written: {options.out / 'bench.json'}")


if __name__ == "__main__":
    main()
