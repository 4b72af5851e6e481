/// What the rules for Caffe's layers share.

#include "caffe_rules.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit::cf {
namespace {

std::string about(const CaffeCall& call) {
  return "the layer \"" + call.layer.name + "\" (" + call.layer.type + "): ";
}

}  // namespace

std::unexpected<Error> unsupported(const CaffeCall& call, std::string_view what) {
  return fail(ErrorCode::kUnsupported, about(call) + std::string(what));
}

std::unexpected<Error> malformed(const CaffeCall& call, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, about(call) + std::string(what));
}

std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end) {
  std::int64_t out = 1;
  for (std::size_t i = begin; i < end; ++i) out *= shape[i];
  return out;
}

Result<const CaffeValue*> only_input(const CaffeCall& call) {
  if (call.inputs.size() != 1) return malformed(call, "it has not exactly one input");
  return &call.inputs[0];
}

Result<const std::string*> only_name(const CaffeCall& call) {
  if (call.names.size() != 1) return malformed(call, "it has not exactly one output");
  return &call.names[0];
}

Result<std::size_t> axis_of(const CaffeCall& call, std::int64_t axis, const Shape& shape) {
  const auto found = graph::axis_among(axis, shape.size());
  if (!found) return malformed(call, "an axis beyond the shape");
  return *found;
}

std::vector<CaffeValue> one(std::string name, Shape shape) {
  std::vector<CaffeValue> out;
  out.push_back({.name = std::move(name), .shape = std::move(shape)});
  return out;
}

Result<const std::vector<CaffeBlob>*> blobs_of(const CaffeCall& call, const CaffeLayer& layer,
                                               std::size_t count) {
  const auto found = call.weights.find(layer.name);
  if (found == call.weights.end())
    return fail(ErrorCode::kModelMismatch,
                "the caffemodel has no weights for the layer \"" + layer.name + "\"");
  if (found->second.size() != count)
    return fail(ErrorCode::kModelMismatch, "the caffemodel has " +
                                               std::to_string(found->second.size()) +
                                               " blobs for the layer \"" + layer.name +
                                               "\", which wants " + std::to_string(count));
  return &found->second;
}

Result<void> check_count(const CaffeCall& call, const CaffeBlob& blob, const Shape& wanted) {
  const auto count = graph::element_count(wanted);
  if (count && *count == blob.values.size()) return {};
  return fail(ErrorCode::kModelMismatch,
              about(call) + "the caffemodel's weights are for another shape");
}

Constant constant(std::string name, Shape shape, std::vector<float> values) {
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

}  // namespace visavis::modelkit::cf
