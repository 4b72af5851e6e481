#include "visavis/embed/embedder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/models/manifest.hpp"
#include "visavis/models/network.hpp"
#include "visavis/models/prepare.hpp"
#include "visavis/runtime/engine.hpp"
#include "visavis/vocab/embedding.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::embed {
namespace {

auto mismatch(const char* why) { return fail(ErrorCode::kModelMismatch, why); }

bool fits(std::int64_t declared, int expected) { return declared < 0 || declared == expected; }

Result<void> check(const models::Network& network) {
  const models::Manifest& manifest = network.manifest;
  const models::Preparation& preparation = manifest.preparation;
  if (manifest.role != models::Role::kRecogniser || manifest.dimension < 1)
    return mismatch("the model is no recogniser");
  if (network.parts.size() != 1) return mismatch("a recogniser is one network");
  if (preparation.width < 1 || preparation.width != preparation.height)
    return mismatch("a recogniser takes square chips");
  const runtime::Model& model = *network.parts.begin()->second;
  if (model.inputs().size() != 1 || model.outputs().size() != 1)
    return mismatch("a recogniser's network has one input and one output");
  const std::vector<std::int64_t>& shape = model.inputs()[0].shape;
  if (shape.size() != 4 || !fits(shape[1], models::channels(preparation)) ||
      !fits(shape[2], preparation.height) || !fits(shape[3], preparation.width))
    return mismatch("the network's input does not fit the manifest's preparation");
  return {};
}

}  // namespace

struct Embedder::Impl {
  std::shared_ptr<const models::Network> network;
  std::unique_ptr<runtime::Session> session;
  EmbedderOptions options;
  ModelId id{};
  std::size_t fixed_batch = 0;  ///< Of a network that takes no other; 0: any.
  std::vector<float> input;

  [[nodiscard]] const models::Preparation& preparation() const {
    return network->manifest.preparation;
  }
  [[nodiscard]] std::size_t side() const { return static_cast<std::size_t>(preparation().width); }
  [[nodiscard]] std::size_t dimension() const {
    return static_cast<std::size_t>(network->manifest.dimension);
  }
  [[nodiscard]] std::size_t image_floats() const {
    return static_cast<std::size_t>(models::channels(preparation())) * side() * side();
  }
  /// Rows of the network's input that one chip takes.
  [[nodiscard]] std::size_t rows_per_chip() const { return options.flip ? 2 : 1; }

  /// How many of `left` rows go into the next forward pass.
  [[nodiscard]] std::size_t next_batch(std::size_t left) const {
    if (fixed_batch > 0) return std::min(left, fixed_batch);
    return std::min(std::bit_floor(left), static_cast<std::size_t>(options.max_batch));
  }

  void fill_row(ImageView chip, bool mirrored, std::span<float> out);
  Result<void> run(std::size_t rows, std::vector<float>& out);
  Result<std::vector<float>> run_all(std::span<const ImageView> chips);
};

void Embedder::Impl::fill_row(ImageView chip, bool mirrored, std::span<float> out) {
  models::prepare(chip, preparation(), out);
  if (!mirrored) return;
  for (std::size_t row = 0; row < out.size(); row += side())
    std::ranges::reverse(out.subspan(row, side()));
}

/// Runs the filled input and appends the vectors of its first `rows` rows.
Result<void> Embedder::Impl::run(std::size_t rows, std::vector<float>& out) {
  const std::size_t batch = input.size() / image_floats();
  const auto length = static_cast<std::int64_t>(side());
  const std::array<std::int64_t, 4> shape{static_cast<std::int64_t>(batch),
                                          models::channels(preparation()), length, length};
  const std::array inputs{runtime::view_of(input, shape)};
  VISAVIS_TRY(outputs, session->run(inputs));
  // Only the count is checked: some networks answer a batch of B with [1, B · dimension].
  if (outputs.size() != 1 || outputs[0].type != runtime::ElementType::kFloat32 ||
      outputs[0].floats().size() != batch * dimension())
    return mismatch("the network's output has not the manifest's dimension");
  const std::span<const float> values = outputs[0].floats().first(rows * dimension());
  out.insert(out.end(), values.begin(), values.end());
  return {};
}

/// The raw vector of every chip, each followed by its mirror image's if asked for.
Result<std::vector<float>> Embedder::Impl::run_all(std::span<const ImageView> chips) {
  const std::size_t rows = chips.size() * rows_per_chip();
  const std::size_t floats = image_floats();
  std::vector<float> raw;
  raw.reserve(rows * dimension());
  for (std::size_t done = 0; done < rows;) {
    const std::size_t batch = next_batch(rows - done);
    input.assign(std::max(batch, fixed_batch) * floats, 0);
    for (std::size_t i = 0; i < batch; ++i) {
      const std::size_t row = done + i;
      fill_row(chips[row / rows_per_chip()], row % rows_per_chip() == 1,
               std::span(input).subspan(i * floats, floats));
    }
    VISAVIS_CHECK(run(batch, raw));
    done += batch;
  }
  return raw;
}

/// Averages the rows of one chip and makes them a unit vector.
Result<Embedding> to_embedding(std::span<const float> rows, std::size_t dimension, ModelId id) {
  Embedding embedding{.model = id, .values = std::vector<float>(dimension), .norm = 0};
  const std::size_t row_count = rows.size() / dimension;
  const auto count = static_cast<float>(row_count);
  double squares = 0;
  for (std::size_t k = 0; k < dimension; ++k) {
    float sum = 0;
    for (std::size_t at = k; at < rows.size(); at += dimension) sum += rows[at];
    embedding.values[k] = sum / count;
    squares += static_cast<double>(embedding.values[k]) * embedding.values[k];
  }
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm) || norm == 0)
    return mismatch("the network's output is no vector with a direction");
  for (float& value : embedding.values) value = static_cast<float>(value / norm);
  embedding.norm = static_cast<float>(norm);
  return embedding;
}

Result<Embedder> Embedder::open(std::shared_ptr<const models::Network> network,
                                const EmbedderOptions& options) {
  if (options.max_batch < 1)
    return fail(ErrorCode::kInvalidArgument, "the embedder's batch must be at least 1");
  VISAVIS_CHECK(check(*network));
  const runtime::Model& model = *network->parts.begin()->second;
  const std::int64_t batch = model.inputs()[0].shape[0];
  VISAVIS_TRY(session, model.session());
  const ModelId id = models::model_id(network->manifest, options.flip);
  return Embedder(
      std::make_unique<Impl>(Impl{.network = std::move(network),
                                  .session = std::move(session),
                                  .options = options,
                                  .id = id,
                                  .fixed_batch = batch > 0 ? static_cast<std::size_t>(batch) : 0,
                                  .input = {}}));
}

Embedder::Embedder(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

Result<std::vector<Embedding>> Embedder::embed(std::span<const ImageView> chips) {
  const int side = chip_side();
  for (const ImageView& chip : chips)
    if (chip.width != side || chip.height != side)
      return fail(ErrorCode::kInvalidArgument,
                  "the recogniser takes chips of " + std::to_string(side) + " pixels");
  VISAVIS_TRY(raw, impl_->run_all(chips));
  const std::size_t floats = impl_->rows_per_chip() * impl_->dimension();
  std::vector<Embedding> embeddings;
  embeddings.reserve(chips.size());
  for (std::size_t i = 0; i < chips.size(); ++i) {
    VISAVIS_TRY(embedding, to_embedding(std::span(raw).subspan(i * floats, floats),
                                        impl_->dimension(), impl_->id));
    embeddings.push_back(std::move(embedding));
  }
  return embeddings;
}

int Embedder::chip_side() const noexcept { return impl_->preparation().width; }
int Embedder::dimension() const noexcept { return impl_->network->manifest.dimension; }
ModelId Embedder::model() const noexcept { return impl_->id; }

}  // namespace visavis::embed
