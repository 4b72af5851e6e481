#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

#include "difference.hpp"
#include "layers.hpp"
#include "run.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text;
  for (const std::int64_t n : shape) text += (text.empty() ? "" : " x ") + std::to_string(n);
  return text.empty() ? "a scalar" : text;
}

Result<void> check_outputs(std::span<const runtime::Tensor> source,
                           std::span<const runtime::Tensor> result,
                           std::span<const runtime::TensorSpec> specs) {
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::string& name = specs[i].name;
    if (source[i].type != runtime::ElementType::kFloat32 || result[i].type != source[i].type)
      return fail(ErrorCode::kUnsupported, "the output " + name + " is not of float32");
    if (source[i].shape == result[i].shape) continue;
    return fail(ErrorCode::kModelMismatch, "the output " + name + " is " +
                                               shape_text(source[i].shape) + " in one and " +
                                               shape_text(result[i].shape) + " in the other");
  }
  return {};
}

Result<void> check_counts(const runtime::Model& source, const runtime::Model& result) {
  if (source.inputs().size() == result.inputs().size() &&
      source.outputs().size() == result.outputs().size())
    return {};
  return fail(ErrorCode::kModelMismatch,
              "one network has " + std::to_string(source.inputs().size()) + " inputs and " +
                  std::to_string(source.outputs().size()) + " outputs, the other " +
                  std::to_string(result.inputs().size()) + " and " +
                  std::to_string(result.outputs().size()));
}

class Comparer {
 public:
  Comparer(const Side& source, const Side& result, const Limits& limits)
      : source_(source), result_(result), limits_(limits) {}

  Result<Comparison> run(std::span<const SampleSet> sets) {
    VISAVIS_TRY(source, Runner::make(source_));
    VISAVIS_TRY(result, Runner::make(result_));
    VISAVIS_CHECK(check_counts(source.model(), result.model()));
    Comparison comparison;
    for (const SampleSet& set : sets) {
      if (set.samples.empty()) continue;
      VISAVIS_TRY(judgement, judge(set, source, result));
      comparison.judgements.push_back(std::move(judgement));
    }
    if (comparison.judgements.empty())
      return fail(ErrorCode::kInvalidArgument, "there is nothing to ask the networks");
    comparison.equivalent = telling_ == nullptr;
    if (telling_ != nullptr) {
      VISAVIS_TRY(first, first_difference(source_, result_, *telling_, limits_));
      comparison.first = std::move(first);
    }
    return comparison;
  }

 private:
  Result<Judgement> judge(const SampleSet& set, Runner& source, Runner& result) {
    Judgement judgement{.kind = set.kind, .samples = set.samples.size(), .outputs = {}};
    std::vector<Differences> differences;
    const auto specs = source.model().outputs();
    for (std::size_t i = 0; i < specs.size(); ++i)
      differences.emplace_back(specs[i].name, result.model().outputs()[i].name);
    std::vector<runtime::Tensor> firsts;
    for (const Sample& sample : set.samples) {
      VISAVIS_TRY(ours, source.run(sample));
      VISAVIS_TRY(theirs, result.run(sample));
      VISAVIS_CHECK(check_outputs(ours, theirs, specs));
      for (std::size_t i = 0; i < ours.size(); ++i) {
        differences[i].add(ours[i].floats(), theirs[i].floats());
        const bool fine = differences[i].take().within(limits_);
        if (!fine && telling_ == nullptr) telling_ = &sample;
      }
      firsts.push_back(std::move(ours.front()));
    }
    std::ranges::transform(differences, std::back_inserter(judgement.outputs),
                           [](const Differences& found) { return found.take(); });
    if (firsts.size() > 1) judgement.self_cosine = largest_cosine(firsts);
    return judgement;
  }

  static double largest_cosine(std::span<const runtime::Tensor> answers) {
    double largest = -1;
    for (std::size_t a = 0; a < answers.size(); ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (answers[a].shape == answers[b].shape)
          largest = std::max(largest, cosine(answers[a].floats(), answers[b].floats()));
    return largest;
  }

  Side source_;
  Side result_;
  Limits limits_;
  const Sample* telling_ = nullptr;  ///< The first that showed a difference.
};

}  // namespace

Result<Comparison> compare(const Side& source, const Side& result, std::span<const SampleSet> sets,
                           const Limits& limits) {
  return Comparer(source, result, limits).run(sets);
}

}  // namespace visavis::modelkit
