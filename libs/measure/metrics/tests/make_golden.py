"""Writes sklearn_golden.hpp: scores drawn once and what scikit-learn and SciPy say of them.

Usage: python make_golden.py > sklearn_golden.hpp   (scikit-learn 1.9.1, SciPy 1.17.1, NumPy 2.4.6)
"""
import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

random = np.random.default_rng(20261123)
genuine = np.round(random.normal(0.55, 0.15, 150), 2)  # two digits: many ties
impostor = np.round(random.normal(0.15, 0.15, 250), 2)
labels = np.r_[np.ones_like(genuine), np.zeros_like(impostor)]
scores = np.r_[genuine, impostor].astype(np.float32)
fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
eer = brentq(lambda x: 1 - x - float(interp1d(fpr, tpr)(x)), 0, 1, xtol=1e-14)


def floats(values):
    rows = ["    " + ", ".join(f"{v:.2f}F" for v in values[i:i + 12]) for i in range(0, len(values), 12)]
    return ",\n".join(rows)


print("#pragma once\n\n/// Written by make_golden.py with scikit-learn 1.9.1 and SciPy 1.17.1.\n")
print("#include <vector>\n\nnamespace visavis::metrics {\n\n// clang-format off")
print("inline const std::vector<float> kGoldenGenuine{\n" + floats(genuine) + "};")
print("inline const std::vector<float> kGoldenImpostor{\n" + floats(impostor) + "};")
print("// clang-format on")
print(f"inline constexpr double kGoldenAuc = {float(roc_auc_score(labels, scores))!r};")
print(f"inline constexpr double kGoldenEer = {eer!r};")
for name, far in (("1e1", 1e-1), ("5e2", 5e-2), ("1e2", 1e-2)):
    print(f"inline constexpr double kGoldenTarAt{name} = {float(tpr[fpr <= far].max())!r};")
print(f"inline constexpr double kGoldenAveragePrecision = {float(average_precision_score(labels, scores))!r};")
pooled = (np.var(genuine.astype(np.float32), dtype=np.float64) + np.var(impostor.astype(np.float32), dtype=np.float64)) / 2
d_prime = abs(genuine.mean() - impostor.mean()) / np.sqrt(pooled)
print(f"inline constexpr double kGoldenDPrime = {float(d_prime)!r};")


def doubles(values):
    rows = ["    " + ", ".join(repr(float(v)) for v in values[i:i + 4]) for i in range(0, len(values), 4)]
    return ",\n".join(rows)


print("// roc_curve, drop_intermediate=False\n// clang-format off")
print("inline const std::vector<double> kGoldenFpr{\n" + doubles(fpr) + "};")
print("inline const std::vector<double> kGoldenTpr{\n" + doubles(tpr) + "};")
print("// clang-format on")
print("\n}  // namespace visavis::metrics")
