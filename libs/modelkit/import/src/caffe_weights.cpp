#include "caffe_weights.hpp"

#include <caffe.pb.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "proto_parts.hpp"

namespace visavis::modelkit {
namespace {

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed caffemodel: " + std::string(what));
}

std::vector<std::int64_t> shape_of(const caffe::BlobProto& proto, std::size_t count) {
  if (proto.has_shape()) return {proto.shape().dim().begin(), proto.shape().dim().end()};
  if (proto.has_num() || proto.has_channels() || proto.has_height() || proto.has_width())
    return {proto.num(), proto.channels(), proto.height(), proto.width()};
  return {static_cast<std::int64_t>(count)};
}

Result<CaffeBlob> blob_of(const caffe::BlobProto& proto) {
  CaffeBlob blob;
  if (proto.double_data_size() > 0) {
    blob.values.reserve(static_cast<std::size_t>(proto.double_data_size()));
    for (const double value : proto.double_data()) blob.values.push_back(static_cast<float>(value));
  } else {
    blob.values.assign(proto.data().begin(), proto.data().end());
  }
  blob.shape = shape_of(proto, blob.values.size());
  const auto count = graph::element_count(blob.shape);
  if (!count || *count != blob.values.size())
    return malformed("a blob's data has not the size that its shape says");
  return blob;
}

template <class Layers>
Result<void> add_all(const Layers& layers, CaffeWeights& weights) {
  for (const auto& layer : layers) {
    if (layer.blobs().empty()) continue;
    std::vector<CaffeBlob> blobs;
    for (const caffe::BlobProto& proto : layer.blobs()) {
      VISAVIS_TRY(blob, blob_of(proto));
      blobs.push_back(std::move(blob));
    }
    if (!weights.emplace(layer.name(), std::move(blobs)).second)
      return malformed("two layers have the same name");
  }
  return {};
}

}  // namespace

Result<CaffeWeights> read_caffe_weights(std::span<const std::byte> bytes) {
  VISAVIS_CHECK(check_parts(bytes, kCaffeForm));
  caffe::NetParameter net;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !net.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return malformed("it is damaged or something else");
  CaffeWeights weights;
  VISAVIS_CHECK(add_all(net.layer(), weights));
  VISAVIS_CHECK(add_all(net.layers(), weights));
  return weights;
}

}  // namespace visavis::modelkit
