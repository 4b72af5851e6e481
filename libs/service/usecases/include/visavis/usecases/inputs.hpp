#pragma once

/// From what somebody typed to the photos that are meant.

#include <filesystem>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>

namespace visavis::usecases {

struct Photo {
  std::string path{};  ///< As typed, or the typed folder and what was found below it.
  /// Below the typed folder; for a typed file its name. Outputs that go into a folder mirror it.
  std::filesystem::path inside{};

  /// The name of the folder that the photo lies in; empty if its path names none.
  [[nodiscard]] std::string parent() const;
};

/// Whether a name ends like a picture's: ".jpg", ".HEIC".
[[nodiscard]] bool has_picture_end(const std::filesystem::path& path);

struct Inputs {
  std::vector<Photo> photos{};
  std::vector<Problem> errors{};
};

/// Files as they are; folders recursively in byte order of the names. In a folder, a file is taken
/// if its name ends like a picture's or its first bytes are a picture's; links to folders, hidden
/// folders and a gallery's chips/ and photos/ are passed over. Names that are not UTF-8, folders
/// that cannot be read or that hold no photo, and paths at which there is nothing are errors.
[[nodiscard]] Inputs collect_photos(const std::vector<std::string>& paths);

}  // namespace visavis::usecases
