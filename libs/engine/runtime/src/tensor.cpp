#include "tensor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {

std::size_t size_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::kFloat32:
      return 4;
    case ElementType::kFloat16:
      return 2;
    case ElementType::kUint8:
    case ElementType::kInt8:
      return 1;
    case ElementType::kInt64:
      return 8;
  }
  return 0;
}

std::string_view to_string(ElementType type) noexcept {
  switch (type) {
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kFloat16:
      return "float16";
    case ElementType::kUint8:
      return "uint8";
    case ElementType::kInt8:
      return "int8";
    case ElementType::kInt64:
      return "int64";
  }
  return "";
}

std::string shape_text(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t dimension : shape) {
    if (!text.empty()) text += 'x';
    text += dimension < 0 ? "?" : std::to_string(dimension);
  }
  return text;
}

Result<std::int64_t> count_elements(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) {
    const bool fits = dimension >= 0 && (dimension == 0 || count <= kMost / dimension);
    if (!fits)
      return fail(ErrorCode::kInvalidArgument,
                  "the shape " + shape_text(shape) + " is too large or not fixed");
    count *= dimension;
  }
  return count;
}

namespace {

bool fits(std::span<const std::int64_t> wanted, std::span<const std::int64_t> given) {
  return std::ranges::equal(wanted, given, [](std::int64_t want, std::int64_t have) {
    return want == have || (want < 0 && have >= 0);
  });
}

Result<void> check_input(const TensorSpec& spec, const TensorView& input) {
  const std::string name = "input \"" + spec.name + "\"";
  if (input.type != spec.type)
    return fail(ErrorCode::kInvalidArgument, name + " is " + std::string(to_string(spec.type)) +
                                                 ", not " + std::string(to_string(input.type)));
  if (!fits(spec.shape, input.shape))
    return fail(ErrorCode::kInvalidArgument, name + " takes the shape " + shape_text(spec.shape) +
                                                 ", not " + shape_text(input.shape));
  VISAVIS_TRY(count, count_elements(input.shape));
  if (count == 0) return fail(ErrorCode::kInvalidArgument, name + " is empty");
  if (input.bytes.size() != static_cast<std::size_t>(count) * size_of(input.type))
    return fail(ErrorCode::kInvalidArgument, name + " has another number of bytes than its shape");
  return {};
}

}  // namespace

Result<void> check_inputs(std::span<const TensorSpec> specs, std::span<const TensorView> inputs) {
  if (specs.size() != inputs.size())
    return fail(ErrorCode::kInvalidArgument, "the number of inputs is " +
                                                 std::to_string(inputs.size()) + " instead of " +
                                                 std::to_string(specs.size()));
  for (std::size_t i = 0; i < specs.size(); ++i) VISAVIS_CHECK(check_input(specs[i], inputs[i]));
  return {};
}

Result<void> check_threads(const LoadOptions& options) {
  const auto sane = [](int count) { return count >= 1 && count <= 1024; };
  if (sane(options.threads) && sane(options.streams)) return {};
  return fail(ErrorCode::kInvalidArgument, "threads and streams are between 1 and 1024");
}

std::string first_sentence(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  text.remove_prefix(begin);
  text = text.substr(0, text.find_first_of("\r\n"));
  constexpr std::size_t kLongest = 300;
  text = text.substr(0, kLongest);
  const std::size_t end = text.find_last_not_of(kBlank);
  return std::string(text.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

}  // namespace visavis::runtime
