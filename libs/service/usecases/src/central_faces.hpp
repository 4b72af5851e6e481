#pragma once

/// What measuring knows of photos: the face nearest the centre of each, from the cache or made.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>
#include <visavis/degrade/degrade.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// One place for each photo: empty where no embedding was made.
struct CentralFaces {
  std::vector<std::optional<pipeline::FaceRecord>> faces;
  std::vector<std::string> without_face;
  std::vector<Problem> errors;
  std::size_t from_cache = 0;  ///< Photos that an earlier run looked at.
};

/// @param recipe  how every photo is made worse before it is looked at; without ways: not at all.
/// The file's content decides which way a photo goes, not its name.
/// @pre the bench is ready and has a recogniser
[[nodiscard]] CentralFaces central_faces(Workbench::Impl& bench, const std::vector<Photo>& photos,
                                         const Progress& progress,
                                         const degrade::Recipe& recipe = {});

}  // namespace visavis::usecases
