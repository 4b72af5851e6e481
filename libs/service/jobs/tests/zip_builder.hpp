#pragma once

/// Zip archives byte by byte (APPNOTE.TXT 6.3.10, sections 4.3 and 4.4), also wrong ones.

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::jobs::tests {

struct ZipFile {
  std::string name;
  std::string contents;
  bool deflated = false;
  std::uint16_t flags = 0;
  std::optional<std::uint16_t> method{};
  std::optional<std::uint32_t> says_bytes{};   ///< Unpacked, in both headers.
  std::optional<std::uint32_t> says_packed{};  ///< In both headers.
  std::optional<std::uint32_t> says_crc{};
};

inline std::string little(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, number >>= 8U) text += static_cast<char>(number & 0xFFU);
  return text;
}

inline std::string deflate_raw(std::string_view contents) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, contents.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(contents.data()));
  stream.avail_in = static_cast<uInt>(contents.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

inline std::string zip_of(const std::vector<ZipFile>& files) {
  std::string archive;
  std::string directory;
  for (const ZipFile& file : files) {
    const std::string packed = file.deflated ? deflate_raw(file.contents) : file.contents;
    const auto crc =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(file.contents.data()),
                                         static_cast<uInt>(file.contents.size())));
    const std::string facts =
        little(file.flags, 2) + little(file.method.value_or(file.deflated ? 8 : 0), 2) +
        little(0, 4) + little(file.says_crc.value_or(crc), 4) +
        little(file.says_packed.value_or(static_cast<std::uint32_t>(packed.size())), 4) +
        little(file.says_bytes.value_or(static_cast<std::uint32_t>(file.contents.size())), 4) +
        little(file.name.size(), 2) + little(0, 2);
    directory += "PK\1\2" + little(20, 2) + little(20, 2) + facts + little(0, 2) + little(0, 2) +
                 little(0, 2) + little(0, 4) + little(archive.size(), 4) + file.name;
    archive += "PK\3\4" + little(20, 2) + facts + file.name + packed;
  }
  const std::string end = "PK\5\6" + little(0, 4) + little(files.size(), 2) +
                          little(files.size(), 2) + little(directory.size(), 4) +
                          little(archive.size(), 4) + little(0, 2);
  return archive + directory + end;
}

}  // namespace visavis::jobs::tests
