#pragma once

/// The galleries of a server: one folder a tenant, one gallery in each folder below it.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/people.hpp>

namespace visavis::usecases {

/// How photos are enrolled unless a request says otherwise.
struct GallerySettings {
  std::string description{};
  float min_quality = 0.1F;  ///< In [0, 1].
  Keep keep = Keep::kNone;
  bool allow_duplicates = false;
};

struct GalleryFacts {
  std::string gallery{};
  GallerySettings settings{};
  gallery::Stats stats{};
};

/// A gallery that is open. Stays usable while it is held, also when it is being removed.
struct OpenGallery {
  std::shared_ptr<gallery::Gallery> people;
  GallerySettings settings{};
};

/// As a tenant: 1 to 63 of a-z, 0-9, '-' and '_', the first a letter or a digit.
[[nodiscard]] bool is_slug(std::string_view word) noexcept;

/// Thread-safe. Galleries are opened when they are first asked for and stay open.
class Shelf {
 public:
  /// @param key_file  of encrypted galleries; empty: new ones are plain
  explicit Shelf(std::filesystem::path root, std::filesystem::path key_file = {});
  ~Shelf();
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;

  /// In the order of the names.
  [[nodiscard]] Outcome<std::vector<GalleryFacts>> list(const std::string& tenant);
  /// @return kNotFound for one that is not there, kInput for a name that is no slug
  [[nodiscard]] Outcome<OpenGallery> find(const std::string& tenant, const std::string& name);
  [[nodiscard]] Outcome<GalleryFacts> facts(const std::string& tenant, const std::string& name);
  /// @return kInput with kInvalidArgument for settings or a name that cannot be, or for a name that
  /// is taken (see `is_there`)
  [[nodiscard]] Outcome<GalleryFacts> make(const std::string& tenant, const std::string& name,
                                           const GallerySettings& settings);
  [[nodiscard]] Outcome<GalleryFacts> change(const std::string& tenant, const std::string& name,
                                             const GallerySettings& settings);
  /// With all that is in it; files are overwritten before they go.
  [[nodiscard]] Outcome<void> remove(const std::string& tenant, const std::string& name);
  [[nodiscard]] bool is_there(const std::string& tenant, const std::string& name) const;

  /// Of everything that is open, without opening more: tenant, gallery, persons, faces.
  struct Size {
    std::string tenant{};
    std::string gallery{};
    std::size_t persons = 0;
    std::size_t faces = 0;
  };
  [[nodiscard]] std::vector<Size> sizes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] std::string_view to_string(Keep keep) noexcept;  ///< "none", "chips", "photos"
[[nodiscard]] std::optional<Keep> parse_keep(std::string_view word) noexcept;

}  // namespace visavis::usecases
