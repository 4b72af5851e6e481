#pragma once

/// Persons and their faces, as several documents hold them.

#include <string>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/galleries.hpp>

#include "document.hpp"

namespace visavis::wire {

[[nodiscard]] Json face_facts(const gallery::EnrolledFace& face);
[[nodiscard]] Json details_of(const gallery::PersonDetails& details);
/// A "gallery-list" that is not closed.
[[nodiscard]] Json persons_of(const usecases::PersonList& list);

/// The document's text, with no errors to tell.
[[nodiscard]] std::string closed(Json& json);

}  // namespace visavis::wire
