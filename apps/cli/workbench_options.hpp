#pragma once

/// The options of every verb that looks into photos.

#include <CLI/CLI.hpp>
#include <string>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::cli {

/// Adds --engine, --precision, --threads, --detector, --landmarks, --min-face, --thresholds and
/// --factor, and with `recogniser` also --recogniser and --flip. `options` must outlive the parser.
void add_workbench_options(CLI::App& verb, usecases::WorkbenchOptions& options, bool recogniser);

/// Adds --select. `name` is empty for every face.
CLI::Option* add_selection(CLI::App& verb, std::string& name);

/// "openvino, f32, 2 threads, mtcnn + faceplugin-512": the line below a table.
[[nodiscard]] std::string describe(const usecases::RunFacts& run);

}  // namespace visavis::cli
