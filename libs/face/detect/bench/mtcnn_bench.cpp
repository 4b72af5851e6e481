/// Where MTCNN's time goes, stage by stage, for the one who works on it: prints JSON. The figures
/// that the project states come from bench/.
///
///     mtcnn_bench PHOTO [WIDTH HEIGHT [MIN_FACE [REPETITIONS]]]
///
/// Processor time of the whole process, so that a busy machine disturbs it less.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/store.hpp>

#include "candidate.hpp"
#include "proposal.hpp"
#include "pyramid.hpp"
#include "refine.hpp"
#include "screen.hpp"

namespace visavis::detect {
namespace {

using nlohmann::json;

double now_ms() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
}

template <class Work>
json time_of(int repetitions, Work work) {
  const double start = now_ms();
  work();
  const double first = now_ms() - start;
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const double begin = now_ms();
    work();
    times.push_back(now_ms() - begin);
  }
  std::ranges::sort(times);
  return {{"first_ms", first}, {"min_ms", times.front()}, {"median_ms", times[times.size() / 2]}};
}

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::cerr << result.error().message << '\n';
  std::exit(1);
}

struct Job {
  Image image;
  double min_face = 20;
  int repetitions = 50;
};

Job read_job(int argc, char** argv) {
  const auto bytes = must(read_file(argv[1], 1ULL << 30U));
  Job job{.image = must(image::decode(bytes)).image};
  if (argc > 3)
    job.image =
        image::resize_bilinear(job.image.view(), {0, 0, job.image.width(), job.image.height()},
                               std::atoi(argv[2]), std::atoi(argv[3]));
  if (argc > 4) job.min_face = std::atof(argv[4]);
  if (argc > 5) job.repetitions = std::atoi(argv[5]);
  return job;
}

json pnet_stages(const Job& job, const models::Network& network,
                 std::span<const std::vector<Level>> pyramids, std::vector<Cell>& cells) {
  const std::array images{job.image.view()};
  double pixels = 0;
  for (const Level& level : pyramids.front()) pixels += double(level.width) * level.height;
  auto pnet = must(ProposalNet::open(network));
  json result{{"pixels", pixels}};
  const Level& largest = pyramids.front().front();
  const std::ptrdiff_t plane = std::ptrdiff_t{largest.width} * largest.height;
  std::vector<float> canvas(static_cast<std::size_t>(3 * plane));
  result["resize"] = time_of(job.repetitions, [&] {
    for (const Level& level : pyramids.front())
      image::resize_area_planar(images[0], {0, 0, images[0].width, images[0].height}, level.width,
                                level.height, 127.5F, 0.0078125F, canvas.data(), level.width,
                                plane);
  });
  auto screen = ProposalScreen(must(read_pnet(*network.data.at("pnet").graph)));
  result["screen"] = time_of(job.repetitions, [&] {
    for (const Level& level : pyramids.front())
      (void)screen.look(
          std::span(canvas).first(std::size_t{3} * static_cast<std::size_t>(level.width) *
                                  static_cast<std::size_t>(level.height)),
          level.width, level.height);
  });
  result["find_cells"] =
      time_of(job.repetitions, [&] { cells = pnet.find_cells(images, pyramids, 0.6F); });
  return result;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: mtcnn_bench PHOTO [WIDTH HEIGHT [MIN_FACE [REPETITIONS]]]\n";
    return 2;
  }
  const Job job = read_job(argc, argv);
  const std::array images{job.image.view()};
  const std::string cache = std::string(std::getenv("HOME")) + "/.cache/visavis/models";
  const auto store = must(models::Store::open({VISAVIS_SOURCE_DIR "/models"}, cache));
  const auto network =
      std::make_shared<const models::Network>(must(models::load_network(store, "mtcnn", {})));
  const std::vector<std::vector<Level>> pyramids{
      must(make_pyramid(job.image.width(), job.image.height(), job.min_face, 0.709))};

  std::vector<Cell> cells;
  json result{{"width", job.image.width()}, {"height", job.image.height()}};
  result["pnet"] = pnet_stages(job, *network, pyramids, cells);
  result["cells"] = cells.size();
  std::vector<Candidate> boxes;
  result["boxes"] = time_of(job.repetitions, [&] { boxes = boxes_of(cells, pyramids); });
  auto rnet = must(RefineStage::open(*network));
  result["rnet"] = time_of(job.repetitions, [&] { (void)rnet.judge(images, boxes, 0.7F); });
  result["rnet_crops"] = boxes.size();
  auto detector = must(open_detector(network, {.min_face_px = job.min_face}));
  std::size_t faces = 0;
  result["detect"] =
      time_of(job.repetitions, [&] { faces = must(detector->detect(images)).front().size(); });
  result["faces"] = faces;
  std::cout << result.dump(1) << '\n';
  return 0;
}

}  // namespace
}  // namespace visavis::detect

int main(int argc, char** argv) { return visavis::detect::run(argc, argv); }
