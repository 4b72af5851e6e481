#pragma once

/// What a library has to say while it works. It never prints: the application passes a sink.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace visavis {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

/// Receives one sentence without a line end. Thread-safe if it is shared between threads. Messages
/// never hold pixels, embeddings or names of people. An empty function means silence.
using LogSink = std::function<void(LogLevel, std::string_view)>;

inline void log(const LogSink& sink, LogLevel level, std::string_view message) {
  if (sink) sink(level, message);
}

}  // namespace visavis
