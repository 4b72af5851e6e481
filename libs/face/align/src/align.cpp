#include "visavis/align/align.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "triangle.hpp"
#include "visavis/core/result.hpp"
#include "visavis/geometry/similarity.hpp"
#include "visavis/image/resize.hpp"
#include "visavis/vocab/chip.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::align {
namespace {

constexpr int kMinSize = 16;
constexpr int kMaxSize = 1024;
constexpr int kTemplateSize = 112;
constexpr Landmarks kArcFaceTemplate{{{.x = 38.2946F, .y = 51.6963F},
                                      {.x = 73.5318F, .y = 51.5014F},
                                      {.x = 56.0252F, .y = 71.7366F},
                                      {.x = 41.5493F, .y = 92.3655F},
                                      {.x = 70.7299F, .y = 92.2041F}}};

/// In extents of the mean face, from its top left.
constexpr Landmarks kDlibMeanFace{{{.x = 0.225492F, .y = 0.215990F},
                                   {.x = 0.754761F, .y = 0.215990F},
                                   {.x = 0.490127F, .y = 0.515625F},
                                   {.x = 0.254149F, .y = 0.780233F},
                                   {.x = 0.726104F, .y = 0.780233F}}};
constexpr float kDlibPadding = .25F;

auto refuse(const char* why) { return fail(ErrorCode::kInvalidArgument, why); }

bool size_is_valid(int size) { return size >= kMinSize && size <= kMaxSize; }

/// Points lie on pixel centres, which a change of size moves: edges are what grows.
Landmarks template_for(int size) {
  Landmarks points = kArcFaceTemplate;
  const float ratio = static_cast<float>(size) / kTemplateSize;
  for (Point& point : points) {
    point.x = (point.x + 0.5F) * ratio - 0.5F;
    point.y = (point.y + 0.5F) * ratio - 0.5F;
  }
  return points;
}

Result<Chip> align_to(const Landmarks& target, ImageView image, const Landmarks& points, int size) {
  if (!size_is_valid(size)) return refuse("a chip's size must lie between 16 and 1024 pixels");
  const auto transform = geometry::estimate_similarity(points, target);
  if (!transform || !(transform->scale() > 0))
    return refuse("the face's landmarks allow no alignment");
  return Chip{image::warp_similarity(image, *transform, size, size)};
}

}  // namespace

Result<Chip> align_arcface(ImageView image, const Landmarks& points, int size) {
  return align_to(size == kTemplateSize ? kArcFaceTemplate : template_for(size), image, points,
                  size);
}

Result<Chip> align_dlib(ImageView image, const Landmarks& points, int size) {
  Landmarks target = kDlibMeanFace;
  for (Point& point : target) {
    point.x = (point.x + kDlibPadding) / (1 + 2 * kDlibPadding) * static_cast<float>(size);
    point.y = (point.y + kDlibPadding) / (1 + 2 * kDlibPadding) * static_cast<float>(size);
  }
  return align_to(target, image, points, size);
}
Result<Chip> align_facenet(ImageView image, const Box& box, int size, int margin) {
  if (!size_is_valid(size)) return refuse("a chip's size must lie between 16 and 1024 pixels");
  if (margin < 0 || margin >= size)
    return refuse("the margin must be at least 0 and below the chip's size");
  // extract_face: the margin is a share of the output, the edges are cut towards zero.
  const double share = static_cast<double>(margin) / (size - margin) / 2;
  const double left = box.x - share * box.width;
  const double top = box.y - share * box.height;
  const double right = std::min<double>(box.right() + share * box.width, image.width);
  const double bottom = std::min<double>(box.bottom() + share * box.height, image.height);
  // Written so that NaN is refused too.
  if (!(right >= 1 && bottom >= 1 && left < image.width && top < image.height))
    return refuse("the face's box holds no pixel of the image");
  const int x = static_cast<int>(std::max(left, 0.0));
  const int y = static_cast<int>(std::max(top, 0.0));
  const image::Window window{
      .x = x, .y = y, .width = static_cast<int>(right) - x, .height = static_cast<int>(bottom) - y};
  if (window.width < 1 || window.height < 1)
    return refuse("the face's box holds no pixel of the image");
  return Chip{resize_triangle(image, window, size, size)};
}

}  // namespace visavis::align
