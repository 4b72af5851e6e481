#pragma once

/// JSON of the verbs that look after a gallery. Times are seconds since 1970.

#include <string>
#include <visavis/usecases/galleries.hpp>
#include <visavis/usecases/re_embed.hpp>

namespace visavis::wire {

[[nodiscard]] std::string to_json(const usecases::PersonList& list);
[[nodiscard]] std::string to_json(const gallery::PersonDetails& details);
[[nodiscard]] std::string to_json(const usecases::Export& exported);
[[nodiscard]] std::string to_json(const usecases::ArchivedGallery& archived);
[[nodiscard]] std::string to_json(const gallery::Imported& imported);
[[nodiscard]] std::string to_json(const usecases::Removed& removed);
[[nodiscard]] std::string to_json(const usecases::ReEmbedding& moved);
[[nodiscard]] std::string to_json(const gallery::Stats& stats);
[[nodiscard]] std::string to_json(const usecases::GalleryCheck& check);
[[nodiscard]] std::string to_json(const usecases::Compaction& compaction);
/// Where the key file is; the key is told to nobody.
[[nodiscard]] std::string new_key_to_json(const std::string& path);

}  // namespace visavis::wire
