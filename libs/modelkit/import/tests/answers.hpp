#pragma once

/// Networks whose answers other software gave: tests/data/FORMAT/answers.json, made by
/// tests/data/make_FORMAT_samples.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

namespace visavis::modelkit::testing {

inline std::string samples(const std::string& format) {
  return std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/tests/data/" + format + "/";
}

inline nlohmann::json answers(const std::string& format) {
  return nlohmann::json::parse(std::ifstream(samples(format) + "answers.json"));
}

/// What is known of one of its networks.
inline nlohmann::json asked(const std::string& format, const std::string& net) {
  const nlohmann::json all = answers(format);
  for (const auto& each : all["cases"])
    if (each["net"] == net) return each;
  ADD_FAILURE() << net;
  return {};
}

inline std::vector<Part> parts_of(const std::string& format, const std::string& file) {
  auto parts = read_parts(samples(format) + file);
  EXPECT_TRUE(parts) << file;
  return parts ? *std::move(parts) : std::vector<Part>{};
}

/// The answers in the order of the model's outputs.
inline Result<std::vector<runtime::Tensor>> ask(const runtime::Engine& engine,
                                                const std::vector<std::byte>& onnx,
                                                const nlohmann::json& asked) {
  VISAVIS_TRY(model, engine.load(onnx, {}));
  VISAVIS_TRY(session, model->session());
  const auto input = asked["input"].get<std::vector<float>>();
  const auto shape = asked["shape"].get<std::vector<std::int64_t>>();
  const runtime::TensorView view = runtime::view_of(input, shape);
  return session->run({&view, 1});
}

/// Not every engine has every operator; the reference engine has.
inline bool lacks_an_operator(const runtime::Engine& engine, const std::vector<std::byte>& onnx,
                              const nlohmann::json& asked) {
  const auto tensors = ask(engine, onnx, asked);
  return !tensors && tensors.error().code == ErrorCode::kUnsupported &&
         engine.name() != "reference";
}

/// The largest difference of any number, in parts of the output's largest if that is above 1;
/// infinite for other outputs or shapes, and for an error.
inline double distance(const runtime::Engine& engine, const std::vector<std::byte>& onnx,
                       const nlohmann::json& asked) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto tensors = ask(engine, onnx, asked);
  if (!tensors || tensors->size() != asked["outputs"].size()) return kInfinity;
  double most = 0;
  for (std::size_t i = 0; i < tensors->size(); ++i) {
    const auto& expected = asked["outputs"][i];
    if ((*tensors)[i].shape != expected["shape"].get<std::vector<std::int64_t>>()) return kInfinity;
    const auto values = expected["values"].get<std::vector<double>>();
    const auto found = (*tensors)[i].floats();
    double largest = 1;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    for (std::size_t k = 0; k < values.size(); ++k) {
      const double off = std::abs(static_cast<double>(found[k]) - values[k]) / largest;
      most = tests::farther(most, off);
    }
  }
  return most;
}

/// The same network with one spot of one part written otherwise.
inline std::vector<Part> changed(std::vector<Part> parts, std::size_t part, const std::string& from,
                                 const std::string& to) {
  auto& bytes = parts[part].bytes;
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  bytes.assign(begin, begin + text.size());
  return parts;
}

}  // namespace visavis::modelkit::testing
