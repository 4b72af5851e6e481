#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/image.hpp>

#include "visavis/models/network.hpp"
#include "visavis/models/prepare.hpp"

namespace visavis::models {
namespace {

std::unexpected<Error> misfit(const Golden& golden, const std::string& what) {
  return fail(ErrorCode::kModelMismatch, golden.file + ": " + what);
}

/// What the network makes of the golden's test chip.
Result<std::vector<runtime::Tensor>> run_chip(const Golden& golden, const Preparation& preparation,
                                              const runtime::Model& model) {
  if (model.inputs().size() != 1) return misfit(golden, "the network does not have one input");
  const int planes = channels(preparation);
  const std::array<std::int64_t, 4> shape = {1, planes, golden.height, golden.width};
  std::vector<float> input(static_cast<std::size_t>(planes) *
                           static_cast<std::size_t>(golden.height) *
                           static_cast<std::size_t>(golden.width));
  const Image chip = test_chip(golden.width, golden.height);
  prepare(chip.view(), preparation, input);
  VISAVIS_TRY(session, model.session());
  const std::array<runtime::TensorView, 1> inputs = {runtime::view_of(input, shape)};
  return session->run(inputs);
}

/// Largest absolute difference; a NaN anywhere is infinitely far.
Result<double> difference(const Golden& golden, std::span<const float> values) {
  const std::size_t last = golden.offset + (golden.values.size() - 1) * golden.stride;
  if (last >= values.size())
    return misfit(golden, "the output " + golden.output + " has fewer values than the golden");
  double most = 0;
  for (std::size_t i = 0; i < golden.values.size(); ++i) {
    const double gap = std::abs(static_cast<double>(values[golden.offset + i * golden.stride]) -
                                static_cast<double>(golden.values[i]));
    most = gap <= most ? most : std::isnan(gap) ? HUGE_VAL : gap;
  }
  return most;
}

Result<GoldenCheck> check(const Golden& golden, const Preparation& preparation,
                          const runtime::Model& model) {
  const auto output = std::ranges::find(model.outputs(), golden.output, &runtime::TensorSpec::name);
  if (output == model.outputs().end())
    return misfit(golden, "the network has no output " + golden.output);
  if (output->type != runtime::ElementType::kFloat32)
    return misfit(golden, "the output " + golden.output + " is not of floats");
  VISAVIS_TRY(outputs, run_chip(golden, preparation, model));
  const auto index = static_cast<std::size_t>(output - model.outputs().begin());
  VISAVIS_TRY(gap, difference(golden, outputs[index].floats()));
  GoldenCheck result{.file = golden.file, .output = golden.output, .difference = gap};
  const auto tolerance = golden.tolerance.find(runtime::to_string(model.precision()));
  if (tolerance == golden.tolerance.end()) return result;
  result.tolerance = tolerance->second;
  result.checked = true;
  result.passed = gap <= tolerance->second;
  return result;
}

}  // namespace

Result<std::vector<GoldenCheck>> verify_network(const Network& network) {
  std::vector<GoldenCheck> checks;
  for (const Golden& golden : network.manifest.golden) {
    const auto part = network.parts.find(golden.file);
    if (part == network.parts.end()) return misfit(golden, "that part was not loaded");
    VISAVIS_TRY(result, check(golden, network.manifest.preparation, *part->second));
    checks.push_back(std::move(result));
  }
  for (const auto& member : network.members) {
    VISAVIS_TRY(results, verify_network(*member));
    for (GoldenCheck& result : results) {
      result.file = member->manifest.id + "/" + result.file;
      checks.push_back(std::move(result));
    }
  }
  return checks;
}

}  // namespace visavis::models
