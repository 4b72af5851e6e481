#include "wrong_engines.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime::conformance {
namespace {

std::vector<std::byte> swap_channels(const TensorView& view) {
  std::vector<std::byte> bytes(view.bytes.begin(), view.bytes.end());
  if (view.shape.size() != 4 || view.shape[1] != 3) return bytes;
  const std::size_t image = bytes.size() / static_cast<std::size_t>(view.shape[0]);
  const std::size_t plane = image / 3;
  for (std::size_t at = 0; at < bytes.size(); at += image) {
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    std::swap_ranges(first, first + static_cast<std::ptrdiff_t>(plane),
                     first + static_cast<std::ptrdiff_t>(2 * plane));
  }
  return bytes;
}

class SwappingSession final : public Session {
 public:
  explicit SwappingSession(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {}

  Result<std::vector<Tensor>> run(std::span<const TensorView> inputs) override {
    std::vector<std::vector<std::byte>> swapped;
    std::vector<TensorView> views(inputs.begin(), inputs.end());
    for (const TensorView& input : inputs) swapped.push_back(swap_channels(input));
    for (std::size_t i = 0; i < views.size(); ++i) views[i].bytes = swapped[i];
    return inner_->run(views);
  }

 private:
  std::unique_ptr<Session> inner_;
};

class SwappingModel final : public Model {
 public:
  explicit SwappingModel(std::shared_ptr<const Model> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::span<const TensorSpec> inputs() const noexcept override {
    return inner_->inputs();
  }
  [[nodiscard]] std::span<const TensorSpec> outputs() const noexcept override {
    return inner_->outputs();
  }
  [[nodiscard]] std::string_view engine_name() const noexcept override { return "channel-swapper"; }
  [[nodiscard]] Precision precision() const noexcept override { return inner_->precision(); }
  [[nodiscard]] Result<std::unique_ptr<Session>> session() const override {
    VISAVIS_TRY(session, inner_->session());
    return std::make_unique<SwappingSession>(std::move(session));
  }

 private:
  std::shared_ptr<const Model> inner_;
};

class ChannelSwapper final : public Engine {
 public:
  explicit ChannelSwapper(const Engine& engine) : engine_(engine) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "channel-swapper"; }
  [[nodiscard]] Availability probe() const override { return engine_.probe(); }
  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> model, const LoadOptions& options) const override {
    VISAVIS_TRY(inner, engine_.load(model, options));
    return std::make_shared<SwappingModel>(std::move(inner));
  }

 private:
  const Engine& engine_;
};

/// [top, left, bottom, right] becomes [top + 1, left, bottom - 1, right] where that keeps the
/// shape.
/// @return how many were moved.
int shift_padding(graph::Node& node) {
  int moved = 0;
  if (node.op != "Conv") return moved;
  for (auto& [name, value] : node.attributes) {
    auto* pads = std::get_if<std::vector<std::int64_t>>(&value);
    if (name != "pads" || pads == nullptr || pads->size() != 4 || (*pads)[2] == 0) continue;
    ++(*pads)[0];
    --(*pads)[2];
    ++moved;
  }
  return moved;
}

class PadShifter final : public Engine {
 public:
  explicit PadShifter(const Engine& engine) : engine_(engine) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "pad-shifter"; }
  [[nodiscard]] Availability probe() const override { return engine_.probe(); }
  [[nodiscard]] Result<std::shared_ptr<const Model>> load(
      std::span<const std::byte> model, const LoadOptions& options) const override {
    VISAVIS_TRY(graph, graph::read_onnx(model));
    for (graph::Node& node : graph.nodes) shift_padding(node);
    VISAVIS_TRY(shifted, graph::write_onnx(graph));
    return engine_.load(shifted, options);
  }

 private:
  const Engine& engine_;
};

}  // namespace

std::unique_ptr<Engine> make_channel_swapper(const Engine& engine) {
  return std::make_unique<ChannelSwapper>(engine);
}

bool has_padding(std::span<const std::byte> onnx) {
  Result<graph::Graph> graph = graph::read_onnx(onnx);
  return graph && std::ranges::any_of(graph->nodes,
                                      [](graph::Node& node) { return shift_padding(node) > 0; });
}

std::unique_ptr<Engine> make_pad_shifter(const Engine& engine) {
  return std::make_unique<PadShifter>(engine);
}

}  // namespace visavis::runtime::conformance
