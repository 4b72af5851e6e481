#pragma once

/// `visavis serve`: the use cases over HTTP.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/usecases/analyser.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/places.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::server {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;            ///< 0: one that is free.
  std::filesystem::path certificate{};  ///< PEM; empty: no TLS.
  std::filesystem::path private_key{};  ///< PEM.
  std::filesystem::path data{};         ///< Galleries, keys, jobs, audit log.
  std::filesystem::path gallery_key{};  ///< Encrypts galleries; empty: they are plain.
  std::filesystem::path web{};          ///< The built web page; empty: none.
  /// Hosts that photos may be fetched from by URL: "a.example.org", "*.example.org", "*"; nothing:
  /// none are fetched.
  std::vector<std::string> allow_url{};
  bool faceall = false;           ///< FaceAll's calls, which ask for no keys.
  bool no_auth = false;           ///< Everybody may do everything; on loopback only.
  std::string tenant = "main";    ///< Of the first key, and of everybody without keys.
  double rate = 50;               ///< Requests a second of one key, in the long run.
  double burst = 100;             ///< Of one key at once.
  std::size_t max_requests = 64;  ///< At once.
  std::size_t max_connections = 1024;
  std::uint64_t max_image_bytes = 20ULL << 20U;
  std::uint64_t max_body_bytes = 512ULL << 20U;  ///< Of all requests that are being done.
  std::size_t max_images = 16;                   ///< In one request.
  std::uint64_t max_import_bytes = 2ULL << 30U;  ///< Of one archive, on the disk.
  std::chrono::seconds body_timeout{30};         ///< For a body, and a second more for each 64 KiB.
  std::chrono::seconds deadline{20};             ///< For a photo's turn.
  std::chrono::seconds grace{30};                ///< For what runs when the server is to stop.
  usecases::WorkbenchOptions workbench{};
  usecases::AnalyserOptions analyser{};
};

/// What the application around it is told.
struct ServerEvents {
  /// It listens; nothing is ready yet.
  std::function<void(std::uint16_t port)> listening{};
  /// The first key that was ever made, the only time that it is told.
  std::function<void(const std::string& secret)> first_key{};
  std::function<void(const usecases::RunFacts&)> ready{};
  /// It was told to end, and finishes what it has accepted.
  std::function<void()> stopping{};
  /// One line a request and an event: an object of JSON without a line end. Thread-safe.
  std::function<void(const std::string& json)> log{};
};

/// Serves on the calling thread until `stop` (a descriptor, -1 for none) can be read from, then
/// finishes what it has accepted.
/// @return kUsage for options that make no sense; kEnvironment if it could not be started.
[[nodiscard]] usecases::Outcome<void> serve(const usecases::Places& places,
                                            const ServerOptions& options,
                                            const ServerEvents& events, int stop,
                                            const LogSink& sink);

}  // namespace visavis::server
