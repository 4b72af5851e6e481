#pragma once

/// Which network is meant where a file keeps several: TensorFlow's SavedModel.

#include <string>

namespace visavis::usecases {

struct GraphChoice {
  std::string tag{};        ///< Tags of a graph, with ',' between. Empty: "serve", or the only one.
  std::string signature{};  ///< Empty: "serving_default", or the only one.
};

}  // namespace visavis::usecases
