#pragma once

/// How every verb is told of a gallery.

#include <CLI/CLI.hpp>
#include <string>
#include <visavis/usecases/gallery_place.hpp>

namespace visavis::cli {

/// Adds --gallery and --key-file. @return the first of them
CLI::Option* add_gallery(CLI::App& verb, usecases::GalleryPlace& gallery, const std::string& what);

/// The same for a verb whose one word is the gallery.
void add_gallery_or_word(CLI::App& verb, usecases::GalleryPlace& gallery);

}  // namespace visavis::cli
