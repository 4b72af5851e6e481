#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/usecases/bench.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/photos.hpp>

#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

/// What the verbs over photos have in common.
struct Given {
  std::vector<std::string> paths;
  usecases::WorkbenchOptions workbench;
  std::string select;
};

/// Prints `answer` in the form that was asked for.
template <class Answer>
int print(Desk& desk, const usecases::Outcome<Answer>& answer,
          const std::function<std::string(const Answer&)>& text) {
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), text(*answer), answer->errors);
}

struct Ready {
  usecases::Inputs inputs;
  usecases::Workbench bench;
};

/// Finds the photos and gets the networks ready.
/// @param side_by_side  several photos at once; else all threads inside each.
/// @param chips  the aligned faces are wanted, too
usecases::Outcome<Ready> get_ready(Desk& desk, const Given& given, bool recogniser,
                                   bool side_by_side = true, bool chips = false) {
  usecases::Inputs inputs = usecases::collect_photos(given.paths);
  const usecases::Need need{
      .recogniser = recogniser, .photos = side_by_side ? inputs.photos.size() : 1, .chips = chips};
  auto bench =
      usecases::Workbench::open(desk.places, given.workbench, need, desk.terminal.log_sink());
  if (!bench) return std::unexpected(bench.error());
  return Ready{.inputs = std::move(inputs), .bench = *std::move(bench)};
}

std::string size_of(const usecases::PhotoFacts& photo) {
  return std::to_string(photo.width) + "x" + std::to_string(photo.height);
}

void add_face_cells(std::vector<std::string>& cells, const Face& face) {
  for (const float value : {face.box.x, face.box.y, face.box.width, face.box.height})
    cells.push_back(fixed(value, 1));
  cells.push_back(fixed(face.confidence, 3));
}

std::string table_of(const usecases::Detection& detection) {
  Table table({"IMAGE", "SIZE", ">FACE", ">X", ">Y", ">WIDTH", ">HEIGHT", ">CONFIDENCE"});
  for (const usecases::DetectedPhoto& photo : detection.photos) {
    if (photo.faces.empty())
      table.add({photo.photo.path, size_of(photo.photo), "none", "", "", "", "", ""});
    for (std::size_t i = 0; i < photo.faces.size(); ++i) {
      std::vector<std::string> cells{photo.photo.path, size_of(photo.photo), std::to_string(i + 1)};
      add_face_cells(cells, photo.faces[i]);
      table.add(std::move(cells));
    }
  }
  return table.text() + describe(detection.run);
}

std::string table_of(const usecases::Alignment& alignment) {
  Table table({"IMAGE", "CHIP", ">X", ">Y", ">WIDTH", ">HEIGHT", ">CONFIDENCE"});
  for (const usecases::AlignedPhoto& photo : alignment.photos) {
    if (photo.faces.empty()) table.add({photo.photo.path, "no face", "", "", "", "", ""});
    for (const usecases::AlignedFace& aligned : photo.faces) {
      std::vector<std::string> cells{photo.photo.path, aligned.chip.string()};
      add_face_cells(cells, aligned.face);
      table.add(std::move(cells));
    }
  }
  return table.text() + describe(alignment.run);
}

std::string classes_of(const usecases::Embeddings& embeddings) {
  if (!embeddings.classified) return {};
  Table table({"IMAGE", ">FACE", ">CLASS", "LABEL", ">PROBABILITY"});
  for (const usecases::EmbeddedPhoto& photo : embeddings.photos)
    for (std::size_t i = 0; i < photo.classes.size(); ++i)
      for (const usecases::ClassFact& fact : photo.classes[i])
        table.add({photo.photo.path, std::to_string(i + 1), std::to_string(fact.index),
                   fact.label.empty() ? "-" : printable(fact.label), fixed(fact.probability, 5)});
  return table.text();
}

std::string table_of(const usecases::Embeddings& embeddings) {
  std::string text = classes_of(embeddings);
  for (const usecases::EmbeddedPhoto& photo : embeddings.photos)
    if (photo.faces == 0) text += "no face: " + printable(photo.photo.path) + "\n";
  if (embeddings.npy.empty())
    return "no photo could be read; nothing was written\n" + describe(embeddings.run);
  return text + counted(embeddings.rows, "face", "faces") + " of " +
         counted(embeddings.photos.size(), "photo", "photos") + ": " +
         printable(embeddings.npy.string()) + " (float32 [" + std::to_string(embeddings.rows) +
         ", " + std::to_string(embeddings.dimension) + "]), " + printable(embeddings.tsv.string()) +
         "\n" + describe(embeddings.run);
}

/// As wide as a matrix may be on a screen; larger ones are for --json.
constexpr std::size_t kMaxColumns = 20;

std::string table_of(const usecases::Comparison& comparison) {
  const std::size_t n = comparison.names.size();
  std::vector<std::string> titles{"FACE", "IMAGE"};
  for (std::size_t i = 0; i < std::min(n, kMaxColumns); ++i)
    titles.push_back(">" + std::to_string(i + 1));
  Table table(std::move(titles));
  for (std::size_t row = 0; row < n; ++row) {
    std::vector<std::string> cells{std::to_string(row + 1), comparison.names[row]};
    for (std::size_t i = 0; i < std::min(n, kMaxColumns); ++i)
      cells.push_back(fixed(comparison.distances[row][i], 3));
    table.add(std::move(cells));
  }
  std::string text = table.text();
  if (n > kMaxColumns)
    text +=
        "only the first " + std::to_string(kMaxColumns) + " columns are shown; --json has all\n";
  for (const std::string& path : comparison.without_face)
    text += "no face: " + printable(path) + "\n";
  const bool l2 = comparison.metric == usecases::Metric::kL2;
  return text +
         (l2 ? "distance: L2 between unit vectors, 0 to 2\n"
             : "distance: 1 - cosine similarity, 0 to 2\n") +
         describe(comparison.run);
}

std::string table_of(const usecases::Benchmark& benchmark) {
  Table table({"IMAGE", "STAGE", ">P50 MS", ">P99 MS", ">RUNS", ">FACES"});
  for (const usecases::StageTime& row : benchmark.stages)
    table.add({row.image, row.stage, fixed(row.p50_ms, 3), fixed(row.p99_ms, 3),
               std::to_string(row.count), std::to_string(row.faces)});
  return table.text() + "peak memory " + fixed(benchmark.peak_memory_mib, 0) + " MiB; " +
         describe(benchmark.run);
}

CLI::App* add_photos(VerbList& list, Given& given, const std::string& name, const std::string& what,
                     const std::string& example, bool recogniser) {
  CLI::App* verb = list.add(list.program, name, what, example);
  verb->add_option("IMAGE", given.paths, "Photos, or folders of them")->required();
  add_workbench_options(*verb, given.workbench, recogniser);
  return verb;
}

void add_detect(VerbList& list) {
  struct Detect : Given {
    std::string draw;
  };
  auto given = std::make_shared<Detect>();
  CLI::App* verb = add_photos(list, *given, "detect", "Finds faces in photos",
                              "detect party.jpg --draw boxes.jpg", false);
  verb->add_option("--draw", given->draw,
                   "Annotated picture (.jpg, .png) for one photo, a folder for several")
      ->type_name("OUT");
  list.verbs.push_back({verb, [given](Desk& desk) {
                          auto ready = get_ready(desk, *given, false);
                          if (!ready) return give_up(desk, ready.error());
                          return print<usecases::Detection>(
                              desk,
                              usecases::detect(ready->bench, ready->inputs, given->draw,
                                               desk.terminal.progress("detecting")),
                              [](const auto& answer) { return table_of(answer); });
                        }});
}

usecases::AlignRequest::Template template_of(std::string_view name) {
  using Template = usecases::AlignRequest::Template;
  if (name == "facenet") return Template::kFaceNet;
  return name == "dlib" ? Template::kDlib : Template::kArcFace;
}

void add_align(VerbList& list) {
  struct Align : Given {
    usecases::AlignRequest request;
    std::string out;
    std::string form = "arcface";
  };
  auto given = std::make_shared<Align>();
  CLI::App* verb = add_photos(list, *given, "align", "Cuts faces out and puts them upright",
                              "align photos/ --out chips", false);
  verb->add_option("--out", given->out, "Folder for the chips")->required()->type_name("DIR");
  verb->add_option("--size", given->request.size, "Side of a chip")
      ->type_name("PX")
      ->capture_default_str();
  verb->add_option("--template", given->form,
                   "arcface, dlib: five points upright; facenet: the box")
      ->check(CLI::IsMember({"arcface", "facenet", "dlib"}))
      ->capture_default_str();
  verb->add_option("--margin", given->request.margin, "facenet: around the box, in chip pixels")
      ->type_name("PX")
      ->capture_default_str();
  verb->add_flag("--prewhiten", given->request.prewhiten,
                 "Also write each chip's standardised floats as .npy");
  add_selection(*verb, given->select);
  list.verbs.push_back({verb, [given](Desk& desk) {
                          given->request.out = given->out;
                          given->request.form = template_of(given->form);
                          given->request.selection = usecases::parse_selection(given->select);
                          auto ready = get_ready(desk, *given, false);
                          if (!ready) return give_up(desk, ready.error());
                          return print<usecases::Alignment>(
                              desk,
                              usecases::align(ready->bench, ready->inputs, given->request,
                                              desk.terminal.progress("aligning")),
                              [](const auto& answer) { return table_of(answer); });
                        }});
}

void add_embed(VerbList& list) {
  struct Embed : Given {
    usecases::EmbedRequest request;
    std::string out;
  };
  auto given = std::make_shared<Embed>();
  CLI::App* verb = add_photos(list, *given, "embed", "Turns faces into embeddings",
                              "embed photos/ --out faces.npy", true);
  verb->add_option("--out", given->out, "NumPy file; a table with the same name and .tsv beside it")
      ->required()
      ->type_name("FILE.npy");
  verb->add_flag("--raw", given->request.raw, "Rows as the network gives them, not of unit length");
  verb->add_flag(
      "--classify", given->request.classify,
      "Also which of the people it was trained on a face shows, for models with classes");
  verb->add_option("--top", given->request.top, "With --classify: so many of the likeliest")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->add_option("--labels", given->request.labels, "With --classify: their names, one a line")
      ->type_name("FILE");
  add_selection(*verb, given->select);
  list.verbs.push_back({verb, [given](Desk& desk) {
                          given->request.out = given->out;
                          given->request.selection = usecases::parse_selection(given->select);
                          auto ready = get_ready(desk, *given, true, true, given->request.classify);
                          if (!ready) return give_up(desk, ready.error());
                          return print<usecases::Embeddings>(
                              desk,
                              usecases::embed(ready->bench, ready->inputs, given->request,
                                              desk.terminal.progress("embedding")),
                              [](const auto& answer) { return table_of(answer); });
                        }});
}

void add_compare(VerbList& list) {
  struct Compare : Given {
    std::string metric = "cosine";
  };
  auto given = std::make_shared<Compare>();
  CLI::App* verb = add_photos(list, *given, "compare", "The distances between all faces",
                              "compare people/ --metric l2", true);
  verb->add_option("--metric", given->metric, "cosine or l2")
      ->check(CLI::IsMember({"cosine", "l2"}))
      ->capture_default_str();
  add_selection(*verb, given->select);
  list.verbs.push_back({verb, [given](Desk& desk) {
                          const auto metric = given->metric == "l2" ? usecases::Metric::kL2
                                                                    : usecases::Metric::kCosine;
                          auto ready = get_ready(desk, *given, true);
                          if (!ready) return give_up(desk, ready.error());
                          return print<usecases::Comparison>(
                              desk,
                              usecases::compare(ready->bench, ready->inputs, metric,
                                                usecases::parse_selection(given->select),
                                                desk.terminal.progress("embedding")),
                              [](const auto& answer) { return table_of(answer); });
                        }});
}

void add_bench(VerbList& list) {
  struct Bench : Given {
    int repeat = 20;
  };
  auto given = std::make_shared<Bench>();
  CLI::App* verb = add_photos(list, *given, "bench", "How long each stage takes on this machine",
                              "bench photo.jpg --threads 1", true);
  verb->add_option("--repeat", given->repeat, "Runs of each stage after one that is not counted")
      ->capture_default_str();
  list.verbs.push_back({verb, [given](Desk& desk) {
                          auto ready = get_ready(desk, *given, true, false);
                          if (!ready) return give_up(desk, ready.error());
                          return print<usecases::Benchmark>(
                              desk,
                              usecases::benchmark(ready->bench, ready->inputs, given->repeat,
                                                  desk.terminal.progress("measuring")),
                              [](const auto& answer) { return table_of(answer); });
                        }});
}

}  // namespace

void add_photo_verbs(VerbList& list) {
  add_detect(list);
  add_align(list);
  add_embed(list);
  add_compare(list);
  add_bench(list);
}

}  // namespace visavis::cli
