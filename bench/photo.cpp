// visavis-bench-photo IN OUT WIDTHxHEIGHT: the largest window of that shape in the middle, resized.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <string_view>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/encode.hpp>
#include <visavis/image/resize.hpp>

int main(int argc, char** argv) {
  using namespace visavis;
  int width = 0;
  int height = 0;
  if (argc == 4) {
    const std::string_view size(argv[3]);
    const std::size_t x = size.find('x');
    if (x != std::string_view::npos) {
      std::from_chars(size.data(), size.data() + x, width);
      std::from_chars(size.data() + x + 1, size.data() + size.size(), height);
    }
  }
  if (width < 1 || height < 1) {
    std::cerr << "usage: visavis-bench-photo IN OUT WIDTHxHEIGHT\n";
    return 2;
  }
  const auto bytes = read_file(argv[1], 64U << 20);
  if (!bytes) {
    std::cerr << argv[1] << ": " << bytes.error().message << '\n';
    return 3;
  }
  const auto decoded = image::decode(*bytes);
  if (!decoded) {
    std::cerr << argv[1] << ": " << decoded.error().message << '\n';
    return 3;
  }
  const ImageView all = decoded->image.view();
  const double scale =
      std::min(static_cast<double>(all.width) / width, static_cast<double>(all.height) / height);
  const int window_width = std::max(1, static_cast<int>(width * scale));
  const int window_height = std::max(1, static_cast<int>(height * scale));
  const image::Window window{.x = (all.width - window_width) / 2,
                             .y = (all.height - window_height) / 2,
                             .width = window_width,
                             .height = window_height};
  const Image out = image::resize_area(all, window, width, height);
  const auto written = image::write_image(argv[2], out.view());
  if (!written) {
    std::cerr << argv[2] << ": " << written.error().message << '\n';
    return 4;
  }
  return 0;
}
