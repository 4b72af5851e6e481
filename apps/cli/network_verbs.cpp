#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <visavis/usecases/networks.hpp>
#include <visavis/wire/json.hpp>

#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {
namespace {

using usecases::NetworkFile;
using usecases::Questions;

std::string shortly(double value) {
  std::string text(32, '\0');
  const int length = std::snprintf(text.data(), text.size(), "%.3g", value);
  text.resize(static_cast<std::size_t>(std::max(length, 0)));
  return text;
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
  std::string text = table.text();
  text += answer.equivalent ? "the same network" : "NOT the same network";
  text += " (at most " + shortly(answer.questions.max_abs) + " in each number" +
          (answer.questions.max_relative > 0
               ? " or " + shortly(answer.questions.max_relative) + " of the largest"
               : "") +
          ", cosine at least " + fixed(answer.questions.min_cosine, 8) + ")\n";
  if (answer.first) {
    const auto& first = *answer.first;
    text += "first difference: " + first.op + " " + printable(first.difference.source) + " / " +
            printable(first.difference.result) + ", max abs " + shortly(first.difference.max_abs) +
            ", cosine " + fixed(first.difference.min_cosine, 8) + "; " +
            std::to_string(first.same_before) + " layers before it are the same\n";
  }
  if (answer.halved) {
    text += std::to_string(answer.halved->numbers) + " weights in " +
            std::to_string(answer.halved->tensors) + " tensors are halves\n";
    for (const auto& kept : answer.halved->kept)
      text += printable(kept.name) + " stays float32: " + kept.reason + "\n";
  }
  return text;
}

void add_questions(CLI::App& verb, Questions& questions) {
  verb.add_option("--random", questions.random, "Random inputs to ask with")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  verb.add_option("--seed", questions.seed, "Random inputs are the same for the same seed")
      ->capture_default_str();
  verb.add_option("--size", questions.free_size, "Stands for a height or width that is free")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  verb.add_option("--chips", questions.chips,
                  "Pictures to ask with, too, such as chips of `visavis align`: files or folders");
  verb.add_option("--max-abs", questions.max_abs, "How far apart two numbers may be")
      ->capture_default_str()
      ->check(finite());
  verb.add_option("--max-relative", questions.max_relative,
                  "Or how far, as a share of the largest number of SOURCE's answer")
      ->capture_default_str()
      ->check(finite());
  verb.add_option("--min-cosine", questions.min_cosine, "How alike in direction outputs must be")
      ->capture_default_str()
      ->check(finite());
}

/// What was not asked for otherwise is what rounding to halves may cost.
void expect_halves(const CLI::App& verb, Questions& questions) {
  const bool by_size = verb.count("--max-abs") + verb.count("--max-relative") > 0;
  if (!by_size) questions.max_relative = usecases::kHalfMaxRelative;
  if (verb.count("--min-cosine") == 0) questions.min_cosine = usecases::kHalfMinCosine;
}

void add_choice(CLI::App& verb, usecases::GraphChoice& choice, const std::string& prefix,
                const std::string& of) {
  verb.add_option("--" + prefix + "tag", choice.tag,
                  "Which graph of " + of + ", if it is a SavedModel: its tags, with ',' between");
  verb.add_option("--" + prefix + "signature", choice.signature,
                  "Which signature of " + of + ", if it is a SavedModel");
}

int answer_with(Desk& desk, const usecases::Outcome<usecases::Equivalence>& answer) {
  if (!answer) return give_up(desk, answer.error());
  const int code = finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
  return std::max(code, answer->equivalent ? kDone : kCheckSaidNo);
}

void add_equivalence(VerbList& list) {
  struct Given {
    NetworkFile source;
    NetworkFile result;
    Questions questions;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb =
      list.add(list.program, "equivalence",
               "Whether two files hold the same network, and which layer differs first",
               "equivalence before.onnx after.onnx --chips chips/");
  verb->add_option("SOURCE", given->source.path, "A network in any format that can be imported")
      ->required();
  verb->add_option("RESULT", given->result.path, "What became of it")->required();
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
  list.verbs.push_back(
      {verb, [given](Desk& desk) {
         return answer_with(
             desk, usecases::compare_networks(given->source, given->result, given->questions));
       }});
}

void add_convert(VerbList& list) {
  struct Given {
    NetworkFile source;
    usecases::NetworkTarget target;
    Questions questions;
    std::string weights = "f32";
    bool as_it_is = false;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(
      list.program, "convert",
      "Writes a network as ONNX or OpenVINO IR, with a certificate, if the result is the same",
      "convert pnet.pt pnet.onnx --importer pytorch:mtcnn-pnet");
  verb->add_option("SOURCE", given->source.path, "A network in any format that can be imported")
      ->required();
  verb->add_option("TARGET", given->target.path,
                   "The new file: ONNX, or OpenVINO IR if it ends in .xml")
      ->required();
  verb->add_option("--importer", given->source.importer,
                   "How SOURCE is read, as a manifest names it (a state dict does not say)");
  add_choice(*verb, given->source.choice, "", "SOURCE");
  verb->add_flag("--as-it-is", given->as_it_is,
                 "Do not fold constants and batch normalisation, and drop nothing");
  verb->add_option("--weights", given->weights,
                   "f16: in half the bytes, computed with in f32; --max-relative is then " +
                       shortly(usecases::kHalfMaxRelative) + " and --min-cosine " +
                       shortly(usecases::kHalfMinCosine) + " unless given")
      ->capture_default_str()
      ->check(CLI::IsMember({"f32", "f16"}));
  verb->add_option("--engine", given->target.engine, "Who runs the result when it is compared")
      ->capture_default_str();
  add_questions(*verb, given->questions);
  list.verbs.push_back({verb, [given, verb](Desk& desk) {
                          given->target.simplify = !given->as_it_is;
                          given->target.halves = given->weights == "f16";
                          if (given->target.halves) expect_halves(*verb, given->questions);
                          const auto certify = [](const usecases::Equivalence& answer) {
                            return wire::to_json(answer);
                          };
                          return answer_with(desk,
                                             usecases::convert_network(given->source, given->target,
                                                                       given->questions, certify));
                        }});
}

}  // namespace

void add_network_verbs(VerbList& list) {
  add_equivalence(list);
  add_convert(list);
}

}  // namespace visavis::cli
