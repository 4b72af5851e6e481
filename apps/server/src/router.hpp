#pragma once

/// From a method and a path to a function; what a request may do is decided here.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/access/key_ring.hpp>
#include <visavis/jobs/job_queue.hpp>
#include <visavis/usecases/analyser.hpp>

#include "message.hpp"
#include "services.hpp"

namespace visavis::server {

/// Who asks.
struct Principal {
  std::string tenant{};
  std::string key{};  ///< Id; empty where no keys are asked for.
  access::Scope scope = access::Scope::kRead;
};

/// Counts among the uploads while it lives; see Services::uploads.
class UploadTurn {
 public:
  explicit UploadTurn(Services& services) : services_(services) { ++services_.uploads; }
  ~UploadTurn() { --services_.uploads; }
  UploadTurn(const UploadTurn&) = delete;
  UploadTurn& operator=(const UploadTurn&) = delete;

 private:
  Services& services_;
};

/// One request on its way through a route.
struct Call {
  Services& services;
  Request& request;
  Principal who{};
  std::vector<std::string> path{};  ///< What stands in the places of {…}, in their order.
  usecases::Deadline deadline{};
  std::optional<UploadTurn> turn{};          ///< Of a body that goes to the disk,
  std::optional<jobs::JobInput> uploaded{};  ///< which is here from its first piece on.

  [[nodiscard]] const std::string& gallery() const { return path[0]; }
  [[nodiscard]] const std::string& person() const { return path[1]; }
  [[nodiscard]] const std::string& face() const { return path[2]; }

  /// The one that the path names.
  [[nodiscard]] usecases::Outcome<usecases::OpenGallery> find_gallery() const {
    return services.shelf.find(who.tenant, gallery());
  }

  /// Notes who did what to whom. Nothing that failed before anything happened needs a note.
  void audit(std::string_view action, std::string_view outcome, std::string_view face = {},
             std::string_view person = {}) const;
};

/// How large a route's body may be.
enum class Body : std::uint8_t { kNone, kSmall, kImages, kImport };

/// Who may use a route. Each of the first three includes those before it.
enum class Guard : std::uint8_t {
  kRead,
  kEnrol,
  kAdmin,
  kOpen,     ///< Anybody, at any time; answered at once.
  kFaceAll,  ///< Anybody, where the façade is on; else there is no such route.
};

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< "/v1/galleries/{gallery}"
  Guard guard;
  Body body;
  Response (*answer)(Call& call);
  /// Takes a body that is an archive; see Admission.
  std::optional<Response> (*receive)(Call& call, std::span<const std::byte> bytes) = nullptr;
};

/// Every route, in the order of the contract.
[[nodiscard]] std::span<const Route> routes();

[[nodiscard]] HttpHandlers make_handlers(Services& services);

/// Tells the log that the audit log could not be written.
void note_unaudited(const Services& services, const std::string& request, const Error& error);

}  // namespace visavis::server
