#include "network_part.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::detect {
namespace {

bool has_channels(const runtime::TensorSpec& spec, std::int64_t channels) {
  return spec.type == runtime::ElementType::kFloat32 && spec.shape.size() >= 2 &&
         spec.shape[1] == channels;
}

}  // namespace

Result<NetworkPart> NetworkPart::open(const models::Network& network, std::string_view part,
                                      std::span<const std::int64_t> channels) {
  const std::string title = network.manifest.id + ": " + std::string(part);
  const auto found = network.parts.find(part);
  if (found == network.parts.end() || !found->second)
    return fail(ErrorCode::kModelMismatch,
                network.manifest.id + " has no network called " + std::string(part));
  NetworkPart result;
  result.model_ = found->second;
  result.channels_.assign(channels.begin(), channels.end());
  const auto specs = result.model_->outputs();
  for (const std::int64_t wanted : channels) {
    const auto output =
        std::ranges::find_if(specs, [&](const auto& spec) { return has_channels(spec, wanted); });
    if (output == specs.end())
      return fail(ErrorCode::kModelMismatch,
                  title + " has no output of " + std::to_string(wanted) + " channels");
    result.outputs_.push_back(static_cast<std::size_t>(output - specs.begin()));
  }
  VISAVIS_TRY(session, result.model_->session());
  result.session_ = std::move(session);
  return result;
}

Result<std::vector<runtime::Tensor>> NetworkPart::run(std::span<const float> input,
                                                      const std::array<std::int64_t, 4>& shape) {
  const std::array inputs{runtime::view_of(input, shape)};
  VISAVIS_TRY(all, session_->run(inputs));
  std::vector<runtime::Tensor> wanted;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    runtime::Tensor& tensor = all[outputs_[i]];
    if (tensor.shape.size() < 2 || tensor.shape[0] != shape[0] || tensor.shape[1] != channels_[i])
      return fail(ErrorCode::kModelMismatch, "a network answered with another shape");
    wanted.push_back(std::move(tensor));
  }
  return wanted;
}

}  // namespace visavis::detect
