#include "proto_parts.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <visavis/core/result.hpp>
#include <visavis/core/wire.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {
namespace {

using Field = WireForm::Field;

// As the files in proto/ have them.
constexpr std::array<Field, 1> kDimsFields = {{{.number = 2}}};
constexpr WireForm kDims{.fields = kDimsFields};
constexpr std::array<Field, 2> kTensorFields = {{{.number = 2, .holds = &kDims}, {.number = 8}}};
constexpr WireForm kTensor{.fields = kTensorFields};
constexpr std::array<Field, 2> kListFields = {{{.number = 2}, {.number = 7, .holds = &kDims}}};
constexpr WireForm kList{.fields = kListFields};
constexpr std::array<Field, 3> kValueFields = {{{.number = 1, .holds = &kList},
                                                {.number = 7, .holds = &kDims},
                                                {.number = 8, .holds = &kTensor}}};
constexpr WireForm kValue{.fields = kValueFields};
constexpr std::array<Field, 1> kAttributeFields = {{{.number = 2, .holds = &kValue}}};
constexpr WireForm kAttribute{.fields = kAttributeFields};
constexpr std::array<Field, 2> kOperatorFields = {
    {{.number = 3}, {.number = 5, .holds = &kAttribute}}};
constexpr WireForm kOperator{.fields = kOperatorFields};
constexpr std::array<Field, 2> kSignatureFields = {{{.number = 2}, {.number = 3}}};
constexpr WireForm kSignature{.fields = kSignatureFields};
constexpr std::array<Field, 3> kFunctionFields = {
    {{.number = 1, .holds = &kSignature}, {.number = 3, .holds = &kOperator}, {.number = 4}}};
constexpr WireForm kFunction{.fields = kFunctionFields};
constexpr std::array<Field, 1> kLibraryFields = {{{.number = 1, .holds = &kFunction}}};
constexpr WireForm kLibrary{.fields = kLibraryFields};
constexpr std::array<Field, 2> kTensorflowGraphFormFields = {
    {{.number = 1, .holds = &kOperator}, {.number = 2, .holds = &kLibrary}}};
constexpr WireForm kTensorflowGraph{.fields = kTensorflowGraphFormFields};
constexpr std::array<Field, 1> kTensorInfoFields = {{{.number = 3, .holds = &kDims}}};
constexpr WireForm kTensorInfo{.fields = kTensorInfoFields};
constexpr std::array<Field, 1> kSignatureTensorFields = {{{.number = 2, .holds = &kTensorInfo}}};
constexpr WireForm kSignatureTensor{.fields = kSignatureTensorFields};
constexpr std::array<Field, 2> kSignatureDefFields = {
    {{.number = 1, .holds = &kSignatureTensor}, {.number = 2, .holds = &kSignatureTensor}}};
constexpr WireForm kSignatureDef{.fields = kSignatureDefFields};
constexpr std::array<Field, 1> kNamedSignatureFields = {{{.number = 2, .holds = &kSignatureDef}}};
constexpr WireForm kNamedSignature{.fields = kNamedSignatureFields};
constexpr std::array<Field, 1> kMetaInfoFields = {{{.number = 4}}};
constexpr WireForm kMetaInfo{.fields = kMetaInfoFields};
constexpr std::array<Field, 2> kSavedObjectsFields = {{{.number = 1}, {.number = 2}}};
constexpr WireForm kSavedObjects{.fields = kSavedObjectsFields};
constexpr std::array<Field, 4> kTensorflowMetaGraphFormFields = {
    {{.number = 1, .holds = &kMetaInfo},
     {.number = 2, .holds = &kTensorflowGraph},
     {.number = 5, .holds = &kNamedSignature},
     {.number = 7, .holds = &kSavedObjects}}};
constexpr WireForm kTensorflowMetaGraph{.fields = kTensorflowMetaGraphFormFields};
constexpr std::array<Field, 1> kSavedModelFormFields = {
    {{.number = 2, .holds = &kTensorflowMetaGraph}}};
constexpr WireForm kSavedModel{.fields = kSavedModelFormFields};
constexpr std::array<Field, 1> kTrackableFields = {{{.number = 2}}};
constexpr WireForm kTrackable{.fields = kTrackableFields};
constexpr std::array<Field, 1> kObjectGraphFormFields = {{{.number = 1, .holds = &kTrackable}}};
constexpr WireForm kObjectGraph{.fields = kObjectGraphFormFields};
constexpr std::array<Field, 1> kOldCaffeLayerFields = {{{.number = 6}}};
constexpr WireForm kOldCaffeLayer{.fields = kOldCaffeLayerFields};
constexpr std::array<Field, 1> kCaffeLayerFields = {{{.number = 7}}};
constexpr WireForm kCaffeLayer{.fields = kCaffeLayerFields};
constexpr std::array<Field, 2> kCaffeFormFields = {
    {{.number = 2, .holds = &kOldCaffeLayer}, {.number = 100, .holds = &kCaffeLayer}}};
constexpr WireForm kCaffe{.fields = kCaffeFormFields};
constexpr std::array<Field, 1> kCoremlShapesFields = {{{.number = 1}}};
constexpr WireForm kCoremlShapes{.fields = kCoremlShapesFields};
constexpr std::array<Field, 2> kCoremlArrayFields = {
    {{.number = 21, .holds = &kCoremlShapes}, {.number = 31, .holds = &kCoremlShapes}}};
constexpr WireForm kCoremlArray{.fields = kCoremlArrayFields};
constexpr std::array<Field, 1> kCoremlTypeFields = {{{.number = 5, .holds = &kCoremlArray}}};
constexpr WireForm kCoremlType{.fields = kCoremlTypeFields};
constexpr std::array<Field, 1> kCoremlFeatureFields = {{{.number = 3, .holds = &kCoremlType}}};
constexpr WireForm kCoremlFeature{.fields = kCoremlFeatureFields};
constexpr std::array<Field, 2> kCoremlDescriptionFields = {
    {{.number = 1, .holds = &kCoremlFeature}, {.number = 10, .holds = &kCoremlFeature}}};
constexpr WireForm kCoremlDescription{.fields = kCoremlDescriptionFields};
constexpr std::array<Field, 4> kCoremlLayerFields = {
    {{.number = 2}, {.number = 3}, {.number = 4}, {.number = 5}}};
constexpr WireForm kCoremlLayer{.fields = kCoremlLayerFields};
constexpr std::array<Field, 2> kCoremlNetworkFields = {
    {{.number = 1, .holds = &kCoremlLayer}, {.number = 2}}};
constexpr WireForm kCoremlNetwork{.fields = kCoremlNetworkFields};
constexpr std::array<Field, 3> kCoremlFormFields = {{{.number = 2, .holds = &kCoremlDescription},
                                                     {.number = 403, .holds = &kCoremlNetwork},
                                                     {.number = 500, .holds = &kCoremlNetwork}}};
constexpr WireForm kCoreml{.fields = kCoremlFormFields};

}  // namespace

const WireForm kTensorflowGraphForm = kTensorflowGraph;
const WireForm kTensorflowMetaGraphForm = kTensorflowMetaGraph;
const WireForm kSavedModelForm = kSavedModel;
const WireForm kObjectGraphForm = kObjectGraph;
const WireForm kCaffeForm = kCaffe;
const WireForm kCoremlForm = kCoreml;

Result<void> check_parts(std::span<const std::byte> file, const WireForm& form) {
  constexpr std::size_t kMostParts = 20 * graph::kMaxNodes;
  if (count_fields(file, form, kMostParts) == kMostParts)
    return fail(ErrorCode::kResourceExhausted, "the file has more parts than any network");
  return {};
}

}  // namespace visavis::modelkit
