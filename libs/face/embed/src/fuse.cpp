#include "visavis/embed/fuse.hpp"

#include <cmath>
#include <cstddef>
#include <span>

#include "visavis/vocab/embedding.hpp"

namespace visavis::embed {

Embedding fuse(std::span<const Embedding> members, std::span<const double> weights, ModelId model) {
  Embedding fused{.model = model, .values = {}, .norm = 0};
  double log_norm = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const double root = std::sqrt(weights[i]);
    for (const float value : members[i].values)
      fused.values.push_back(static_cast<float>(root * value));
    log_norm += weights[i] * std::log(static_cast<double>(members[i].norm));
  }
  fused.norm = static_cast<float>(std::exp(log_norm));
  return fused;
}

}  // namespace visavis::embed
