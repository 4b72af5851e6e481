#include "av1_size.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bit_reader.hpp"

// Names and order of the fields are the AV1 Bitstream Specification's (version 1.0.0 with errata
// 1).

namespace visavis::image {
namespace {

constexpr unsigned kSelect = 2;  // SELECT_SCREEN_CONTENT_TOOLS, SELECT_INTEGER_MV

/// What frame headers need of the sequence header before them.
struct Sequence {
  bool reduced = true;  ///< reduced_still_picture_header: frames cannot tell a size.
  bool decoder_model = false;
  bool equal_picture_interval = false;
  int delay_bits = 0;         ///< buffer_delay_length
  int presentation_bits = 0;  ///< frame_presentation_time_length
  int frame_id_bits = 0;      ///< 0: frames have no id.
  unsigned screen_content = kSelect;
  unsigned integer_mv = kSelect;
  int width_bits = 0;
  int height_bits = 0;
  std::uint64_t pixels = 0;
};

/// uvlc(), 4.10.3: its value does not matter here.
void skip_variable_length(Bits& bits) {
  std::size_t zeros = 0;
  while (!bits.done() && bits.take(1) == 0) ++zeros;
  if (zeros < 32) bits.skip(zeros);
}

/// timing_info() and decoder_model_info(), 5.5.3 and 5.5.4.
void read_timing(Bits& bits, Sequence& sequence) {
  bits.skip(32 + 32);
  sequence.equal_picture_interval = bits.take(1) == 1;
  if (sequence.equal_picture_interval) skip_variable_length(bits);
  sequence.decoder_model = bits.take(1) == 1;
  if (!sequence.decoder_model) return;
  sequence.delay_bits = static_cast<int>(bits.take(5)) + 1;
  bits.skip(32 + 5);
  sequence.presentation_bits = static_cast<int>(bits.take(5)) + 1;
}

void read_operating_points(Bits& bits, const Sequence& sequence) {
  const bool display_delay = bits.take(1) == 1;
  const std::uint64_t points = bits.take(5) + 1;
  for (std::uint64_t i = 0; i < points; ++i) {
    bits.skip(12);
    constexpr std::uint64_t kLevelWithTier = 7;
    if (bits.take(5) > kLevelWithTier) bits.skip(1);
    if (sequence.decoder_model && bits.take(1) == 1)
      bits.skip(2 * static_cast<std::size_t>(sequence.delay_bits) + 1);
    if (display_delay && bits.take(1) == 1) bits.skip(4);
  }
}

/// From enable_interintra_compound to seq_force_integer_mv.
void read_tools(Bits& bits, Sequence& sequence) {
  bits.skip(4);
  const bool order_hint = bits.take(1) == 1;
  if (order_hint) bits.skip(2);
  const bool choose_screen_content = bits.take(1) == 1;
  sequence.screen_content = choose_screen_content ? kSelect : static_cast<unsigned>(bits.take(1));
  if (sequence.screen_content == 0) return;
  const bool choose_integer_mv = bits.take(1) == 1;
  sequence.integer_mv = choose_integer_mv ? kSelect : static_cast<unsigned>(bits.take(1));
}

/// sequence_header_obu(), 5.5.1.
Sequence read_sequence(Bytes header) {
  Bits bits({header.begin(), header.end()});
  Sequence sequence;
  bits.skip(3 + 1);
  sequence.reduced = bits.take(1) == 1;
  if (sequence.reduced) {
    bits.skip(5);
  } else {
    if (bits.take(1) == 1) read_timing(bits, sequence);
    read_operating_points(bits, sequence);
  }
  sequence.width_bits = static_cast<int>(bits.take(4)) + 1;
  sequence.height_bits = static_cast<int>(bits.take(4)) + 1;
  const std::uint64_t width = bits.take(sequence.width_bits) + 1;
  sequence.pixels = width * (bits.take(sequence.height_bits) + 1);
  if (sequence.reduced) return sequence;
  if (bits.take(1) == 1) {
    const auto delta_bits = static_cast<int>(bits.take(4)) + 2;
    sequence.frame_id_bits = static_cast<int>(bits.take(3)) + delta_bits + 1;
  }
  bits.skip(3);
  read_tools(bits, sequence);
  return sequence;
}

/// uncompressed_header(), 5.9.2, up to frame_size_override_flag.
bool overrides_size(Bytes header, const Sequence& sequence) {
  if (sequence.reduced) return false;
  constexpr std::size_t kUsefulBytes = 32;
  header = header.first(std::min(header.size(), kUsefulBytes));
  Bits bits({header.begin(), header.end()});
  if (bits.take(1) == 1) return false;  // shows a picture that is there already
  constexpr std::uint64_t kKeyFrame = 0, kSwitchFrame = 3;
  const std::uint64_t type = bits.take(2);
  const bool shown = bits.take(1) == 1;
  if (shown && sequence.decoder_model && !sequence.equal_picture_interval)
    bits.skip(static_cast<std::size_t>(sequence.presentation_bits));
  if (!shown) bits.skip(1);
  if (type == kSwitchFrame) return true;
  if (type != kKeyFrame || !shown) bits.skip(1);
  bits.skip(1);
  const std::uint64_t screen_content =
      sequence.screen_content == kSelect ? bits.take(1) : sequence.screen_content;
  if (screen_content != 0 && sequence.integer_mv == kSelect) bits.skip(1);
  bits.skip(static_cast<std::size_t>(sequence.frame_id_bits));
  return bits.take(1) == 1;
}

/// leb128(), 4.10.5: little-endian groups of seven bits.
std::uint64_t read_size(Reader& reader) {
  std::uint64_t size = 0;
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t group = reader.number(1);
    size |= (group & 127) << (7 * i);
    if (group < 128) break;
  }
  return size;
}

}  // namespace

std::uint64_t av1_stream_pixels(std::span<const std::byte> stream) {
  constexpr std::uint64_t kExtension = 4, kHasSize = 2;
  constexpr std::uint64_t kSequenceHeader = 1, kFrameHeader = 3, kFrame = 6, kRedundantHeader = 7;
  std::uint64_t most = 0;
  Sequence sequence;
  for (Reader reader(stream); !reader.done();) {
    const std::uint64_t header = reader.number(1);
    if ((header & kExtension) != 0) reader.number(1);
    const bool has_size = (header & kHasSize) != 0;
    const Bytes unit = reader.take(has_size ? read_size(reader) : reader.rest().size());
    const std::uint64_t type = header >> 3 & 15;
    if (type == kSequenceHeader) {
      sequence = read_sequence(unit);
      most = std::max(most, sequence.pixels);
    } else if (type == kFrameHeader || type == kFrame || type == kRedundantHeader) {
      // Decoders take memory for what the frame tells before they compare it with the sequence's
      // size, if they do. What it tells lies behind much that depends on other frames; its fields'
      // widths bound it, and honest encoders make them no wider than they need.
      if (overrides_size(unit, sequence))
        most = std::max(most, std::uint64_t{1} << (sequence.width_bits + sequence.height_bits));
    }
  }
  return most;
}

}  // namespace visavis::image
