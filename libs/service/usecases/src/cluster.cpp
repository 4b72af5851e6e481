#include "visavis/usecases/cluster.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/image/encode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/store/tsv.hpp>

#include "bench_impl.hpp"
#include "contact_sheet.hpp"
#include "criterion.hpp"
#include "face_groups.hpp"
#include "numbers.hpp"
#include "outputs.hpp"

namespace visavis::usecases {
namespace {

constexpr int kThumbnail = 80;  // pixels

/// A face as it is before it has a group.
struct Found {
  ClusteredFace face;
  std::vector<float> embedding;
  std::vector<std::byte> thumbnail;  ///< JPEG; empty without a contact sheet.
};

/// The face with a quarter of its size around it, as a square.
Result<std::vector<std::byte>> thumbnail_of(ImageView image, const Box& box) {
  const float side = 1.5F * std::max(box.width, box.height);
  const float x = box.x + box.width / 2 - side / 2;
  const float y = box.y + box.height / 2 - side / 2;
  const auto inside = [](float value, int limit) {
    return static_cast<int>(std::clamp(value, 0.0F, static_cast<float>(limit)));
  };
  const image::Window window{
      .x = inside(x, image.width - 1),
      .y = inside(y, image.height - 1),
      .width = std::max(1, inside(x + side, image.width) - inside(x, image.width - 1)),
      .height = std::max(1, inside(y + side, image.height) - inside(y, image.height - 1))};
  const Image small = image::resize_area(image, window, kThumbnail, kThumbnail);
  return image::encode_jpeg(small.view(), 80);
}

Outcome<std::vector<Found>> look(pipeline::Pipeline& pipeline, const Photo& photo, ImageView image,
                                 const ClusterRequest& request) {
  VISAVIS_TRY(seen, faces_in(pipeline, image, request.selection));
  std::vector<Found> found;
  for (std::size_t i = 0; i < seen.faces.size(); ++i) {
    pipeline::FaceRecord& record = seen.faces[i];
    if (record.embedding.values.empty()) continue;
    Found next{.face = {.path = photo.path,
                        .face = i,
                        .box = record.face.box,
                        .quality = record.quality.score},
               .embedding = std::move(record.embedding.values),
               .thumbnail = {}};
    if (!request.html.empty()) {
      VISAVIS_TRY(thumbnail, thumbnail_of(image, record.face.box));
      next.thumbnail = std::move(thumbnail);
    }
    found.push_back(std::move(next));
  }
  return found;
}

/// Every face of every photo, in order; what could not be read goes to `errors`.
std::vector<Found> find_faces(Workbench::Impl& bench, const Inputs& inputs,
                              const ClusterRequest& request, const Progress& progress,
                              Clustering& answer) {
  const auto work = [&](const Photo& photo, const image::Decoded& decoded, std::size_t worker) {
    return look(bench.pipelines[worker], photo, decoded.image.view(), request);
  };
  std::vector<std::vector<Found>> photos;
  collect(over_photos<std::vector<Found>>(bench, inputs.photos, progress, work), inputs.photos,
          photos, answer.errors);
  answer.photos = photos.size();
  std::vector<Found> all;
  for (std::vector<Found>& photo : photos) std::ranges::move(photo, std::back_inserter(all));
  return all;
}

std::string table_of(const std::vector<ClusteredFace>& faces) {
  std::string text = store::to_line({"group", "path", "face", "quality"});
  for (const ClusteredFace& face : faces)
    text += store::to_line(
        {std::to_string(face.group), face.path, std::to_string(face.face), shortest(face.quality)});
  return text;
}

/// All files or none, but for a disk that fails in the last moment.
Result<void> write_all(const std::vector<std::pair<std::filesystem::path, std::string>>& files) {
  std::vector<FileWriter> writers;
  for (const auto& [path, text] : files) {
    VISAVIS_TRY(writer, FileWriter::create(path));
    VISAVIS_CHECK(writer.append(std::as_bytes(std::span(text))));
    writers.push_back(std::move(writer));
  }
  for (FileWriter& writer : writers) VISAVIS_CHECK(writer.commit());
  return {};
}

}  // namespace

Outcome<Clustering> cluster(Workbench& bench, const Inputs& inputs, const ClusterRequest& request,
                            const Progress& progress) {
  using Clock = std::chrono::steady_clock;
  if (!request.tsv.empty() && !request.html.empty() &&
      real_path(request.tsv) == real_path(request.html))
    return usage("the table and the contact sheet cannot be one file");
  std::vector<std::filesystem::path> outputs;
  for (const auto& out : {request.tsv, request.html})
    if (!out.empty()) outputs.push_back(out);
  if (!outputs.empty()) VISAVIS_CHECK(check_files(outputs, inputs.photos));
  VISAVIS_TRY(bar, find_bar(bench.impl(), criterion_of_groups(request.criterion)));
  VISAVIS_TRY(run, bench.ready());
  Clustering answer{.run = std::move(run), .bar = std::move(bar), .errors = inputs.errors};
  std::vector<Found> faces = find_faces(bench.impl(), inputs, request, progress, answer);
  if (answer.photos == 0) return answer;  // the files of the last run are kept
  const Clock::time_point start = Clock::now();
  if (!faces.empty()) {
    std::vector<float> rows;
    for (const Found& face : faces)
      rows.insert(rows.end(), face.embedding.begin(), face.embedding.end());
    VISAVIS_TRY(groups,
                group_faces(rows, faces.size(), answer.bar.threshold, *bench.impl().executor));
    for (std::size_t i = 0; i < faces.size(); ++i) faces[i].face.group = groups[i];
    std::ranges::stable_sort(faces, {}, [](const Found& found) { return found.face.group; });
    answer.groups = faces.back().face.group + 1;
  }
  answer.cluster_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  std::vector<std::size_t> sizes(answer.groups);
  for (const Found& found : faces) ++sizes[found.face.group];
  for (const std::size_t size : sizes) answer.grouped += size > 1 ? size : 0;
  for (const Found& found : faces) answer.faces.push_back(found.face);
  std::vector<std::pair<std::filesystem::path, std::string>> files;
  if (!request.tsv.empty()) files.emplace_back(request.tsv, table_of(answer.faces));
  if (!request.html.empty()) {
    std::vector<std::vector<std::byte>> thumbnails;
    for (Found& found : faces) thumbnails.push_back(std::move(found.thumbnail));
    files.emplace_back(request.html, contact_sheet(answer, thumbnails));
  }
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_all(files)));
  return answer;
}

}  // namespace visavis::usecases
