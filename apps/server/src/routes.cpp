#include <array>

#include "answers.hpp"
#include "router.hpp"

namespace visavis::server {
namespace {

constexpr std::array kRoutes{
    Route{"GET", "/health/live", Guard::kOpen, Body::kNone, answers::live},
    Route{"GET", "/health/ready", Guard::kOpen, Body::kNone, answers::ready},
    Route{"GET", "/metrics", Guard::kOpen, Body::kNone, answers::metrics},
    Route{"GET", "/openapi.json", Guard::kOpen, Body::kNone, answers::openapi},
    Route{"GET", "/v1/models", Guard::kRead, Body::kNone, answers::models},
    Route{"GET", "/v1/engines", Guard::kRead, Body::kNone, answers::engines},
    Route{"GET", "/v1/session", Guard::kRead, Body::kNone, answers::session},
    Route{"POST", "/v1/detect", Guard::kRead, Body::kImages, answers::detect},
    Route{"POST", "/v1/embed", Guard::kRead, Body::kImages, answers::embed},
    Route{"POST", "/v1/verify", Guard::kRead, Body::kImages, answers::verify},
    Route{"GET", "/v1/galleries", Guard::kRead, Body::kNone, answers::list_galleries},
    Route{"POST", "/v1/galleries", Guard::kAdmin, Body::kSmall, answers::make_gallery},
    Route{"GET", "/v1/galleries/{gallery}", Guard::kRead, Body::kNone, answers::show_gallery},
    Route{"PATCH", "/v1/galleries/{gallery}", Guard::kAdmin, Body::kSmall, answers::change_gallery},
    Route{"DELETE", "/v1/galleries/{gallery}", Guard::kAdmin, Body::kNone, answers::remove_gallery},
    Route{"GET", "/v1/galleries/{gallery}/export", Guard::kAdmin, Body::kNone,
          answers::export_gallery},
    Route{"GET", "/v1/galleries/{gallery}/persons", Guard::kRead, Body::kNone,
          answers::list_persons},
    Route{"POST", "/v1/galleries/{gallery}/persons", Guard::kEnrol, Body::kSmall,
          answers::make_person},
    Route{"GET", "/v1/galleries/{gallery}/persons/{person}", Guard::kRead, Body::kNone,
          answers::show_person},
    Route{"PATCH", "/v1/galleries/{gallery}/persons/{person}", Guard::kEnrol, Body::kSmall,
          answers::change_person},
    Route{"DELETE", "/v1/galleries/{gallery}/persons/{person}", Guard::kEnrol, Body::kNone,
          answers::remove_person},
    Route{"GET", "/v1/galleries/{gallery}/persons/{person}/export", Guard::kAdmin, Body::kNone,
          answers::export_person},
    Route{"GET", "/v1/galleries/{gallery}/persons/{person}/faces", Guard::kRead, Body::kNone,
          answers::list_faces},
    Route{"POST", "/v1/galleries/{gallery}/persons/{person}/faces", Guard::kEnrol, Body::kImages,
          answers::enrol_faces},
    Route{"GET", "/v1/galleries/{gallery}/persons/{person}/faces/{face}", Guard::kRead, Body::kNone,
          answers::show_face},
    Route{"DELETE", "/v1/galleries/{gallery}/persons/{person}/faces/{face}", Guard::kEnrol,
          Body::kNone, answers::remove_face},
    Route{"GET", "/v1/galleries/{gallery}/persons/{person}/faces/{face}/image", Guard::kRead,
          Body::kNone, answers::face_image},
    Route{"POST", "/v1/galleries/{gallery}/identify", Guard::kRead, Body::kImages,
          answers::identify},
    Route{"POST", "/v1/galleries/{gallery}/verify/{person}", Guard::kRead, Body::kImages,
          answers::verify_person},
    Route{"POST", "/v1/galleries/{gallery}/import", Guard::kEnrol, Body::kImport,
          answers::import_photos, answers::receive_archive},
    Route{"GET", "/v1/jobs", Guard::kRead, Body::kNone, answers::list_jobs},
    Route{"GET", "/v1/jobs/{id}", Guard::kRead, Body::kNone, answers::show_job},
    Route{"DELETE", "/v1/jobs/{id}", Guard::kEnrol, Body::kNone, answers::end_job},
    Route{"GET", "/v1/keys", Guard::kAdmin, Body::kNone, answers::list_keys},
    Route{"POST", "/v1/keys", Guard::kAdmin, Body::kSmall, answers::make_key},
    Route{"DELETE", "/v1/keys", Guard::kAdmin, Body::kNone, answers::remove_key},
    Route{"GET", "/v1/audit", Guard::kAdmin, Body::kNone, answers::audit},
    Route{"POST", "/faceRegister", Guard::kFaceAll, Body::kImages, answers::faceall_register},
    Route{"POST", "/faceRegisterBatch", Guard::kFaceAll, Body::kSmall,
          answers::faceall_register_batch},
    Route{"POST", "/faceRetrieve", Guard::kFaceAll, Body::kImages, answers::faceall_retrieve},
    Route{"GET", "/static/uploadImages/{photo}", Guard::kFaceAll, Body::kNone,
          answers::faceall_photo},
    Route{"GET", "/faceRegister.html", Guard::kFaceAll, Body::kNone,
          answers::faceall_register_page},
    Route{"GET", "/faceRetrieve.html", Guard::kFaceAll, Body::kNone,
          answers::faceall_retrieve_page},
};

}  // namespace

std::span<const Route> routes() { return kRoutes; }

}  // namespace visavis::server
