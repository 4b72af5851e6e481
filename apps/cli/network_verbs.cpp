#include <algorithm>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/networks.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {
namespace {

using usecases::NetworkFile;
using usecases::Questions;

constexpr int kFigureDigits = 7;  // in f32 a cosine of the same direction

std::string shortly(double value) {
  std::string text(32, '\0');
  const int length = std::snprintf(text.data(), text.size(), "%.3g", value);
  text.resize(static_cast<std::size_t>(std::max(length, 0)));
  return text;
}

std::string describe(const usecases::RecognitionEffect& effect) {
  Table table({"FIGURE", ">SOURCE", ">RESULT", ">LIMIT", "ANSWER"});
  for (const usecases::GateFigure& figure : effect.figures)
    table.add({figure.name, figure.before ? figure_text(*figure.before) : "-",
               fixed(figure.after, kFigureDigits), fixed(figure.limit, kFigureDigits),
               figure.passed ? "passed" : "FAILED"});
  return table.text() + std::to_string(effect.pairs) + " pairs, judged at " +
         fixed(effect.threshold, 4) + "; " + std::to_string(effect.photos) + " faces by " +
         effect.run.detector + ", prepared as for " + effect.run.recogniser + ", the source on " +
         effect.run.engine + "\n";
}

/// Whether a network that forgets its input would have passed, nearly.
bool hardly_tells(const usecases::Equivalence& answer) {
  constexpr double kAlike = .999;
  const auto tells = [](const usecases::JudgementFacts& judgement) {
    return judgement.samples < 2 || judgement.self_cosine <= kAlike;
  };
  return std::ranges::none_of(answer.judgements, tells);
}

std::string how_far(const usecases::DivergenceFacts& found) {
  if (found.source_shape != found.result_shape)
    return shape_text(found.source_shape) + " against " + shape_text(found.result_shape);
  if (!found.difference.finite) return "not all of them numbers";
  return "max abs " + shortly(found.difference.max_abs) + ", cosine " +
         fixed(found.difference.min_cosine, 8);
}

std::string describe(const usecases::Equivalence& answer) {
  Table table({"INPUTS", ">SAMPLES", "SOURCE", "RESULT", ">MAX ABS", ">MAX REL", ">MEAN ABS",
               ">DISTANCE", ">COSINE", ">ALIKE"});
  for (const auto& judgement : answer.judgements) {
    for (const auto& output : judgement.outputs)
      table.add({judgement.inputs, std::to_string(judgement.samples), output.source, output.result,
                 shortly(output.max_abs), shortly(output.max_relative), shortly(output.mean_abs),
                 shortly(output.mean_distance), fixed(output.min_cosine, 8),
                 fixed(judgement.self_cosine, 3)});
  }
  std::string text = answer.judgements.empty() ? std::string() : table.text();
  text += answer.equivalent ? "the same network" : "NOT the same network";
  if (answer.other_form.empty())
    text += " (at most " + shortly(answer.limits.max_abs) + " in each number" +
            (answer.limits.max_relative > 0
                 ? " or " + shortly(answer.limits.max_relative) + " of the largest"
                 : "") +
            ", cosine at least " + fixed(answer.limits.min_cosine, 8) +
            (answer.unrounded_limits
                 ? "; not rounded " + shortly(answer.unrounded_limits->max_relative) +
                       " of the largest, " + fixed(answer.unrounded_limits->min_cosine, 4)
                 : "") +
            ")\n";
  else
    text += ": " + printable(answer.other_form) + "\n";
  if (answer.equivalent && hardly_tells(answer))
    text += std::string(
                "the source says nearly the same to all inputs (ALIKE), which hardly tells "
                "networks apart") +
            (answer.judgements.size() > 1 ? "\n" : ": ask with --chips\n");
  if (answer.first) {
    const auto& first = *answer.first;
    text += "first difference: " + first.op + " " + printable(first.difference.source) + " / " +
            printable(first.difference.result) + ", " + how_far(first) + "; " +
            std::to_string(first.same_before) + " layers before it are the same\n";
  }
  if (answer.fixed_size)
    text += "height and width are fixed to " + std::to_string(*answer.fixed_size) +
            ": the format cannot leave them free with these layers (--size chooses)\n";
  if (answer.halved) {
    text += std::to_string(answer.halved->numbers) + " weights in " +
            std::to_string(answer.halved->tensors) + " tensors are halves\n";
    for (const auto& kept : answer.halved->kept)
      text += printable(kept.name) + " stays float32: " + kept.reason + "\n";
  }
  if (answer.effect) text += describe(*answer.effect);
  return text;
}

void add_questions(CLI::App& verb, Questions& questions) {
  verb.add_option("--random", questions.random, "Random inputs to ask with")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  verb.add_option("--seed", questions.seed, "Random inputs are the same for the same seed")
      ->capture_default_str();
  verb.add_option("--size", questions.free_size,
                  "Stands for a height or width that is free (default: 64, or the next usual size "
                  "that fits)")
      ->check(CLI::Range(1, 4096));
  verb.add_option("--chips", questions.chips,
                  "Pictures to ask with, too, such as chips of `visavis align`: files or folders");
  const usecases::AnswerLimits limits;
  verb.add_option("--max-abs", questions.max_abs,
                  "How far apart two numbers may be (default: " + shortly(limits.max_abs) + ")")
      ->check(finite());
  verb.add_option("--max-relative", questions.max_relative,
                  "Or how far, as a share of the largest number of SOURCE's answer (default: 0, or "
                  "of an int8 SOURCE " +
                      shortly(usecases::kInt8MaxRelative) + ")")
      ->check(finite());
  verb.add_option(
          "--min-cosine", questions.min_cosine,
          "How alike in direction outputs must be (default: " + fixed(limits.min_cosine, 6) +
              ", or of an int8 SOURCE " + shortly(usecases::kInt8MinCosine) + ")")
      ->check(finite());
}

void add_choice(CLI::App& verb, usecases::GraphChoice& choice, const std::string& prefix,
                const std::string& of) {
  verb.add_option("--" + prefix + "tag", choice.tag,
                  "Which graph of " + of + ", if it is a SavedModel: its tags, with ',' between");
  verb.add_option("--" + prefix + "signature", choice.signature,
                  "Which signature of " + of + ", if it is a SavedModel");
}

void add_source(CLI::App& verb, NetworkFile& source) {
  verb.add_option("SOURCE", source.path,
                  "A network in any format that can be imported, or the id of a model that was "
                  "fetched")
      ->required();
}

int answer_with(Desk& desk, const usecases::Outcome<usecases::Equivalence>& answer) {
  if (!answer) return give_up(desk, answer.error());
  const int code = finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
  return std::max(code, usecases::passed(*answer) ? kDone : kCheckSaidNo);
}

/// What photos are to say of two forms of a recogniser.
struct PhotoQuestions {
  usecases::WorkbenchOptions bench{.recogniser = {}};
  std::string images;
  std::filesystem::path pairs;  ///< Empty: nothing.
  usecases::EffectLimits limits;
};

void add_photos(CLI::App& verb, PhotoQuestions& given) {
  CLI::Option* images =
      verb.add_option("--images", given.images, "Folder with a folder of photos for each person")
          ->type_name("DIR");
  CLI::Option* pairs =
      verb.add_option("--pairs", given.pairs,
                      "Of a recogniser: also judge pairs of photos by both, LFW's pairs.txt or TSV "
                      "lines \"path path 1|0\" below --images")
          ->type_name("FILE")
          ->needs(images);
  images->needs(pairs);
  const auto with_pairs = [pairs](CLI::Option* option) { option->needs(pairs); };
  with_pairs(
      verb.add_option("--recogniser", given.bench.recogniser,
                      "Whose manifest tells how photos become inputs (default: SOURCE, where "
                      "that is a model's id)")
          ->type_name("ID"));
  with_pairs(verb.add_option("--detector", given.bench.detector, "Finds the faces")
                 ->type_name("ID")
                 ->capture_default_str());
  with_pairs(verb.add_option("--threads", given.bench.threads,
                             "Threads in all (0: one for each processor)")
                 ->capture_default_str());
  with_pairs(
      verb.add_option("--max-changed", given.limits.changed_pairs,
                      "Share of the pairs that may be judged otherwise at the same threshold; "
                      "of f16 " +
                          shortly(usecases::kHalfMaxChanged) + " unless given")
          ->check(finite())
          ->capture_default_str());
  with_pairs(verb.add_option("--max-accuracy-loss", given.limits.accuracy_loss, "On the pairs")
                 ->check(finite())
                 ->capture_default_str());
  with_pairs(verb.add_option("--max-tar-loss", given.limits.tar_loss,
                             "At FAR 1e-3, as far as the pairs reach")
                 ->check(finite())
                 ->capture_default_str());
}

/// A comparison, with a test by photos if one was asked for.
template <class Compare>
usecases::Outcome<usecases::Equivalence> with_photos(Desk& desk, const PhotoQuestions& given,
                                                     const std::string& source_model,
                                                     const Compare& compare) {
  if (given.pairs.empty()) return compare(nullptr);
  usecases::WorkbenchOptions options = given.bench;
  if (options.recogniser.empty()) options.recogniser = source_model;
  if (options.recogniser.empty())
    return usecases::usage(
        "--pairs needs --recogniser: whose manifest tells how photos become "
        "inputs of SOURCE");
  usecases::Inputs photos = usecases::collect_photos({given.images});
  auto bench = usecases::Workbench::open(
      desk.places, options, {.photos = photos.photos.size(), .second_look = true, .chips = true},
      desk.terminal.log_sink());
  if (!bench) return std::unexpected(bench.error());
  const usecases::RecognitionTest test{.bench = *bench,
                                       .photos = std::move(photos),
                                       .pairs = given.pairs,
                                       .limits = given.limits,
                                       .progress = desk.terminal.progress("comparing faces")};
  return compare(&test);
}

struct Comparison {
  NetworkFile source;
  NetworkFile result;
  Questions questions;
  PhotoQuestions photos;
};

usecases::Outcome<usecases::Equivalence> compare(Desk& desk, const Comparison& given) {
  const auto source = usecases::find_network(desk.places, given.source);
  if (!source) return std::unexpected(source.error());
  const auto result = usecases::find_network(desk.places, given.result);
  if (!result) return std::unexpected(result.error());
  PhotoQuestions photos = given.photos;
  photos.bench.engine = source->engine;
  return with_photos(desk, photos, source->model, [&](const usecases::RecognitionTest* test) {
    return usecases::compare_networks(*source, *result, given.questions, test);
  });
}

void add_equivalence(VerbList& list) {
  auto given = std::make_shared<Comparison>();
  CLI::App* verb =
      list.add(list.program, "equivalence",
               "Whether two files hold the same network, and which layer differs first",
               "equivalence before.onnx after.onnx --chips chips/");
  add_source(*verb, given->source);
  verb->add_option("RESULT", given->result.path, "What became of it, likewise")->required();
  verb->add_option("--source-importer", given->source.importer,
                   "How SOURCE is read, as a manifest names it (a state dict does not say)");
  verb->add_option("--importer", given->result.importer, "How RESULT is read");
  add_choice(*verb, given->source.choice, "source-", "SOURCE");
  add_choice(*verb, given->result.choice, "", "RESULT");
  verb->add_option("--source-engine", given->source.engine, "Who runs SOURCE")
      ->capture_default_str();
  verb->add_option("--engine", given->result.engine, "Who runs RESULT")->capture_default_str();
  verb->add_option("--precision", given->result.precision, "Of RESULT's arithmetic")
      ->capture_default_str();
  add_questions(*verb, given->questions);
  add_photos(*verb, given->photos);
  list.verbs.push_back(
      {verb, [given](Desk& desk) { return answer_with(desk, compare(desk, *given)); }});
}

struct Conversion {
  NetworkFile source;
  usecases::NetworkTarget target;
  Questions questions;
  PhotoQuestions photos;
  std::string weights = "f32";
  std::string source_engine;
  bool as_it_is = false;
};

usecases::Outcome<usecases::Equivalence> convert(Desk& desk, const Conversion& given) {
  const auto certify = [](const usecases::Equivalence& answer) { return wire::to_json(answer); };
  const auto source = usecases::find_network(desk.places, given.source);
  if (!source) return std::unexpected(source.error());
  return with_photos(desk, given.photos, source->model, [&](const usecases::RecognitionTest* test) {
    return usecases::convert_network(*source, given.target, given.questions, certify, test);
  });
}

void add_convert(VerbList& list) {
  auto given = std::make_shared<Conversion>();
  CLI::App* verb =
      list.add(list.program, "convert",
               "Writes a network in another format, with a certificate, if the result is the same",
               "convert pnet.pt pnet.onnx --importer pytorch:mtcnn-pnet");
  add_source(*verb, given->source);
  verb->add_option(
          "TARGET", given->target.path,
          "The new file or folder, whose ending tells the format: " + usecases::target_endings())
      ->required();
  verb->add_option("--importer", given->source.importer,
                   "How SOURCE is read, as a manifest names it (a state dict does not say)");
  add_choice(*verb, given->source.choice, "", "SOURCE");
  verb->add_flag("--as-it-is", given->as_it_is,
                 "Do not fold constants and batch normalisation, and drop nothing");
  verb->add_option("--weights", given->weights,
                   "f16: in half the bytes, computed with in f32; --max-relative is then " +
                       shortly(usecases::kHalfMaxRelative) + " and --min-cosine " +
                       fixed(usecases::kHalfMinCosine, 4) + " unless given")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "f16"}));
  verb->add_option("--engine", given->target.engine, "Who runs the result when it is compared")
      ->capture_default_str();
  add_questions(*verb, given->questions);
  add_photos(*verb, given->photos);
  verb->add_option("--source-engine", given->source_engine,
                   "Who runs SOURCE (default: " + given->source.engine + ", on photos " +
                       given->photos.bench.engine + ")");
  list.verbs.push_back({verb, [given, verb](Desk& desk) {
                          given->target.simplify = !given->as_it_is;
                          given->target.halves = given->weights == "f16";
                          if (!given->source_engine.empty())
                            given->source.engine = given->photos.bench.engine =
                                given->source_engine;
                          if (given->target.halves && verb->count("--max-changed") == 0)
                            given->photos.limits.changed_pairs = usecases::kHalfMaxChanged;
                          return answer_with(desk, convert(desk, *given));
                        }});
}

}  // namespace

void add_network_verbs(VerbList& list) {
  add_equivalence(list);
  add_convert(list);
}

}  // namespace visavis::cli
