/// Whole models: what lies in the model store, on noise and on photographs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/image.hpp>

#include "cases.hpp"
#include "model_file.hpp"

namespace visavis::runtime::conformance {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

fs::path store_folder() {
  if (const auto cache = environment("VISAVIS_CACHE")) return fs::path(*cache) / "models/files";
  return fs::path(environment("HOME").value_or("/")) / ".cache/visavis/models/files";
}

fs::path data_folder() {
  if (const auto data = environment("VISAVIS_DATA")) return *data;
  return fs::path(VISAVIS_SOURCE_DIR) / "../shared/data";
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// Free dimensions: a batch of two, and a size that leaves a remainder in every pooling step.
graph::Shape concrete(const std::vector<std::int64_t>& declared) {
  constexpr std::int64_t kFree[] = {2, 3, 61, 84};
  graph::Shape shape = declared;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0) shape[i] = kFree[std::min<std::size_t>(i, 3)];
  }
  return shape;
}

Tensor tensor_of(const graph::Shape& shape, const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {.type = ElementType::kFloat32, .shape = shape, .bytes = {bytes.begin(), bytes.end()}};
}

std::size_t product(const graph::Shape& shape) {
  std::size_t count = 1;
  for (const std::int64_t dimension : shape) count *= static_cast<std::size_t>(dimension);
  return count;
}

/// The first photographs of LFW in the order of their names; none where the data set is not there.
std::vector<Image> photographs() {
#ifdef NDEBUG
  constexpr std::size_t kEnough = 2;
#else
  // Unoptimised and with sanitizers the reference takes minutes; those builds look for other
  // faults.
  constexpr std::size_t kEnough = 0;
#endif
  std::vector<fs::path> people;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data_folder() / "lfw" / "images", error))
    people.push_back(entry.path());
  std::ranges::sort(people);
  std::vector<Image> photos;
  for (const fs::path& person : people | std::views::take(kEnough)) {
    for (const fs::path& file : files_in(person) | std::views::take(1)) {
      const auto bytes = read_file(file, 1U << 20U);
      if (!bytes) continue;
      Result<image::Decoded> decoded = image::decode(*bytes);
      if (decoded) photos.push_back(std::move(decoded->image));
    }
  }
  return photos;
}

/// The middle of the photograph, which is the face, as planar floats around zero; each of a batch
/// a little further out. Networks with one channel see the first.
std::vector<float> chips(const Image& photo, const graph::Shape& shape) {
  const auto width = static_cast<int>(shape[3]);
  const auto height = static_cast<int>(shape[2]);
  const std::size_t plane = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<float> values;
  std::vector<float> planes(3 * plane);
  for (int i = 0; i < static_cast<int>(shape[0]); ++i) {
    const int margin = std::max(0, photo.width() / 4 - 10 * i);
    const image::Window window{.x = margin,
                               .y = margin,
                               .width = photo.width() - 2 * margin,
                               .height = photo.height() - 2 * margin};
    image::resize_area_planar(photo.view(), window, width, height, 127.5F, 1 / 128.F, planes.data(),
                              width, static_cast<std::ptrdiff_t>(plane));
    values.insert(values.end(), planes.begin(),
                  planes.begin() + static_cast<std::ptrdiff_t>(plane) * shape[1]);
  }
  return values;
}

/// Every model here takes one picture: [batch, channels, height, width].
bool takes_pictures(const graph::Graph& graph) {
  return graph.inputs.size() == 1 && graph.inputs[0].shape.size() == 4 &&
         graph.inputs[0].type == graph::ElementType::kFloat32;
}

}  // namespace

std::vector<Case> model_cases() {
  const std::vector<Image> photos = photographs();
  std::vector<Case> cases;
  for (const fs::path& file : files_in(store_folder())) {
    const auto bytes = read_file(file, 1U << 30U);
    if (!bytes) continue;
    const Result<graph::Graph> graph = graph::read_onnx(*bytes);
    if (!graph || !takes_pictures(*graph)) continue;  // an original in another format
    const graph::Shape shape = concrete(graph->inputs[0].shape);
    const std::string name = graph->name + " (" + file.filename().string().substr(0, 8) + ")";
    const bool in_steps = is_quantised(*graph);
    cases.push_back({.name = name + " on noise",
                     .onnx = *bytes,
                     .inputs = {tensor_of(shape, noise(product(shape), 5))},
                     .in_steps = in_steps});
    if (shape[1] != 3 && shape[1] != 1) continue;
    for (const Image& photo : photos)
      cases.push_back({.name = name + " on a photograph",
                       .onnx = *bytes,
                       .inputs = {tensor_of(shape, chips(photo, shape))},
                       .in_steps = in_steps});
  }
  return cases;
}

std::vector<TensorView> views_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorView> views;
  views.reserve(tensors.size());
  for (const Tensor& tensor : tensors)
    views.push_back({.type = tensor.type, .shape = tensor.shape, .bytes = tensor.bytes});
  return views;
}

std::vector<float> noise(std::size_t count, std::uint32_t seed) {
  std::vector<float> values(count);
  std::uint32_t state = seed * 2'654'435'761U + 1U;
  for (float& value : values) {
    state = state * 1'664'525U + 1'013'904'223U;  // Numerical Recipes, 2nd ed., section 7.1
    value = static_cast<float>(state >> 8U) / 8'388'608.F - 1.F;
  }
  return values;
}

}  // namespace visavis::runtime::conformance
