#pragma once

/// What the routes do, by what they are about. Every function is one route's.

#include <cstddef>
#include <optional>
#include <span>

#include "router.hpp"

namespace visavis::server::answers {

// operations
Response live(Call& call);
Response ready(Call& call);
Response metrics(Call& call);
Response openapi(Call& call);
Response models(Call& call);
Response engines(Call& call);
Response session(Call& call);
// photos
Response detect(Call& call);
Response embed(Call& call);
Response verify(Call& call);
// galleries
Response list_galleries(Call& call);
Response make_gallery(Call& call);
Response show_gallery(Call& call);
Response change_gallery(Call& call);
Response remove_gallery(Call& call);
Response export_gallery(Call& call);
Response identify(Call& call);
Response verify_person(Call& call);
// persons
Response list_persons(Call& call);
Response make_person(Call& call);
Response show_person(Call& call);
Response change_person(Call& call);
Response remove_person(Call& call);
Response export_person(Call& call);
Response list_faces(Call& call);
Response enrol_faces(Call& call);
Response show_face(Call& call);
Response remove_face(Call& call);
Response face_image(Call& call);
// jobs
std::optional<Response> receive_archive(Call& call, std::span<const std::byte> bytes);
Response import_photos(Call& call);
Response list_jobs(Call& call);
Response show_job(Call& call);
Response end_job(Call& call);
// access
Response list_keys(Call& call);
Response make_key(Call& call);
Response remove_key(Call& call);
Response audit(Call& call);

// FaceAll's façade
Response faceall_register(Call& call);
Response faceall_register_batch(Call& call);
Response faceall_retrieve(Call& call);
Response faceall_photo(Call& call);
Response faceall_register_page(Call& call);
Response faceall_retrieve_page(Call& call);

}  // namespace visavis::server::answers
