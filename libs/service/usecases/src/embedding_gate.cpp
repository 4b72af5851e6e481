#include "embedding_gate.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/network.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/protocols/all_pairs.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/image.hpp>

#include "lists.hpp"

namespace visavis::usecases {
namespace {

using Embeddings = std::vector<std::optional<Embedding>>;

/// Both models' embedding of each photo; nothing where no face was found.
struct Both {
  Embeddings before;
  Embeddings after;
};

Outcome<Both> embed_both(Workbench::Impl& bench, const std::vector<Photo>& photos,
                         embed::Embedder& candidate, std::vector<Problem>& errors,
                         const Progress& progress) {
  Both both{.before = Embeddings(photos.size()), .after = Embeddings(photos.size())};
  const auto work = [&](const std::vector<Photo>& some, std::size_t start,
                        const Progress& within) -> Outcome<void> {
    auto results = analyse_photos(bench, some, pipeline::Selection::kCenter, within);
    std::vector<std::size_t> places;
    std::vector<ImageView> chips;
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        errors.push_back(problem(some[i].path, std::move(results[i]).error()));
        continue;
      }
      for (pipeline::FaceRecord& face : results[i]->faces) {
        if (!face.chip) continue;
        both.before[start + i] = std::move(face.embedding);
        chips.push_back(face.chip->image.view());
        places.push_back(start + i);
      }
    }
    VISAVIS_TRY(embedded, caused_by(Cause::kEnvironment, candidate.embed(chips)));
    for (std::size_t i = 0; i < places.size(); ++i) both.after[places[i]] = std::move(embedded[i]);
    return {};
  };
  VISAVIS_CHECK(in_batches(photos, progress, work));
  return both;
}

GateFigure floor_figure(std::string name, std::optional<double> before, double after,
                        double limit) {
  return {.name = std::move(name),
          .before = before,
          .after = after,
          .limit = limit,
          .passed = after >= limit};
}

void add_cosines(const Both& both, const EmbeddingLimits& limits, ComparedEmbeddings& answer) {
  double sum = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < both.before.size(); ++i) {
    if (!both.before[i] || !both.after[i]) continue;
    const double cosine = matching::similarity(both.before[i]->values, both.after[i]->values);
    sum += cosine;
    least = std::min(least, cosine);
    ++answer.tested;
  }
  if (answer.tested == 0) return;
  answer.figures.push_back(floor_figure(
      "mean cosine", std::nullopt, sum / static_cast<double>(answer.tested), limits.mean_cosine));
  if (limits.least_cosine)
    answer.figures.push_back(
        floor_figure("least cosine", std::nullopt, least, *limits.least_cosine));
}

/// Figures at the rates that both reports have.
void add_tar(const std::vector<protocols::OperatingPoint>& before,
             const std::vector<protocols::OperatingPoint>& after, const std::string& where,
             const EmbeddingLimits& limits, std::vector<GateFigure>& figures) {
  static const std::map<double, std::string, std::greater<>> rates{{1e-3, "1e-3"}, {1e-4, "1e-4"}};
  for (const protocols::OperatingPoint& point : before) {
    const auto rate = rates.find(point.far);
    const auto other = std::ranges::find(after, point.far, &protocols::OperatingPoint::far);
    if (rate == rates.end() || other == after.end()) continue;
    figures.push_back(floor_figure("TAR at FAR " + rate->second + where, point.tar, other->tar,
                                   point.tar - limits.tar_loss));
  }
}

protocols::Embeddings by_names(const std::vector<Photo>& photos, const Embeddings& embeddings) {
  protocols::Embeddings by_name;
  for (std::size_t i = 0; i < photos.size(); ++i)
    by_name.emplace(photos[i].inside.string(), embeddings[i]);
  return by_name;
}

/// Intervals cost time and decide nothing here.
constexpr std::size_t kNoReplicates = 0;

bool says_same(const protocols::Pair& pair, const protocols::Embeddings& embeddings,
               double threshold) {
  const std::optional<Embedding>& a = embeddings.at(pair.a);
  const std::optional<Embedding>& b = embeddings.at(pair.b);
  return a && b && protocols::score(*a, *b, {}) >= threshold;
}

Outcome<void> add_changes(const protocols::PairList& pairs, const protocols::Embeddings& before,
                          const protocols::Embeddings& after, double share,
                          ComparedEmbeddings& answer) {
  VISAVIS_TRY(threshold, caused_by(Cause::kInput, protocols::best_threshold(pairs, before, {})));
  const auto changed = std::ranges::count_if(pairs.pairs, [&](const protocols::Pair& pair) {
    return says_same(pair, before, threshold) != says_same(pair, after, threshold);
  });
  const double limit = std::floor(share * static_cast<double>(pairs.pairs.size()));
  answer.threshold = threshold;
  answer.figures.push_back({.name = "pairs judged otherwise",
                            .after = static_cast<double>(changed),
                            .limit = limit,
                            .passed = static_cast<double>(changed) <= limit});
  return {};
}

Outcome<void> add_pairs(const GateTest& test, const Both& both, const EmbeddingLimits& limits,
                        ComparedEmbeddings& answer) {
  const protocols::Embeddings named_before = by_names(test.photos, both.before);
  const protocols::Embeddings named_after = by_names(test.photos, both.after);
  const auto judge = [&](const protocols::Embeddings& embeddings) {
    protocols::VerificationOptions options;
    options.replicates = kNoReplicates;
    return caused_by(Cause::kInput, protocols::verify_pairs(*test.pairs, embeddings, options));
  };
  VISAVIS_TRY(before, judge(named_before));
  VISAVIS_TRY(after, judge(named_after));
  if (before.all.accuracy && after.all.accuracy)
    answer.figures.push_back(floor_figure("accuracy", before.all.accuracy->mean,
                                          after.all.accuracy->mean,
                                          before.all.accuracy->mean - limits.accuracy_loss));
  // All pairs have more of them than a list.
  if (test.all_pairs.empty())
    add_tar(before.all.points, after.all.points, "", limits, answer.figures);
  if (!limits.changed_pairs) return {};
  return add_changes(*test.pairs, named_before, named_after, *limits.changed_pairs, answer);
}

Outcome<void> add_all_pairs(Workbench::Impl& bench, const GateTest& test, const Both& both,
                            const EmbeddingLimits& limits, std::vector<GateFigure>& figures) {
  const auto judge = [&](const Embeddings& embeddings) {
    std::vector<protocols::LabelledFace> faces;
    std::vector<std::string> failed;
    for (const std::size_t i : test.all_pairs) {
      std::string person = test.photos[i].parent();
      if (embeddings[i])
        faces.push_back({.person = std::move(person), .embedding = *embeddings[i]});
      else
        failed.push_back(std::move(person));
    }
    protocols::AllPairsOptions options;
    options.replicates = kNoReplicates;
    return caused_by(Cause::kInput,
                     protocols::compare_all(faces, failed, options, *bench.executor));
  };
  VISAVIS_TRY(before, judge(both.before));
  VISAVIS_TRY(after, judge(both.after));
  add_tar(before.all.points, after.all.points, ", all pairs", limits, figures);
  return {};
}

}  // namespace

Outcome<GateTest> gate_test(const std::vector<Photo>& photos, const std::filesystem::path& pairs,
                            const std::filesystem::path& people) {
  GateTest test;
  std::set<std::string> in_list;
  if (!pairs.empty()) {
    VISAVIS_TRY(read, read_pairs(pairs));
    for (std::string& name : protocols::images_of(read)) in_list.insert(std::move(name));
    test.pairs = std::move(read);
  }
  People names;
  if (!people.empty()) {
    VISAVIS_TRY(read, read_people(people));
    names = std::move(read);
  }
  for (const Photo& photo : photos) {
    const bool in_pairs = in_list.erase(photo.inside.string()) > 0;
    const bool of_people = names.contains(photo.parent());
    if (of_people) test.all_pairs.push_back(test.photos.size());
    if (in_pairs || of_people) test.photos.push_back(photo);
  }
  if (!in_list.empty())
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kNotFound, pairs.string() + ": there is no photo " +
                                                  *in_list.begin() + " among those given"}));
  if (!people.empty() && test.all_pairs.empty())
    return std::unexpected(
        Failure(Cause::kInput,
                {ErrorCode::kNotFound, people.string() + ": there is no photo of these people"}));
  return test;
}

Outcome<ComparedEmbeddings> compare_embeddings(Workbench::Impl& bench, const GateTest& test,
                                               std::shared_ptr<const models::Network> candidate,
                                               const EmbeddingLimits& limits,
                                               const Progress& progress) {
  VISAVIS_TRY(embedder,
              caused_by(Cause::kEnvironment,
                        embed::Embedder::open(std::move(candidate), {.flip = bench.flip})));
  ComparedEmbeddings answer;
  VISAVIS_TRY(both, embed_both(bench, test.photos, embedder, answer.errors, progress));
  add_cosines(both, limits, answer);
  if (answer.tested == 0)
    return std::unexpected(
        Failure(Cause::kInput, {ErrorCode::kInvalidArgument,
                                "no photo of the test shows a face: nothing would be tested"}));
  if (test.pairs) VISAVIS_CHECK(add_pairs(test, both, limits, answer));
  if (!test.all_pairs.empty())
    VISAVIS_CHECK(add_all_pairs(bench, test, both, limits, answer.figures));
  return answer;
}

}  // namespace visavis::usecases
