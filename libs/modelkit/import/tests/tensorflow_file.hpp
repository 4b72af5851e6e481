#pragma once

/// FaceNet's Inception-ResNet-v1 as a frozen graph of TensorFlow 1, for tests: layers called and
/// put together as in the graph that tests/golden/make_facenet_graph.py makes with TensorFlow, with
/// pictures from a queue and batch normalisation that hangs on `phase_train`.

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "torch_file.hpp"

namespace visavis::modelkit {

class FacenetGraph {
 public:
  /// @param fused  whether batch normalisation is one operator, as in the graphs of 2018
  FacenetGraph(const std::vector<TorchTensor>& tensors, std::int64_t height, std::int64_t width,
               std::int64_t size, bool fused)
      : tensors_(tensors), height_(height), width_(width), size_(size), fused_(fused) {}

  std::vector<std::byte> write() && {
    std::string net = begin();
    net = layer(net, "conv2d_1a", "Conv2d_1a_3x3", 2, "VALID");
    net = layer(net, "conv2d_2a", "Conv2d_2a_3x3", 1, "VALID");
    net = layer(net, "conv2d_2b", "Conv2d_2b_3x3");
    net = pool(net, "MaxPool_3a_3x3");
    net = layer(net, "conv2d_3b", "Conv2d_3b_1x1", 1, "VALID");
    net = layer(net, "conv2d_4a", "Conv2d_4a_3x3", 1, "VALID");
    net = layer(net, "conv2d_4b", "Conv2d_4b_3x3", 2, "VALID");
    for (int i = 0; i < 5; ++i) net = block(net, "Repeat/block35", "repeat_1", i, {1, 2, 3}, .17F);
    net = reduction(net, "Mixed_6a", "mixed_6a", {1, 3});
    for (int i = 0; i < 10; ++i) net = block(net, "Repeat_1/block17", "repeat_2", i, {1, 3}, .1F);
    net = reduction(net, "Mixed_7a", "mixed_7a", {2, 2, 3});
    for (int i = 0; i < 5; ++i) net = block(net, "Repeat_2/block8", "repeat_3", i, {1, 3}, .2F);
    net = block(net, "Block8", "block8", -1, {1, 3}, 1);
    end(net);
    const std::string text = graph_.SerializeAsString();
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
  }

 private:
  using Shape = std::vector<std::int64_t>;
  static constexpr std::int32_t kFloat = 1;
  static constexpr std::int32_t kInt32 = 3;
  static constexpr std::int32_t kBool = 10;

  tensorflow::AttrValue& attribute(const std::string& key) {
    tensorflow::Attribute& added = *graph_.mutable_node()->rbegin()->add_attr();
    added.set_key(key);
    return *added.mutable_value();
  }

  std::string node(const std::string& op, const std::string& name,
                   const std::vector<std::string>& inputs, std::int32_t type = kFloat) {
    tensorflow::NodeDef& added = *graph_.add_node();
    added.set_op(op);
    added.set_name(name);
    for (const std::string& input : inputs) added.add_input(input);
    attribute("T").set_type(type);
    return name;
  }

  void list(const std::string& key, const Shape& values) {
    auto& numbers = *attribute(key).mutable_list();
    for (const std::int64_t n : values) numbers.add_i(n);
  }

  template <class T>
  std::string constant(const std::string& name, std::int32_t type, const Shape& shape,
                       const std::vector<T>& values) {
    node("Const", name, {});
    attribute("dtype").set_type(type);
    tensorflow::TensorProto& tensor = *attribute("value").mutable_tensor();
    tensor.set_dtype(type);
    tensor.mutable_tensor_shape();
    for (const std::int64_t n : shape) tensor.mutable_tensor_shape()->add_dim()->set_size(n);
    tensor.set_tensor_content(
        std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
    return name;
  }
  std::string number(const std::string& name, float value) {
    return constant(name, kFloat, {}, std::vector{value});
  }

  const TorchTensor& tensor(const std::string& name) const {
    const auto found = std::ranges::find(tensors_, name, &TorchTensor::name);
    if (found == tensors_.end()) throw std::out_of_range(name);
    return *found;
  }

  /// A variable, frozen, and the node that reads it.
  std::string variable(const std::string& name, const Shape& shape,
                       const std::vector<float>& values) {
    constant(name, kFloat, shape, values);
    return node("Identity", name + "/read", {name});
  }
  std::string channel_variable(const std::string& name, const TorchTensor& given,
                               std::int64_t count) {
    return variable(name, {count}, {given.values.begin(), given.values.begin() + count});
  }

  std::string begin() {
    node("Placeholder", "phase_train", {}, kBool);
    attribute("dtype").set_type(kBool);
    node("Placeholder", "batch_size", {}, kInt32);
    attribute("dtype").set_type(kInt32);
    node("FIFOQueueV2", "batch_join/fifo_queue", {});
    auto& shape = *attribute("shapes").mutable_list()->add_shape();
    for (const std::int64_t n : {height_, width_, std::int64_t{3}}) shape.add_dim()->set_size(n);
    node("QueueDequeueUpToV2", "batch_join", {"batch_join/fifo_queue", "batch_size"});
    attribute("component_types").mutable_list()->add_type(kFloat);
    node("Identity", "image_batch", {"batch_join"});
    return node("Identity", "input", {"image_batch"});
  }

  std::string switched(const std::string& scope, const std::string& value, bool training) {
    node("Switch", scope, {value, "phase_train"});
    return scope + (training ? ":1" : "");
  }

  std::string normalised(const std::string& x, const std::string& module, const std::string& scope,
                         std::int64_t channels, bool is_picture) {
    const std::string bn = scope + "/BatchNorm";
    const auto read = [&](const char* name, const char* part) {
      return channel_variable(bn + "/" + name, tensor(module + part), channels);
    };
    const std::string gamma = read("gamma", ".weight");
    const std::string beta = read("beta", ".bias");
    const std::string mean = read("moving_mean", ".running_mean");
    const std::string variance = read("moving_variance", ".running_var");
    if (fused_ && is_picture) return fused(x, bn, {gamma, beta, mean, variance});
    constant(bn + "/axes", kInt32, is_picture ? Shape{3} : Shape{1},
             is_picture ? std::vector{0, 1, 2} : std::vector{0});
    node("Mean", bn + "/moments/mean", {x, bn + "/axes"});
    node("SquaredDifference", bn + "/moments/difference", {x, bn + "/moments/mean"});
    node("Mean", bn + "/moments/variance", {bn + "/moments/difference", bn + "/axes"});
    const auto merged = [&](const char* which, const std::string& moving, const char* moments) {
      const std::string cond = bn + "/cond/" + which;
      const std::string off = switched(cond + "/Switch", moving, false);
      const std::string on = switched(cond + "/Switch_1", bn + moments, true);
      node("Identity", cond + "/Identity", {on});
      return node("Merge", cond + "/Merge", {off, cond + "/Identity"});
    };
    const std::string m = merged("mean", mean, "/moments/mean");
    const std::string v = merged("variance", variance, "/moments/variance");
    const std::string batchnorm = bn + "/batchnorm";
    number(batchnorm + "/add/y", .001F);
    node("Add", batchnorm + "/add", {v, batchnorm + "/add/y"});
    node("Rsqrt", batchnorm + "/Rsqrt", {batchnorm + "/add"});
    node("Mul", batchnorm + "/mul", {batchnorm + "/Rsqrt", gamma});
    node("Mul", batchnorm + "/mul_1", {x, batchnorm + "/mul"});
    node("Mul", batchnorm + "/mul_2", {m, batchnorm + "/mul"});
    node("Sub", batchnorm + "/sub", {beta, batchnorm + "/mul_2"});
    return node("Add", batchnorm + "/add_1", {batchnorm + "/mul_1", batchnorm + "/sub"});
  }

  std::string fused(const std::string& x, const std::string& bn,
                    const std::array<std::string, 4>& numbers) {
    std::array<std::string, 2> sides;
    for (const bool training : {false, true}) {
      const std::string side = bn + (training ? "/cond/FusedBatchNorm" : "/cond/FusedBatchNorm_1");
      std::vector<std::string> inputs = {switched(side + "/Switch", x, training)};
      for (std::size_t i = 0; i < numbers.size(); ++i)
        inputs.push_back(switched(side + "/Switch_" + std::to_string(i + 1), numbers[i], training));
      sides[training ? 1 : 0] = node("FusedBatchNorm", side, inputs);
      attribute("epsilon").set_f(.001F);
      attribute("is_training").set_b(training);
    }
    return node("Merge", bn + "/cond/Merge", {sides[0], sides[1]});
  }

  std::string convolution(const std::string& x, const TorchTensor& kernel, const std::string& scope,
                          int stride, const std::string& padding) {
    const Shape& s = kernel.shape;
    std::vector<float> turned(kernel.values.size());
    const auto side = [&](std::size_t i) { return static_cast<std::size_t>(s[i]); };
    for (std::size_t o = 0; o < side(0); ++o)
      for (std::size_t i = 0; i < side(1); ++i)
        for (std::size_t p = 0; p < side(2) * side(3); ++p)
          turned[(p * side(1) + i) * side(0) + o] =
              kernel.values[(o * side(1) + i) * side(2) * side(3) + p];
    const std::string weights = variable(scope + "/weights", {s[2], s[3], s[1], s[0]}, turned);
    node("Conv2D", scope + "/Conv2D", {x, weights});
    list("strides", {1, stride, stride, 1});
    attribute("padding").set_s(padding);
    attribute("data_format").set_s("NHWC");
    return scope + "/Conv2D";
  }

  std::string layer(const std::string& x, const std::string& module, const std::string& scope,
                    int stride = 1, const std::string& padding = "SAME") {
    const std::string full = "InceptionResnetV1/" + scope;
    const TorchTensor& kernel = tensor(module + ".conv.weight");
    const std::string conv = convolution(x, kernel, full, stride, padding);
    return node("Relu", full + "/Relu",
                {normalised(conv, module + ".bn", full, kernel.shape[0], true)});
  }

  std::string pool(const std::string& x, const std::string& scope) {
    node("MaxPool", "InceptionResnetV1/" + scope + "/MaxPool", {x});
    list("ksize", {1, 3, 3, 1});
    list("strides", {1, 2, 2, 1});
    attribute("padding").set_s("VALID");
    return "InceptionResnetV1/" + scope + "/MaxPool";
  }

  /// @param last  of the layers moves by 2 and is not padded
  std::string branch(std::string net, const std::string& scope, const std::string& module,
                     std::size_t layers, bool last) {
    for (std::size_t i = 0; i < layers; ++i) {
      const bool half = last && i + 1 == layers;
      net = layer(net, layers == 1 ? module : module + "." + std::to_string(i),
                  scope + "/Conv2d_" + std::to_string(i), half ? 2 : 1, half ? "VALID" : "SAME");
    }
    return net;
  }

  std::string concat(const std::string& scope, std::vector<std::string> parts) {
    parts.push_back(constant("InceptionResnetV1/" + scope + "/concat/axis", kInt32, {},
                             std::vector<std::int32_t>{3}));
    return node("ConcatV2", "InceptionResnetV1/" + scope + "/concat", parts);
  }

  std::string block(const std::string& net, const std::string& stem, const std::string& from,
                    int index, const std::vector<std::size_t>& branches, float scale) {
    const bool last = index < 0;
    const std::string scope = last ? stem : stem + "_" + std::to_string(index + 1);
    const std::string module = last ? from : from + "." + std::to_string(index);
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < branches.size(); ++i)
      parts.push_back(branch(net, scope + "/Branch_" + std::to_string(i),
                             module + ".branch" + std::to_string(i), branches[i], false));
    const std::string full = "InceptionResnetV1/" + scope;
    const std::string up = convolution(concat(scope, parts), tensor(module + ".conv2d.weight"),
                                       full + "/Conv2d_1x1", 1, "SAME");
    const TorchTensor& bias = tensor(module + ".conv2d.bias");
    const std::string read = channel_variable(full + "/Conv2d_1x1/biases", bias, bias.shape[0]);
    node("BiasAdd", full + "/Conv2d_1x1/BiasAdd", {up, read});
    number(full + "/mul/x", scale);
    node("Mul", full + "/mul", {full + "/mul/x", full + "/Conv2d_1x1/BiasAdd"});
    node("Add", full + "/add", {net, full + "/mul"});
    return last ? full + "/add" : node("Relu", full + "/Relu", {full + "/add"});
  }

  std::string reduction(const std::string& net, const std::string& scope, const std::string& module,
                        const std::vector<std::size_t>& branches) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < branches.size(); ++i)
      parts.push_back(branch(net, scope + "/Branch_" + std::to_string(i),
                             module + ".branch" + std::to_string(i), branches[i], true));
    parts.push_back(pool(net, scope + "/MaxPool_1a_3x3"));
    return concat(scope, parts);
  }

  /// What five windows of 3 by 2 and two more of 3 leave of a side.
  static std::int64_t left_of(std::int64_t side) {
    const auto half = [](std::int64_t n) { return (n - 3) / 2 + 1; };
    return half(half(half(half(half(side) - 2) - 2)));
  }

  void end(const std::string& net) {
    const std::string scope = "InceptionResnetV1/";
    node("AvgPool", scope + "Logits/AvgPool_1a_8x8/AvgPool", {net});
    list("ksize", {1, left_of(height_), left_of(width_), 1});
    list("strides", {1, 1, 1, 1});
    attribute("padding").set_s("VALID");
    constant(scope + "Logits/Flatten/shape", kInt32, {2}, std::vector<std::int32_t>{-1, 1792});
    node("Reshape", scope + "Logits/Flatten",
         {scope + "Logits/AvgPool_1a_8x8/AvgPool", scope + "Logits/Flatten/shape"});
    // Dropout in training.
    const std::string dropout = scope + "Logits/Dropout/cond";
    const std::string on = switched(dropout + "/Switch", scope + "Logits/Flatten", true);
    node("RandomUniform", dropout + "/random_uniform", {on});
    node("Mul", dropout + "/dropout/mul", {on, dropout + "/random_uniform"});
    const std::string off = switched(dropout + "/Switch_1", scope + "Logits/Flatten", false);
    node("Merge", dropout + "/Merge", {off, dropout + "/dropout/mul"});

    const TorchTensor& dense = tensor("last_linear.weight");
    const auto inner = static_cast<std::size_t>(dense.shape[1]);
    const auto outer = static_cast<std::size_t>(size_);
    std::vector<float> turned(inner * outer);
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) turned[i * outer + o] = dense.values[o * inner + i];
    const std::string weights =
        variable(scope + "Bottleneck/weights", {dense.shape[1], size_}, turned);
    node("MatMul", scope + "Bottleneck/MatMul", {dropout + "/Merge", weights});
    const std::string rows =
        normalised(scope + "Bottleneck/MatMul", "last_bn", scope + "Bottleneck", size_, false);
    node("Square", "embeddings/Square", {rows});
    constant("embeddings/axes", kInt32, {}, std::vector<std::int32_t>{1});
    node("Sum", "embeddings/Sum", {"embeddings/Square", "embeddings/axes"});
    attribute("keep_dims").set_b(true);
    number("embeddings/Maximum/y", 1e-10F);
    node("Maximum", "embeddings/Maximum", {"embeddings/Sum", "embeddings/Maximum/y"});
    node("Rsqrt", "embeddings/Rsqrt", {"embeddings/Maximum"});
    node("Mul", "embeddings", {rows, "embeddings/Rsqrt"});
  }

  const std::vector<TorchTensor>& tensors_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t size_;
  bool fused_;
  tensorflow::GraphDef graph_;
};

}  // namespace visavis::modelkit
