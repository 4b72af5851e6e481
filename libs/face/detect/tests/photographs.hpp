#pragma once

/// The photographs that tests/golden/mtcnn.json and ultraface.json name, and the models, where this
/// machine has them.

#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::detect {

/// A value, or why this machine lacks it.
template <class T>
using Found = std::expected<T, std::string>;

/// tests/golden/<name>.json, parsed.
[[nodiscard]] const nlohmann::json& golden(const std::string& name = "mtcnn");

/// The picture an entry names, decoded, checked against its hashes, with its operations applied.
[[nodiscard]] Found<Image> picture_of(const nlohmann::json& entry);

/// ["crop", x, y, width, height] and so on, as make_mtcnn_golden.py describes them.
[[nodiscard]] Image apply(Image image, const nlohmann::json& operations);

/// The formula of make_mtcnn_golden.py.
[[nodiscard]] Image pattern(int width, int height);

/// A model of this checkout's manifests, one thread, f32. Loaded once for each engine.
[[nodiscard]] Found<std::shared_ptr<const models::Network>> network(const std::string& id,
                                                                    const std::string& engine);

}  // namespace visavis::detect
