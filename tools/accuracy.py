#!/usr/bin/env python3
"""Measures every recogniser and writes docs/accuracy.md from tools/accuracy.md.in.

    tools/accuracy.py [PROGRAM] [--only PART,...] [--fresh] [--out FILE]

The research photographs are not part of this project: VISAVIS_DATA names the folder that holds lfw/ (images/ and the
lists of LFW), train/net7876 and train/celeba_ids300; the default is shared/data beside the checkout. Answers are kept in build/accuracy/, so
that a run that was stopped goes on, and a part that failed leaves the rest; --fresh forgets them. scikit-learn, where
it can be imported, is measured beside `cluster`. Takes two hours on two cores the first time, minutes once the
embeddings are in visavis' cache.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("VISAVIS_DATA", ROOT.parent / "shared/data"))
LFW = DATA / "lfw"
CELEBA = DATA / "train/celeba_ids300"
FAST = ["--detector", "faceplugin-detect"]
# Engines and precisions beside the default, OpenVINO in f32.
ENGINES = [["--engine", "onnxruntime"], ["--precision", "bf16"]]
# What is said of a row, and the options that make it.
DETECTORS = [
    ("faceplugin-detect", "faceplugin-landmark-68", FAST),
    ("faceplugin-detect", "mtcnn (O-Net)", FAST + ["--landmarks", "mtcnn"]),
]


class Failed(Exception):
    """A command that gave no answer."""


class Program:
    def __init__(self, path, kept):
        self.path = pathlib.Path(path).resolve()
        self.kept = kept
        kept.mkdir(parents=True, exist_ok=True)

    def ask(self, *arguments):
        """The JSON that the verb answers, from an earlier run if there was one."""
        words = [str(word) for word in arguments]
        told = [word.replace(str(DATA), "DATA") for word in words]
        name = hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
        kept = self.kept / f"{name}.json"
        if kept.exists() and words[0] not in ("models", "engines"):  # these may have changed, and cost nothing
            return json.loads(kept.read_text())["answer"]
        print("accuracy: visavis " + " ".join(told), file=sys.stderr, flush=True)
        done = subprocess.run([self.path, *words, "--json", "--quiet"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"visavis {' '.join(told)} ended with {done.returncode}: {done.stderr[-300:]}")
        answer = json.loads(done.stdout)
        kept.write_text(json.dumps({"command": told, "answer": answer}))
        return answer

    def script(self, name):
        """The table that one of our scripts prints."""
        kept = self.kept / f"{name}.md"
        if not kept.exists():
            print(f"accuracy: tools/{name}.py", file=sys.stderr, flush=True)
            done = subprocess.run([sys.executable, ROOT / "tools" / f"{name}.py", self.path],
                                  stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                raise Failed(f"tools/{name}.py ended with {done.returncode}")
            kept.write_text(done.stdout)
        return kept.read_text().rstrip()

    def recognisers(self):
        """Plain and flipped: what a row is called, and the options."""
        rows = []
        for model in self.ask("models", "list")["models"]:
            if model["role"] == "recogniser":
                rows.append((model["id"], ["--recogniser", model["id"]]))
                rows.append((model["id"] + ", flip", ["--recogniser", model["id"], "--flip"]))
        return rows


def plain(program):
    return [(name, recogniser) for name, recogniser in program.recognisers() if "--flip" not in recogniser]


def everywhere(program):
    """Every recogniser as it is by default, plain and flipped; plain on every other engine and in every precision."""
    return program.recognisers() + elsewhere(program)


def elsewhere(program):
    return [(name, recogniser + engine) for engine in ENGINES for name, recogniser in plain(program)]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def percent(value, digits=2):
    return "" if value is None else f"{100 * value:.{digits}f}"


def spread(value, interval, digits=2):
    """In percent, with the 95 % interval where there is one."""
    text = percent(value, digits)
    return text + (f" ({percent(interval[0], digits)} to {percent(interval[1], digits)})" if interval else "")


def number(value, interval, digits):
    if value is None:
        return ""
    ends = f" ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})" if interval else ""
    return f"{value:.{digits}f}" + ends


def tar(answer, rate):
    return spread(answer["tar_at_far"].get(rate), answer["tar_intervals"].get(rate))


def engine_of(answer):
    return answer["engine"], answer["precision"]


def view_2(program):
    runs = [("mtcnn", "its own", *run) for run in everywhere(program)]
    # What a detector changes shows on the members of a fusion.
    runs += [(detector, points, name, recogniser + options) for detector, points, options in DETECTORS
             for name, recogniser in plain(program) if "fusion" not in name]
    rows = []
    for detector, points, name, options in runs:
        a = program.ask("evaluate", "verification", "--images", LFW / "images", "--pairs", LFW / "pairs.txt", *options)
        accuracy = a["accuracy"]
        rows.append([detector, points, name, *engine_of(a),
                     f"{percent(accuracy['mean'])} ± {percent(accuracy['std'])}",
                     " to ".join(percent(end) for end in a["accuracy_interval"] or ()),
                     percent(a["eer"]), f"{a['auc']:.5f}", tar(a, "1e-3"), a["failed_images"]])
    return table(["detector", "points", "recogniser", "engine", "precision", "accuracy %", "95 %", "EER %", "AUC",
                  "TAR@1e-3 %", "no face"], rows)


def view_1(program):
    rows = []
    for name, recogniser in everywhere(program):
        a = program.ask("evaluate", "verification", "--images", LFW / "images", "--pairs", LFW / "pairsDevTest.txt",
                        "--threshold-from", LFW / "pairsDevTrain.txt", *recogniser)
        at = a["at_threshold"]
        rows.append([name, *engine_of(a), f"{at['threshold']:.4f}", spread(at["accuracy"], at["accuracy_interval"]),
                     spread(at["far"], at["far_interval"]), spread(at["frr"], at["frr_interval"])])
    return table(["recogniser", "engine", "precision", "threshold from DevTrain", "accuracy %", "FAR %", "FRR %"], rows)


def all_pairs(program):
    rows = []
    for name, recogniser in everywhere(program):
        a = program.ask("evaluate", "verification", "--images", LFW / "images", "--all-pairs", "--people",
                        LFW / "peopleDevTest.txt", *recogniser)
        rows.append([name, *engine_of(a), f"{a['genuine']:,}", f"{a['impostor']:,}", spread(a["eer"], a["eer_interval"]),
                     number(a["auc"], a["auc_interval"], 5), number(a["d_prime"], a["d_prime_interval"], 2),
                     *(tar(a, f"1e-{k}") for k in (3, 4, 5))])
    return table(["recogniser", "engine", "precision", "genuine", "impostor", "EER %", "AUC", "d′", "TAR@1e-3 %", "TAR@1e-4 %", "TAR@1e-5 %"], rows)


def judge_quality(program, recogniser):
    return program.ask("evaluate", "quality", "--images", LFW / "images", "--people", LFW / "peopleDevTest.txt",
                       *recogniser)


KINDS = (("high_high", "high, high"), ("low_high", "low, high"), ("low_low", "low, low"))


def quality(program):
    rows = []
    for name, recogniser in plain(program) + elsewhere(program):
        a = judge_quality(program, recogniser)
        for kind, title in KINDS:
            b, search = a[kind], a[kind]["search"]
            rows.append([name, *engine_of(a), title, tar(b, "1e-3"), tar(b, "1e-4"), f"{b['average_precision']:.4f}",
                         spread(search["rank"]["1"], search["rank_1_interval"]),
                         spread(search["fnir_at_fpir"].get("1e-2"), search["fnir_intervals"].get("1e-2"))])
    return table(["recogniser", "engine", "precision", "pairs", "TAR@1e-3 %", "TAR@1e-4 %", "average precision", "found first %",
                  "FNIR at FPIR .01 %"], rows)


def reject(program):
    rows = []
    for name, recogniser in plain(program):
        a = judge_quality(program, recogniser)
        for kind, title in KINDS[1:]:
            for point in a[kind]["reject"]:
                if point["share"] in (0, 0.05, 0.1, 0.2):
                    gain = point["gain_interval"]
                    rows.append([name, title, percent(point["share"], 0), percent(point["fnmr_by_quality"]),
                                 percent(point["fnmr_by_norm"]),
                                 f"{percent(gain[0])} to {percent(gain[1])}" if gain and point["share"] else ""])
    return table(["recogniser", "pairs", "refused %", "missed % by quality", "by norm", "gain"], rows)


def quality_aware(program):
    rows = []
    for name, recogniser in plain(program):
        a = judge_quality(program, recogniser)
        for kind, title in KINDS:
            for one in a[kind]["quality_aware"]:
                rows.append([name, title, one["score"].replace("_", " "), rate(one["fmr"]),
                             spread(one["fnmr_cosine"], one["fnmr_cosine_interval"]),
                             spread(one["fnmr"], one["fnmr_interval"]),
                             spread(one["reduction"], one["reduction_interval"], 1)])
    return table(["recogniser", "pairs", "score", "FMR", "missed % by cosine", "by the score", "fewer %"], rows)


def held_out_photos():
    """Path and person, of the people whom the README of these photos sets aside."""
    lines = [line.split("\t") for line in (CELEBA / "list.tsv").read_text().splitlines()]
    file, person, split = (lines[0].index(name) for name in ("file", "identity", "split"))
    return [(line[file], line[person]) for line in lines[1:] if line[split] == "val"]


def held_out_people(folder):
    counts = {}
    for _, person in held_out_photos():
        counts[person] = counts.get(person, 0) + 1
    path = folder / "celeba_val.tsv"
    path.write_text("".join(f"{name}\t{count}\n" for name, count in sorted(counts.items())))
    return path


def confirmed(program):
    """The likelihood ratio on photos made worse in another way, and on photos of another kind."""
    devtest = ["--images", LFW / "images", "--people", LFW / "peopleDevTest.txt"]
    celeba = ["--images", CELEBA / "img"]
    photos = [("DevTest, seed 2", [*devtest, "--seed", 2], KINDS[1:]),
              ("DevTest, seed 3", [*devtest, "--seed", 3], KINDS[1:]),
              ("CelebA, 197 people", celeba, KINDS),
              ("CelebA, 20 people", [*celeba, "--people", held_out_people(program.kept)], KINDS)]
    rows = []
    for name, recogniser in plain(program):
        for title, options, kinds in photos:
            a = program.ask("evaluate", "quality", *options, *recogniser)
            for kind, pairs in kinds:
                cells = [f"{percent(one['fnmr_cosine'])} → {percent(one['fnmr'])}, fewer: "
                         + spread(one["reduction"], one["reduction_interval"], 1)
                         for one in a[kind]["quality_aware"] if one["score"] == "likelihood_ratio"]
                rows.append([name, title, pairs, *cells])
    return table(["recogniser", "photos", "pairs", "missed % at FMR 1e-3", "at 1e-4"], rows)


def quality_line(program):
    rows = []
    for name, recogniser in plain(program):
        aware = calibrate(program, recogniser)["calibration"]["quality_aware"]
        rows.append([name, *(f"{aware[key]:.4f}" if key in aware else "none" for key in ("alpha", "beta"))])
    return table(["recogniser", "α", "β"], rows)


def probabilities(program):
    rows = []
    for name, recogniser in plain(program):
        found = calibrate(program, recogniser)["observed_probability"]
        for one in found["bins"]:
            rows.append([name, f"{one['low']:.1f} to {one['high']:.1f}", percent(one["share"]), f"{one['said']:.3f}",
                         f"{one['happened']:.3f}", f"{found['expected_error']:.4f}"])
    return table(["recogniser", "said", "of all pairs %", "said on average", "happened", "expected error, of all"], rows)


def people_of(name):
    lines = (LFW / name).read_text().split("\n")[1:]
    return sorted(line.split("\t")[0] for line in lines if line.strip())


def probe_lists(folder):
    """One photo each of every other person is the gallery; the rest, and one each of the others, are probes."""
    gallery, probes = [], []
    for i, person in enumerate(people_of("peopleDevTest.txt")):
        photos = [f"{photo}\t{person}" for photo in sorted((LFW / "images" / person).iterdir())]
        if i % 2 == 0:
            gallery.append(photos[0])
            probes += photos[1:]
        else:
            probes.append(photos[0])
    for name, lines in (("gallery.tsv", gallery), ("probes.tsv", probes)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder / "gallery.tsv", folder / "probes.tsv"


def searches(program):
    lists = probe_lists(program.kept)
    rows = []
    for name, recogniser in everywhere(program):
        a = program.ask("evaluate", "identification", "--gallery", lists[0], "--probes", lists[1], *recogniser)
        rows.append([name, *engine_of(a), a["people"], a["mated"], a["non_mated"], spread(a["rank"]["1"], a["rank_1_interval"]),
                     percent(a["rank"]["5"]), *(spread(a["fnir_at_fpir"].get(rate), a["fnir_intervals"].get(rate))
                                                for rate in ("1e-1", "1e-2"))])
    return table(["recogniser", "engine", "precision", "people", "searches for them", "for strangers", "first %", "among the first 5 %",
                  "FNIR at FPIR .1 %", "at .01 %"], rows)


def calibrate(program, recogniser):
    """A calibration made as the shipped ones are, and what it does to people whom it has not seen."""
    out = program.kept / ("calibration." + "".join(recogniser[1:]).replace("--", ".") + ".json")
    return program.ask("calibrate", "--images", LFW / "images", "--people", LFW / "peopleDevTrain.txt", "--observe",
                       LFW / "peopleDevTest.txt", "--source", "LFW (deep-funneled) View 1 DevTrain", *recogniser,
                       *([] if "--flip" in recogniser else ["--quality-aware"]), "--out", out)


def rate(value):
    return f"{value:.1e}".replace("e-0", "e-")


def ends(interval):
    return f"{rate(interval[0])} to {rate(interval[1])}" if interval else ""


def thresholds(program):
    rows = []
    for name, recogniser in program.recognisers():
        a = calibrate(program, recogniser)
        seen = {point["far"]: point for point in a["observed"]}
        for point in a["calibration"]["by_far"]:
            observed = seen.get(point["far"])
            rows.append([name, rate(point["far"]), ends(point.get("far_interval")), f"{point['threshold']:.4f}",
                         rate(observed["observed_far"]) if observed else "",
                         ends(observed["observed_far_interval"]) if observed else "",
                         percent(observed["observed_frr"]) if observed else ""])
    return table(["recogniser", "promised FAR", "95 %", "threshold", "FAR on DevTest", "95 %", "FRR on DevTest %"], rows)


def thresholds_elsewhere(program):
    """The shipped thresholds on all pairs of people in photographs of another kind."""
    photos = held_out_photos()
    pairs = program.kept / "celeba_val_pairs.tsv"
    pairs.write_text("".join(f"{a}\t{b}\t{int(of_a == of_b)}\n"
                             for i, (a, of_a) in enumerate(photos) for b, of_b in photos[:i]))
    rows = []
    for name, recogniser in program.recognisers():
        a = program.ask("evaluate", "verification", "--images", CELEBA / "img", "--pairs", pairs, "--far", "0.001",
                        *recogniser)
        at = a["at_threshold"]
        rows.append([name, f"{at['threshold']:.4f}",
                     f"{rate(at['far'])} ({rate(at['far_interval'][0])} to {rate(at['far_interval'][1])})",
                     spread(at["frr"], at["frr_interval"]), a["failed_images"]])
    return table(["recogniser", "threshold", "FAR", "FRR %", "no face"], rows)


def search_thresholds(program):
    rows = []
    for name, recogniser in program.recognisers():
        for point in calibrate(program, recogniser)["observed_fpir"]:
            if point["gallery_size"] in (10, 100, 1000):
                rows.append([name, point["gallery_size"], point["fpir"], f"{point['threshold']:.4f}",
                             f"{point['mean']:.4f}", f"{point['low']:.4f} to {point['high']:.4f}"])
    return table(["recogniser", "people in gallery", "promised FPIR", "threshold", "observed, mean of 50",
                  "lowest to highest"], rows)


PARTS = {"view_2": view_2, "view_1": view_1, "all_pairs": all_pairs, "quality": quality, "reject": reject,
         "quality_aware": quality_aware, "confirmed": confirmed, "quality_line": quality_line,
         "probabilities": probabilities, "searches": searches, "thresholds": thresholds,
         "thresholds_elsewhere": thresholds_elsewhere, "search_thresholds": search_thresholds,
         "landmarks": lambda program: program.script("landmarks"),
         "clusters": lambda program: program.script("clusters"),
         "duplicates": lambda program: program.script("duplicates")}


def facts(program):
    engines = {engine["name"]: engine["version"] for engine in program.ask("engines")["engines"]}
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.processor())
    return {"date": time.strftime("%Y-%m-%d", time.gmtime()), "openvino": engines["openvino"],
            "onnxruntime": engines["onnxruntime"], "cpu": cpu}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", nargs="?", default=ROOT / "build/release/bin/visavis")
    parser.add_argument("--only", help="measure these parts, separated by commas, and write no document: "
                                       + ", ".join(PARTS))
    parser.add_argument("--fresh", action="store_true", help="forget earlier answers")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs/accuracy.md")
    options = parser.parse_args()
    if not (LFW / "pairs.txt").exists():
        print(f"LFW is not at {LFW}: set VISAVIS_DATA", file=sys.stderr)
        return 4
    kept = ROOT / "build/accuracy"
    if options.fresh and kept.exists():
        for file in kept.iterdir():
            file.unlink()
    program = Program(options.program, kept)
    wanted = options.only.split(",") if options.only else list(PARTS)
    filled, failures = {}, 0
    for part in wanted:
        try:
            filled[part] = PARTS[part](program)
        except Failed as failure:
            print(f"accuracy: {part}: {failure}", file=sys.stderr, flush=True)
            failures += 1
            continue
        print(f"\n## {part}\n\n{filled[part]}", flush=True)
    if failures or options.only:
        return 1 if failures else 0
    text = (ROOT / "tools/accuracy.md.in").read_text()
    for name, value in {**facts(program), **filled}.items():
        text = text.replace("{{" + name + "}}", value)
    if "{{" in text:
        print("accuracy: the template asks for what nobody measures", file=sys.stderr)
        return 5
    options.out.write_text(text)
    print(f"written: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
