#pragma once

/// Runs a graph once.

#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {

/// A graph that an engine has taken, ready to be asked.
class Runner {
 public:
  /// @param extra  as runtime::LoadOptions has it
  static Result<Runner> make(const Side& side,
                             std::vector<std::pair<std::string, std::string>> extra = {}) {
    if (side.model) {
      VISAVIS_TRY(opened, side.model->session());
      return Runner(side.model, std::move(opened));
    }
    VISAVIS_TRY(bytes, graph::write_onnx(*side.graph));
    VISAVIS_TRY(model, side.engine->load(bytes, {.precision = side.precision,
                                                 .cache_dir = {},
                                                 .extra = std::move(extra)}));
    VISAVIS_TRY(session, model->session());
    return Runner(std::move(model), std::move(session));
  }

  [[nodiscard]] const runtime::Model& model() const noexcept { return *model_; }

  Result<std::vector<runtime::Tensor>> run(const Sample& sample) {
    std::vector<runtime::TensorView> views;
    for (const runtime::Tensor& tensor : sample)
      views.push_back({.type = tensor.type, .shape = tensor.shape, .bytes = tensor.bytes});
    return session_->run(views);
  }

 private:
  Runner(std::shared_ptr<const runtime::Model> model, std::unique_ptr<runtime::Session> session)
      : model_(std::move(model)), session_(std::move(session)) {}

  std::shared_ptr<const runtime::Model> model_;
  std::unique_ptr<runtime::Session> session_;
};

}  // namespace visavis::modelkit
