#include "visavis/pipeline/recogniser.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "visavis/align/align.hpp"
#include "visavis/core/result.hpp"
#include "visavis/embed/embedder.hpp"
#include "visavis/embed/fuse.hpp"
#include "visavis/models/manifest.hpp"
#include "visavis/models/network.hpp"
#include "visavis/vocab/chip.hpp"
#include "visavis/vocab/embedding.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::pipeline {
namespace {

struct Form {
  models::AlignmentTemplate alignment = models::AlignmentTemplate::kNone;
  int side = 0;
  bool operator==(const Form&) const = default;
};

struct Member {
  embed::Embedder embedder;
  std::size_t form = 0;
};

Result<Chip> cut(ImageView image, const Face& face, const Form& form) {
  if (form.alignment == models::AlignmentTemplate::kFaceNet)
    return align::align_facenet(image, face.box, form.side);
  if (form.alignment == models::AlignmentTemplate::kDlib)
    return align::align_dlib(image, face.landmarks, form.side);
  return align::align_arcface(image, face.landmarks, form.side);
}

}  // namespace

struct Recogniser::Impl {
  ModelId id{};
  int dimension = 0;
  std::vector<Form> forms;
  std::vector<Member> members;
  std::vector<double> weights;  ///< Of a fused recogniser's members, else none.

  Result<void> add(std::shared_ptr<const models::Network> network,
                   const embed::EmbedderOptions& options);
};

Result<void> Recogniser::Impl::add(std::shared_ptr<const models::Network> network,
                                   const embed::EmbedderOptions& options) {
  Form form{.alignment = network->manifest.alignment};
  if (form.alignment == models::AlignmentTemplate::kNone)
    return fail(ErrorCode::kModelMismatch, "the recogniser's manifest names no alignment");
  VISAVIS_TRY(embedder, embed::Embedder::open(std::move(network), options));
  form.side = embedder.chip_side();
  const auto known = std::ranges::find(forms, form);
  members.push_back(
      {.embedder = std::move(embedder), .form = static_cast<std::size_t>(known - forms.begin())});
  if (known == forms.end()) forms.push_back(form);
  return {};
}

Result<Recogniser> Recogniser::open(std::shared_ptr<const models::Network> network,
                                    const embed::EmbedderOptions& options) {
  auto impl = std::make_unique<Impl>();
  const models::Manifest& manifest = network->manifest;
  impl->id = models::model_id(manifest, options.flip);
  impl->dimension = manifest.dimension;
  if (!manifest.fusion) {
    VISAVIS_CHECK(impl->add(std::move(network), options));
    return Recogniser(std::move(impl));
  }
  for (std::size_t i = 0; i < network->members.size(); ++i) {
    VISAVIS_CHECK(impl->add(network->members[i], options));
    impl->weights.push_back(manifest.fusion->members[i].weight);
  }
  return Recogniser(std::move(impl));
}

Recogniser::Recogniser(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Recogniser::Recogniser(Recogniser&&) noexcept = default;
Recogniser& Recogniser::operator=(Recogniser&&) noexcept = default;
Recogniser::~Recogniser() = default;

Result<Chips> Recogniser::cut(ImageView image, const Face& face) const {
  Chips chips;
  for (const Form& form : impl_->forms) {
    VISAVIS_TRY(chip, pipeline::cut(image, face, form));
    chips.push_back(std::move(chip));
  }
  return chips;
}

Result<std::vector<Embedding>> Recogniser::embed(std::span<const Chips> faces) {
  std::vector<std::vector<Embedding>> by_member;
  for (Member& member : impl_->members) {
    std::vector<ImageView> views;
    for (const Chips& chips : faces) views.push_back(chips[member.form].image.view());
    VISAVIS_TRY(embeddings, member.embedder.embed(views));
    by_member.push_back(std::move(embeddings));
  }
  if (impl_->weights.empty()) return std::move(by_member[0]);
  std::vector<Embedding> fused;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    std::vector<Embedding> parts;
    for (std::vector<Embedding>& own : by_member) parts.push_back(std::move(own[i]));
    fused.push_back(embed::fuse(parts, impl_->weights, impl_->id));
  }
  return fused;
}

std::size_t Recogniser::chips_per_face() const noexcept { return impl_->forms.size(); }
int Recogniser::chip_side() const noexcept { return impl_->forms[0].side; }
int Recogniser::dimension() const noexcept { return impl_->dimension; }
ModelId Recogniser::model() const noexcept { return impl_->id; }

}  // namespace visavis::pipeline
