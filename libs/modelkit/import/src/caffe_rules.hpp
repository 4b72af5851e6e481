#pragma once

/// The rules for Caffe's layers, which the table in caffe_layers has, and what they share.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit::cf {

/// A layer's outputs.
using Values = Result<std::vector<CaffeValue>>;

/// With the layer's name and type.
[[nodiscard]] std::unexpected<Error> unsupported(const CaffeCall& call, std::string_view what);
[[nodiscard]] std::unexpected<Error> malformed(const CaffeCall& call, std::string_view what);
/// Of the dimensions from `begin` on and before `end`.
[[nodiscard]] std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end);
[[nodiscard]] Result<const CaffeValue*> only_input(const CaffeCall& call);
[[nodiscard]] Result<const std::string*> only_name(const CaffeCall& call);
/// An axis may count from the end.
[[nodiscard]] Result<std::size_t> axis_of(const CaffeCall& call, std::int64_t axis,
                                          const Shape& shape);
/// The only output.
[[nodiscard]] std::vector<CaffeValue> one(std::string name, Shape shape);
/// The blobs of a layer that has `count` of them.
[[nodiscard]] Result<const std::vector<CaffeBlob>*> blobs_of(const CaffeCall& call,
                                                             const CaffeLayer& layer,
                                                             std::size_t count);
/// kModelMismatch unless there are as many weights as this shape has.
[[nodiscard]] Result<void> check_count(const CaffeCall& call, const CaffeBlob& blob,
                                       const Shape& wanted);
[[nodiscard]] Constant constant(std::string name, Shape shape, std::vector<float> values);

// caffe_convolutions

Values convolution(CaffeCall& call);
Values deconvolution(CaffeCall& call);
Values pooling(CaffeCall& call);

// caffe_arithmetic

Values absolute(CaffeCall& call);
Values sigmoid(CaffeCall& call);
Values tanh(CaffeCall& call);
Values inner_product(CaffeCall& call);
Values scale(CaffeCall& call);
Values bias(CaffeCall& call);
Values batch_norm(CaffeCall& call);
Values relu(CaffeCall& call);
Values prelu(CaffeCall& call);
Values elu(CaffeCall& call);
Values relu6(CaffeCall& call);
Values power(CaffeCall& call);
Values exponential(CaffeCall& call);
Values logarithm(CaffeCall& call);
Values eltwise(CaffeCall& call);
Values softmax(CaffeCall& call);
Values normalize(CaffeCall& call);

// caffe_shapes

Values concat(CaffeCall& call);
Values flatten(CaffeCall& call);
Values reshape(CaffeCall& call);
Values permute(CaffeCall& call);
Values crop(CaffeCall& call);
Values slice(CaffeCall& call);
Values copies(CaffeCall& call);
Values silence(CaffeCall& call);

}  // namespace visavis::modelkit::cf
