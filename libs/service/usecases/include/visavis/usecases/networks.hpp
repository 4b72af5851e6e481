#pragma once

/// Networks as files: whether two are the same, and one form into another.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/graph_choice.hpp>

namespace visavis::usecases {

/// A file and how it is read and run.
struct NetworkFile {
  std::filesystem::path path{};
  std::string importer{};  ///< As a manifest names it. Empty: told from the contents.
  std::string engine = "reference";
  std::string precision = "f32";
  GraphChoice choice{};
};

struct Questions {
  std::size_t random = 8;       ///< Random inputs.
  std::uint64_t seed = 1;       ///< They are the same for the same seed.
  std::int64_t free_size = 64;  ///< Stands for a free height or width.
  /// Photos and folders of photos: each is resized to the input's size, (value − 127.5) / 128, RGB.
  std::vector<std::string> chips{};
  double max_abs = 1e-4;
  double max_relative = 0;  ///< Of the source's largest number for the same input; instead.
  double min_cosine = .999999;
};

/// What weights in halves may cost, each of which is off by up to 2^-11 of itself. Two values whose
/// cosine is .9999 are apart by .014 of their length: both limits say about the same.
inline constexpr double kHalfMaxRelative = .01;
inline constexpr double kHalfMinCosine = .9999;

struct NetworkFacts {
  std::string path{};
  std::string format{};
  std::string importer{};
  std::string sha256{};
  std::string engine{};
  std::string precision{};
  std::uint64_t parameters = 0;
};

struct DifferenceFacts {
  std::string source{};  ///< The value's name there …
  std::string result{};  ///< … and here.
  double max_abs = 0;
  double max_relative = 0;
  double mean_abs = 0;
  double mean_distance = 0;
  double min_cosine = 0;
  bool finite = true;
};

struct JudgementFacts {
  std::string inputs{};  ///< "random", "chips"
  std::size_t samples = 0;
  double self_cosine = 0;  ///< Of the source's answers to two of them, the largest.
  std::vector<DifferenceFacts> outputs{};
};

struct DivergenceFacts {
  std::string op{};
  std::size_t same_before = 0;
  DifferenceFacts difference{};
};

/// A weight that stays float32 though others became halves.
struct KeptFloatFacts {
  std::string name{};
  std::string reason{};
};

/// What was stored in 16 bits.
struct HalvedFacts {
  std::size_t tensors = 0;
  std::uint64_t numbers = 0;
  std::vector<KeptFloatFacts> kept{};  ///< Large enough, but not fit for it.
};

/// Proof, or what speaks against it.
struct Equivalence {
  NetworkFacts source{};
  NetworkFacts result{};
  Questions questions{};
  std::vector<JudgementFacts> judgements{};
  std::optional<DivergenceFacts> first{};  ///< The first layer that differs.
  std::optional<HalvedFacts> halved{};     ///< If the result's weights were to be halves.
  bool equivalent = false;
  std::vector<Problem> errors{};  ///< Chips that could not be read.
};

/// Asks both the same.
[[nodiscard]] Outcome<Equivalence> compare_networks(const NetworkFile& source,
                                                    const NetworkFile& result,
                                                    const Questions& questions);

/// What stands in a certificate.
using Certify = std::function<std::string(const Equivalence&)>;

/// Where a network goes.
struct NetworkTarget {
  std::filesystem::path path{};  ///< Not there yet; its ending tells the format.
  bool simplify = true;          ///< Fold constants and batch normalisation, drop what is not read.
  bool halves = false;           ///< Weights in 16 bits; computed with in float32.
  std::string engine = "reference";
};

/// Writes `target`, and beside it PATH.certificate.json, if what was written is the same network
/// when it is read again; else nothing.
[[nodiscard]] Outcome<Equivalence> convert_network(const NetworkFile& source,
                                                   const NetworkTarget& target,
                                                   const Questions& questions,
                                                   const Certify& certify);

}  // namespace visavis::usecases
