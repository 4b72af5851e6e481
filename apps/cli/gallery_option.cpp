#include "gallery_option.hpp"

namespace visavis::cli {

CLI::Option* add_gallery(CLI::App& verb, usecases::GalleryPlace& gallery, const std::string& what) {
  CLI::Option* option = verb.add_option("--gallery", gallery.folder, what)->type_name("DIR");
  verb.add_option("--key-file", gallery.key_file,
                  "The key of an encrypted gallery; one that is made with it is encrypted")
      ->type_name("FILE");
  return option;
}

void add_gallery_or_word(CLI::App& verb, usecases::GalleryPlace& gallery) {
  CLI::Option* named = add_gallery(verb, gallery, "The gallery's folder");
  verb.add_option("GALLERY", gallery.folder, "The same, without the option's name")
      ->excludes(named);
}

}  // namespace visavis::cli
