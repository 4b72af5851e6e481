#include "onnx_parts.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <visavis/core/wire.hpp>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

using Field = WireForm::Field;

// As proto/onnx.proto has them.
constexpr std::array<Field, 1> kTensorFields = {{{.number = 13}}};
constexpr WireForm kTensor{.fields = kTensorFields};
constexpr std::array<Field, 2> kAttributeFields = {
    {{.number = 5, .holds = &kTensor}, {.number = 9}}};
constexpr WireForm kAttribute{.fields = kAttributeFields};
constexpr std::array<Field, 3> kNodeFields = {
    {{.number = 1}, {.number = 2}, {.number = 5, .holds = &kAttribute}}};
constexpr WireForm kNode{.fields = kNodeFields};
constexpr std::array<Field, 1> kShapeFields = {{{.number = 1}}};
constexpr WireForm kShape{.fields = kShapeFields};
constexpr std::array<Field, 1> kTensorTypeFields = {{{.number = 2, .holds = &kShape}}};
constexpr WireForm kTensorType{.fields = kTensorTypeFields};
constexpr std::array<Field, 1> kTypeFields = {{{.number = 1, .holds = &kTensorType}}};
constexpr WireForm kType{.fields = kTypeFields};
constexpr std::array<Field, 1> kValueFields = {{{.number = 2, .holds = &kType}}};
constexpr WireForm kValue{.fields = kValueFields};
constexpr std::array<Field, 5> kGraphFields = {{{.number = 1, .holds = &kNode},
                                                {.number = 5, .holds = &kTensor},
                                                {.number = 11, .holds = &kValue},
                                                {.number = 12, .holds = &kValue},
                                                {.number = 15}}};
constexpr WireForm kGraph{.fields = kGraphFields};
constexpr std::array<Field, 3> kModelFields = {
    {{.number = 7, .holds = &kGraph}, {.number = 8}, {.number = 25}}};
constexpr WireForm kModel{.fields = kModelFields};

}  // namespace

bool has_too_many_parts(std::span<const std::byte> file) {
  constexpr std::size_t kMostParts = 10 * kMaxNodes;
  return count_fields(file, kModel, kMostParts) == kMostParts;
}

}  // namespace visavis::graph
