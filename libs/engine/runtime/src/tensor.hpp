#pragma once

/// What every engine needs to know about tensors, whoever runs them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {

/// "float32", as error messages say it.
[[nodiscard]] std::string_view to_string(ElementType type) noexcept;

/// "1x3x112x112", with "?" for a dimension chosen at run time.
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

/// The product of the dimensions.
/// @return kInvalidArgument if a dimension is negative or the product exceeds 2^40.
[[nodiscard]] Result<std::int64_t> count_elements(std::span<const std::int64_t> shape);

/// Whether `inputs` are what `specs` ask for: number, types, shapes and as many bytes as the shapes
/// say.
/// @return kInvalidArgument with a sentence that names the first input that does not fit.
[[nodiscard]] Result<void> check_inputs(std::span<const TensorSpec> specs,
                                        std::span<const TensorView> inputs);

/// @return kInvalidArgument unless both numbers of threads are between 1 and 1024.
[[nodiscard]] Result<void> check_threads(const LoadOptions& options);

/// `text` up to its first line end, trimmed: foreign exceptions run over several lines.
[[nodiscard]] std::string first_sentence(std::string_view text);

}  // namespace visavis::runtime
