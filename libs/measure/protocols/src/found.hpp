#pragma once

#include <string>

#include "visavis/core/result.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::protocols {

/// What is known of a photo of a list; null if it has no face.
/// @return kInvalidArgument for a photo that was not analysed.
[[nodiscard]] inline Result<const Embedding*> find_embedding(const Embeddings& embeddings,
                                                             const std::string& path) {
  const auto it = embeddings.find(path);
  if (it == embeddings.end())
    return fail(ErrorCode::kInvalidArgument, "a photo of the list was not analysed");
  return it->second ? &*it->second : nullptr;
}

}  // namespace visavis::protocols
