#include "classify.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <numeric>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/prepare.hpp>

#include "lists.hpp"

namespace visavis::usecases {
namespace {

Outcome<std::vector<std::string>> read_labels(const std::filesystem::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  std::vector<std::string> labels;
  for (const auto part : std::views::split(std::string_view(text), '\n')) {
    std::string_view line(part.begin(), part.end());
    if (line.ends_with('\r')) line.remove_suffix(1);
    labels.emplace_back(line);
  }
  if (!labels.empty() && labels.back().empty()) labels.pop_back();  // behind the last line end
  return labels;
}

/// exp(x) / Σ exp(x), the largest x taken off first so that none overflows.
std::vector<double> softmax(std::span<const float> values) {
  const double most = std::ranges::max(values);
  std::vector<double> shares;
  for (const float value : values) shares.push_back(std::exp(value - most));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

Failure wrong_head(const std::string& id, const char* why) {
  return Failure(Cause::kEnvironment, {ErrorCode::kModelMismatch, id + ": classes: " + why});
}

}  // namespace

std::vector<std::string> embedding_parts(const models::Manifest& manifest) {
  std::vector<std::string> parts;
  for (const models::ModelFile& file : manifest.files)
    if (file.name != kClassesFile) parts.push_back(file.name);
  if (parts.size() == manifest.files.size()) parts.clear();
  return parts;
}

Outcome<Classifier> Classifier::open(const Workbench::Impl& bench,
                                     const std::filesystem::path& labels) {
  const models::Manifest& manifest = *bench.manifest;
  if (std::ranges::find(manifest.files, kClassesFile, &models::ModelFile::name) ==
      manifest.files.end())
    return usage("the model " + manifest.id + " tells no classes: it has no file called classes");
  Classifier made;
  if (!labels.empty()) {
    VISAVIS_TRY(read, read_labels(labels));
    made.labels_ = std::move(read);
  }
  models::NetworkOptions options = bench.network_options;
  options.parts = {kClassesFile};
  VISAVIS_TRY(network, caused_by(Cause::kEnvironment,
                                 models::load_network(bench.store, manifest.id, options)));
  made.network_ = std::move(network);
  made.model_ = made.network_.parts.find(kClassesFile)->second;
  if (made.model_->inputs().size() != 1 || made.model_->outputs().size() != 1)
    return std::unexpected(wrong_head(manifest.id, "it has not one input and one output"));
  const std::vector<std::int64_t>& shape = made.model_->outputs()[0].shape;
  if (shape.size() != 2 || shape[1] < 1)
    return std::unexpected(wrong_head(manifest.id, "it does not give a number for each class"));
  if (!labels.empty() && static_cast<std::int64_t>(made.labels_.size()) != shape[1])
    return usage(labels.string() + " has " + std::to_string(made.labels_.size()) + " names for " +
                 std::to_string(shape[1]) + " classes");
  VISAVIS_TRY(session, caused_by(Cause::kEnvironment, made.model_->session()));
  made.session_ = std::move(session);
  const models::Preparation& p = manifest.preparation;
  made.input_.resize(static_cast<std::size_t>(models::channels(p)) *
                     static_cast<std::size_t>(p.width) * static_cast<std::size_t>(p.height));
  return made;
}

Outcome<std::vector<ClassFact>> Classifier::classify(ImageView chip, std::size_t top) {
  const models::Preparation& p = network_.manifest.preparation;
  models::prepare(chip, p, input_);
  const std::array<std::int64_t, 4> shape{1, models::channels(p), p.height, p.width};
  const std::array inputs{runtime::view_of(input_, shape)};
  VISAVIS_TRY(outputs, caused_by(Cause::kEnvironment, session_->run(inputs)));
  const std::span<const float> given = outputs[0].floats();
  if (given.empty() || !std::ranges::all_of(given, [](float x) { return std::isfinite(x); }))
    return std::unexpected(wrong_head(network_.manifest.id, "it gives what is no number"));
  const std::vector<double> shares = softmax(given);
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto shown = static_cast<std::ptrdiff_t>(std::min(top, order.size()));
  std::ranges::partial_sort(order, order.begin() + shown, [&](std::size_t a, std::size_t b) {
    return shares[a] != shares[b] ? shares[a] > shares[b] : a < b;
  });
  std::vector<ClassFact> facts;
  for (const std::size_t i : std::span(order).first(static_cast<std::size_t>(shown)))
    facts.push_back({.index = i,
                     .label = i < labels_.size() ? labels_[i] : std::string(),
                     .probability = shares[i]});
  return facts;
}

}  // namespace visavis::usecases
