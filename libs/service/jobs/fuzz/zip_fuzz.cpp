#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/jobs/zip_reader.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis;
  const Descriptor file(::memfd_create("zip", MFD_CLOEXEC));
  if (::write(file.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const jobs::ZipLimits limits{.max_entries = 100,
                               .max_entry_bytes = std::uint64_t{2} << 20U,
                               .max_total_bytes = std::uint64_t{8} << 20U,
                               .max_ratio = 50};
  auto reader = jobs::ZipReader::open(path, limits);
  if (!reader) return reader.error().message.empty() ? std::abort(), 0 : 0;
  std::uint64_t total = 0;
  std::uint64_t count = 0;
  while (true) {
    const auto entry = reader->next();
    if (!entry || !*entry) break;
    ++count;
    if (!is_utf8((*entry)->label) || (*entry)->label.size() > 500) std::abort();
    const auto bytes = reader->read();
    if (bytes && ((*entry)->refusal || bytes->size() != (*entry)->bytes)) std::abort();
    if (bytes) total += bytes->size();
  }
  if (count > limits.max_entries || total > limits.max_total_bytes) std::abort();
  return 0;
}
