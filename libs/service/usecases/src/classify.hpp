#pragma once

/// A recogniser's second head: which of the people that it was trained on a face shows.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <visavis/models/network.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/vocab/image.hpp>

#include "bench_impl.hpp"

namespace visavis::usecases {

/// What a manifest calls the file of that head.
inline constexpr const char* kClassesFile = "classes";

/// The files of a recogniser without that head; empty, which is all, where there is none.
[[nodiscard]] std::vector<std::string> embedding_parts(const models::Manifest& manifest);

/// Thread-compatible.
class Classifier {
 public:
  /// Loads the head of the bench's recogniser.
  /// @param labels  a file of names, one a line; empty: classes have no names
  /// @return kUsage for a recogniser without one, or not as many names as classes; kEnvironment for
  /// a network that does not give one number for each class.
  [[nodiscard]] static Outcome<Classifier> open(const Workbench::Impl& bench,
                                                const std::filesystem::path& labels);

  /// The likeliest classes of an aligned face, at most `top`: softmax of what the network gives.
  [[nodiscard]] Outcome<std::vector<ClassFact>> classify(ImageView chip, std::size_t top);

 private:
  Classifier() = default;
  models::Network network_;
  std::shared_ptr<const runtime::Model> model_;
  std::unique_ptr<runtime::Session> session_;
  std::vector<std::string> labels_;
  std::vector<float> input_;
};

}  // namespace visavis::usecases
