#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
  for (const std::int64_t n : shape)
    text += (text.empty() ? "" : " x ") + (n < 0 ? "any" : std::to_string(n));
  return text.empty() ? "a scalar" : text;
}

/// @param which  "input" or "output"
std::string other_shape(std::string_view which, const std::string& name,
                        std::span<const std::int64_t> source,
                        std::span<const std::int64_t> result) {
  return "the " + std::string(which) + " " + name + " is " + shape_text(source) + " in one and " +
         shape_text(result) + " in the other";
}

/// Whether some shape is of both, where -1 may be any number, and nothing is known without numbers.
bool may_be_same(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  if (a.empty() || b.empty()) return true;
  return std::ranges::equal(
      a, b, [](std::int64_t m, std::int64_t n) { return m < 0 || n < 0 || m == n; });
}

/// As Comparison::other_form, of what is known before anything is asked.
std::string other_form(const runtime::Model& source, const runtime::Model& result) {
  const auto ours = source.inputs();
  const auto theirs = result.inputs();
  if (ours.size() != theirs.size() || source.outputs().size() != result.outputs().size())
    return "one network has " + std::to_string(ours.size()) + " inputs and " +
           std::to_string(source.outputs().size()) + " outputs, the other " +
           std::to_string(theirs.size()) + " and " + std::to_string(result.outputs().size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    if (!may_be_same(ours[i].shape, theirs[i].shape))
      return other_shape("input", ours[i].name, ours[i].shape, theirs[i].shape);
  return {};
}

/// The same of what was answered.
/// @return kUnsupported for numbers that are not float32
Result<std::string> other_form(std::span<const runtime::Tensor> source,
                               std::span<const runtime::Tensor> result,
                               std::span<const runtime::TensorSpec> specs) {
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::string& name = specs[i].name;
    if (source[i].type != runtime::ElementType::kFloat32 || result[i].type != source[i].type)
      return fail(ErrorCode::kUnsupported, "the output " + name + " is not of float32");
    if (source[i].shape != result[i].shape)
      return other_shape("output", name, source[i].shape, result[i].shape);
  }
  return std::string();
}

bool has_free_batch(const runtime::Model& model) {
  return std::ranges::all_of(model.inputs(), [](const runtime::TensorSpec& input) {
    return !input.shape.empty() && input.shape[0] < 0;
  });
}

/// Two samples as one. @pre inputs of the same shapes, each with a batch
Sample stacked(const Sample& first, const Sample& second) {
  Sample both = first;
  for (std::size_t i = 0; i < both.size(); ++i) {
    both[i].shape[0] += second[i].shape[0];
    both[i].bytes.insert(both[i].bytes.end(), second[i].bytes.begin(), second[i].bytes.end());
  }
  return both;
}

class Comparer {
 public:
  Comparer(const Side& source, const Side& result, const Limits& limits)
      : source_(source), result_(result), limits_(limits) {}

  Result<Comparison> run(std::span<const SampleSet> sets) {
    VISAVIS_TRY(source, Runner::make(source_));
    VISAVIS_TRY(result, Runner::make(result_));
    if (std::ranges::all_of(sets, [](const SampleSet& set) { return set.samples.empty(); }))
      return fail(ErrorCode::kInvalidArgument, "there is nothing to ask the networks");
    Comparison comparison;
    comparison.other_form = other_form(source.model(), result.model());
    for (const SampleSet& set : sets) {
      if (set.samples.empty() || !comparison.other_form.empty()) continue;
      VISAVIS_TRY(judgement, judge(set, source, result, comparison.other_form));
      comparison.judgements.push_back(std::move(judgement));
    }
    VISAVIS_CHECK(judge_together(sets, source, result, comparison));
    if (!comparison.other_form.empty()) comparison.judgements.clear();
    comparison.equivalent = comparison.other_form.empty() && telling_ == nullptr;
    if (telling_ != nullptr) {
      VISAVIS_TRY(first, first_difference(source_, result_, *telling_, limits_));
      comparison.first = std::move(first);
    }
    return comparison;
  }

 private:
  /// @param form  as Comparison::other_form; what was judged is not to be used then
  Result<Judgement> judge(const SampleSet& set, Runner& source, Runner& result, std::string& form) {
    Judgement judgement{.kind = set.kind, .samples = set.samples.size(), .outputs = {}};
    std::vector<Differences> differences;
    const auto specs = source.model().outputs();
    for (std::size_t i = 0; i < specs.size(); ++i)
      differences.emplace_back(specs[i].name, result.model().outputs()[i].name);
    std::vector<runtime::Tensor> firsts;
    for (const Sample& sample : set.samples) {
      VISAVIS_TRY(ours, source.run(sample));
      VISAVIS_TRY(theirs, result.run(sample));
      VISAVIS_TRY(other, other_form(ours, theirs, specs));
      if (!other.empty()) {
        form = std::move(other);
        telling_ = &sample;
        return judgement;
      }
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

  /// Where the batch is free in both, and nothing has differed yet: two samples at once. It is told
  /// only if they make a difference.
  Result<void> judge_together(std::span<const SampleSet> sets, Runner& source, Runner& result,
                              Comparison& comparison) {
    const auto set =
        std::ranges::find_if(sets, [](const SampleSet& one) { return one.samples.size() > 1; });
    const bool is_asked = telling_ == nullptr && comparison.other_form.empty() &&
                          set != sets.end() && has_free_batch(source.model()) &&
                          has_free_batch(result.model());
    if (!is_asked) return {};
    together_ = stacked(set->samples[0], set->samples[1]);
    const auto ours = source.run(together_);
    if (!ours) return {};  // its batch is free by its word only
    const SampleSet once{.kind = set->kind + ", two at once", .samples = {together_}};
    VISAVIS_TRY(judgement, judge(once, source, result, comparison.other_form));
    if (telling_ == nullptr) return {};
    telling_ = &together_;  // the set does not last
    comparison.judgements.push_back(std::move(judgement));
    return {};
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
  Sample together_;
  const Sample* telling_ = nullptr;  ///< The first that showed a difference.
};

}  // namespace

Result<Comparison> compare(const Side& source, const Side& result, std::span<const SampleSet> sets,
                           const Limits& limits) {
  return Comparer(source, result, limits).run(sets);
}

}  // namespace visavis::modelkit
